/** Calls to services that are not here: authorised like any other, and answered in their own protocol. */
import { describe, expect, test } from "vitest";
import type { PolicyDocument } from "../../src/policy/iam/types.ts";
import {
  ACCOUNT,
  ADMIN_KEYS,
  allow,
  assume,
  deny,
  document,
  FORM,
  IDENTITY_CALL,
  type RawRequest,
  send,
  sign,
  startWorld,
} from "./world.ts";

const json = (service: string, target: string, body: object = {}): RawRequest => ({
  service,
  headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": target },
  body: JSON.stringify(body),
});
const query = (service: string, action: string): RawRequest => ({
  service,
  headers: FORM,
  body: `Action=${action}`,
});
const rest = (
  service: string,
  method: string,
  path: string,
  params: Record<string, string> = {},
): RawRequest => ({
  service,
  method,
  path,
  query: params,
});
const cbor: RawRequest = {
  service: "monitoring",
  path: "/service/GraniteServiceVersion20100801/operation/DeleteAlarms",
  headers: { "smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor" },
  body: "",
};

const here = `us-east-1:${ACCOUNT}`;
/** A call, the action it is, and the resource as far as that can be told. */
const calls: readonly (readonly [RawRequest, string, string | null])[] = [
  [
    json("dynamodb", "DynamoDB_20120810.DeleteTable", { TableName: "orders" }),
    "dynamodb:DeleteTable",
    `arn:aws:dynamodb:${here}:table/orders`,
  ],
  [json("dynamodb", "DynamoDB_20120810.ListTables"), "dynamodb:ListTables", null],
  [
    json("organizations", "AWSOrganizationsV20161128.ListPolicies", { Filter: "SERVICE_CONTROL_POLICY" }),
    "organizations:ListPolicies",
    null,
  ],
  [
    json("secretsmanager", "secretsmanager.GetSecretValue", { SecretId: "orders" }),
    "secretsmanager:GetSecretValue",
    `arn:aws:secretsmanager:${here}:secret:orders-??????`,
  ],
  [
    json("sqs", "AmazonSQS.PurgeQueue", { QueueUrl: `https://sqs.us-east-1.amazonaws.com/${ACCOUNT}/q` }),
    "sqs:PurgeQueue",
    `arn:aws:sqs:${here}:q`,
  ],
  [json("tagging", "ResourceGroupsTaggingAPI_20170126.UntagResources"), "tag:UntagResources", null],
  [json("cloudcontrolapi", "CloudApiService.DeleteResource"), "cloudformation:DeleteResource", null],
  [query("ec2", "TerminateInstances"), "ec2:TerminateInstances", null],
  [query("rds", "DeleteDBInstance"), "rds:DeleteDBInstance", null],
  [query("iam", "CreateAccessKey"), "iam:CreateAccessKey", null],
  [query("sts", "GetSessionToken"), "sts:GetSessionToken", null],
  [query("sts", "GetFederationToken"), "sts:GetFederationToken", null],
  [query("cloudformation", "CreateStackSet"), "cloudformation:CreateStackSet", null],
  [cbor, "cloudwatch:DeleteAlarms", null],
  [rest("s3", "DELETE", "/orders"), "s3:DeleteBucket", "arn:aws:s3:::orders"],
  [rest("s3", "GET", "/orders/a%20b/c"), "s3:GetObject", "arn:aws:s3:::orders/a b/c"],
  [rest("s3", "DELETE", "/orders/a", { versionId: "1" }), "s3:DeleteObjectVersion", "arn:aws:s3:::orders/a"],
  [rest("s3", "PUT", "/orders", { lifecycle: "" }), "s3:PutLifecycleConfiguration", "arn:aws:s3:::orders"],
  [rest("s3", "POST", "/orders", { delete: "" }), "s3:DeleteObject", "arn:aws:s3:::orders/*"],
  [rest("s3", "GET", "/"), "s3:ListAllMyBuckets", null],
  [
    rest("lambda", "POST", "/2015-03-31/functions/f/invocations"),
    "lambda:InvokeFunction",
    `arn:aws:lambda:${here}:function:f`,
  ],
  [
    rest("lambda", "PUT", "/2015-03-31/functions/f/code"),
    "lambda:UpdateFunctionCode",
    `arn:aws:lambda:${here}:function:f`,
  ],
];

async function sendWith(policy: PolicyDocument, request: RawRequest) {
  const world = await startWorld();
  const keys = await assume(world.sts(), { Policy: JSON.stringify(policy) });
  return { world, answer: await send(await sign(world, { ...request, keys })) };
}

describe("the action and resource of a call are told", () => {
  test.each(calls.map((call) => [call[1], ...call] as const))("%s", async (_, request, action, resource) => {
    const { world, answer } = await sendWith(document(allow("*"), deny(action)), request);
    expect(answer.status).toBe(403);
    const on = resource === null ? "" : ` on resource: ${resource}`;
    const [event] = world.aws.state.events().slice(-1);
    expect(event?.errorMessage).toBe(
      `User: arn:aws:sts::${ACCOUNT}:assumed-role/operator/orders-ci is not authorized to perform: ${action}${on} with an explicit deny in a session policy`,
    );
    expect(event?.eventSource).toBe(`${action.split(":")[0] ?? ""}.amazonaws.com`);
    const { answer: open } = await sendWith(document(allow("*")), request);
    expect(open.status).toBe(400);
    expect(open.text).toContain("is not in local AWS");
  });
});

test("each protocol has its own shape of AccessDenied", async () => {
  const shape = async (request: RawRequest) => (await sendWith(document(deny("*")), request)).answer;
  const dynamodb = await shape(json("dynamodb", "DynamoDB_20120810.ListTables"));
  expect(JSON.parse(dynamodb.text)).toMatchObject({ __type: "AccessDeniedException" });
  expect((await shape(query("rds", "DeleteDBInstance"))).text).toMatch(
    /<ErrorResponse><Error><Type>Sender<\/Type><Code>AccessDenied</,
  );
  expect((await shape(query("ec2", "TerminateInstances"))).text).toMatch(
    /<Response><Errors><Error><Code>AccessDenied</,
  );
  expect((await shape(rest("s3", "GET", "/b/k"))).text).toMatch(/<Error><Code>AccessDenied</);
  const lambda = await shape(rest("lambda", "GET", "/2015-03-31/functions/f"));
  expect(lambda.headers.get("x-amzn-errortype")).toBe("AccessDeniedException");
  const bytes = await shape(cbor);
  expect(bytes.headers.get("smithy-protocol")).toBe("rpc-v2-cbor");
  expect(bytes.text).toContain("AccessDeniedException");
});

test.each([
  ["an action that is not published", json("dynamodb", "DynamoDB_20120810.Frobnicate")],
  ["a subresource nobody knows", rest("s3", "PUT", "/orders", { frobnicate: "" })],
  ["a path nobody knows", rest("lambda", "DELETE", "/2099/things")],
  ["a service nobody knows", query("frobnicator", "Frob")],
  ["an operation named like a property of every object", query("sts", "constructor")],
  ["no operation at all", { ...IDENTITY_CALL, body: "Version=2011-06-15" }],
])("what cannot be told is never carried out: %s", async (_, request) => {
  const { answer } = await sendWith(document(allow("*")), request);
  expect(answer.status).toBe(400);
  expect(answer.text).toContain("is not in local AWS");
});

test("an unsigned AssumeRoleWithWebIdentity is answered with what it is: not here yet", async () => {
  const world = await startWorld();
  const body = "Action=AssumeRoleWithWebIdentity&WebIdentityToken=canary";
  const answer = await send({ method: "POST", url: world.url, headers: FORM, body });
  expect(answer.status).toBe(400);
  expect(answer.text).toContain("AssumeRoleWithWebIdentity is not in local AWS");
  expect(answer.text).not.toContain("canary");
});

test("a signed call of another service is refused like any other when it was tampered with", async () => {
  const world = await startWorld();
  const signed = await sign(world, { ...json("dynamodb", "DynamoDB_20120810.ListTables"), keys: ADMIN_KEYS });
  const answer = await send({
    ...signed,
    headers: { ...signed.headers, "x-amz-target": "DynamoDB_20120810.DeleteTable" },
  });
  expect(answer.status).toBe(403);
  expect(JSON.parse(answer.text)).toMatchObject({ __type: "InvalidSignatureException" });
});
