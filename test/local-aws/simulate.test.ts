/** IAM's policy simulator as the SDK sees it. Expected decisions are AWS's published rules, worked out by hand. */
import {
  type ContextEntry,
  type EvaluationResult,
  SimulateCustomPolicyCommand,
  type SimulateCustomPolicyCommandInput,
  SimulatePrincipalPolicyCommand,
  type SimulatePrincipalPolicyCommandInput,
} from "@aws-sdk/client-iam";
import { expect, test } from "vitest";
import type { PolicyDocument, Statement } from "../../src/policy/iam/types.ts";
import {
  ACCOUNT,
  ADMIN_KEYS,
  allow,
  BROKER,
  BROKER_KEYS,
  deny,
  document,
  IDENTITY_CALL,
  OPERATOR,
  refusal,
  send,
  sign,
  startWorld,
  type TestWorld,
} from "./world.ts";

const text = (...statements: readonly Statement[]): string => JSON.stringify(document(...statements));
const STAGING = "arn:aws:sqs:us-east-1:111122223333:staging";
const PRODUCTION = "arn:aws:sqs:us-east-1:111122223333:production";

async function custom(
  world: TestWorld,
  input: Partial<SimulateCustomPolicyCommandInput>,
): Promise<readonly EvaluationResult[]> {
  const command = new SimulateCustomPolicyCommand({
    PolicyInputList: [text(allow("*"))],
    ActionNames: ["sqs:DeleteQueue"],
    ...input,
  });
  return (await world.iam().send(command)).EvaluationResults ?? [];
}

async function principal(
  world: TestWorld,
  input: Partial<SimulatePrincipalPolicyCommandInput>,
): Promise<readonly EvaluationResult[]> {
  const command = new SimulatePrincipalPolicyCommand({
    PolicySourceArn: OPERATOR,
    ActionNames: ["sqs:DeleteQueue"],
    ...input,
  });
  return (await world.iam().send(command)).EvaluationResults ?? [];
}

const decisions = (results: readonly EvaluationResult[]) =>
  results.map((result) => [result.EvalActionName, result.EvalDecision]);

test("each action is decided as allowed, explicitDeny or implicitDeny, in the order asked", async () => {
  const world = await startWorld();
  const results = await custom(world, {
    PolicyInputList: [text(allow(["sqs:*", "s3:GetObject"])), text(deny("sqs:DeleteQueue"))],
    ActionNames: ["sqs:SendMessage", "sqs:DeleteQueue", "ec2:RunInstances"],
  });
  expect(decisions(results)).toEqual([
    ["sqs:SendMessage", "allowed"],
    ["sqs:DeleteQueue", "explicitDeny"],
    ["ec2:RunInstances", "implicitDeny"],
  ]);
  expect(
    results.map((result) => result.MatchedStatements?.map((statement) => statement.SourcePolicyId)),
  ).toEqual([["PolicyInputList.1"], ["PolicyInputList.2"], []]);
});

test("an action over several resources has one result, the strictest, with each resource's own below it", async () => {
  const world = await startWorld();
  const [result, ...rest] = await custom(world, {
    PolicyInputList: [text(allow("sqs:*", STAGING))],
    ResourceArns: [STAGING, PRODUCTION],
  });
  expect(rest).toEqual([]);
  expect(result?.EvalDecision).toBe("implicitDeny");
  expect(
    result?.ResourceSpecificResults?.map((one) => [one.EvalResourceName, one.EvalResourceDecision]),
  ).toEqual([
    [STAGING, "allowed"],
    [PRODUCTION, "implicitDeny"],
  ]);
});

test("context keys are used by their types, and those that are asked for and not given are named", async () => {
  const world = await startWorld();
  const PolicyInputList = [
    text(
      {
        ...allow("sqs:*"),
        Condition: {
          StringEquals: { "aws:ResourceTag/environment": "staging" },
          NumericLessThan: { "s3:max-keys": "5" },
        },
      },
      { ...deny("sqs:*"), Condition: { "ForAnyValue:StringEquals": { "aws:TagKeys": "environment" } } },
    ),
  ];
  const entry = (
    ContextKeyName: string,
    ContextKeyType: ContextEntry["ContextKeyType"],
    ...ContextKeyValues: string[]
  ) => ({
    ContextKeyName,
    ContextKeyType,
    ContextKeyValues,
  });
  const decide = async (...ContextEntries: ContextEntry[]) =>
    (await custom(world, { PolicyInputList, ContextEntries }))[0];
  const tag = entry("aws:ResourceTag/environment", "string", "staging");
  const four = entry("s3:max-keys", "numeric", "4");
  expect((await decide(tag, four))?.EvalDecision).toBe("allowed");
  expect((await decide(tag, entry("s3:max-keys", "numeric", "6")))?.EvalDecision).toBe("implicitDeny");
  expect(
    (await decide(tag, four, entry("aws:TagKeys", "stringList", "a", "environment")))?.EvalDecision,
  ).toBe("explicitDeny");
  expect((await decide(four))?.MissingContextValues).toEqual(["aws:ResourceTag/environment", "aws:TagKeys"]);
  for (const bad of [
    entry("aws:TagKeys", "string", "a", "b"),
    entry("s3:max-keys", "numeric", "many"),
    entry("aws:x", "text" as "string", "a"),
    entry("nothing", "string", "a"),
  ])
    expect((await refusal(decide(bad))).code).toBe("InvalidInput");
  expect((await refusal(decide(tag, { ...tag, ContextKeyName: "AWS:resourcetag/environment" }))).code).toBe(
    "InvalidInput",
  );
});

test("a boundary that does not allow is an implicit deny, one that denies an explicit one", async () => {
  const world = await startWorld();
  const under = async (boundary: string) =>
    (await custom(world, { PermissionsBoundaryPolicyInputList: [boundary] }))[0];
  expect(await under(text(allow("s3:*")))).toMatchObject({
    EvalDecision: "implicitDeny",
    PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: false },
  });
  expect(await under(text(allow("*"), deny("sqs:Delete*")))).toMatchObject({
    EvalDecision: "explicitDeny",
    PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: false },
  });
  expect(await under(text(allow("*")))).toMatchObject({
    EvalDecision: "allowed",
    PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: true },
  });
});

test("a resource policy that names the caller is enough in the account, and not across accounts", async () => {
  const world = await startWorld();
  const ResourcePolicy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { AWS: BROKER }, Action: "sqs:*", Resource: "*" }],
  });
  const input = { PolicyInputList: [text(allow("s3:*"))], ResourceArns: [STAGING], ResourcePolicy };
  expect(decisions(await custom(world, { ...input, CallerArn: BROKER }))[0]?.[1]).toBe("allowed");
  const [stranger] = await custom(world, { ...input, CallerArn: `${BROKER}-2` });
  expect(stranger?.EvalDecision).toBe("implicitDeny");
  const [abroad] = await custom(world, {
    ...input,
    CallerArn: BROKER,
    ResourceArns: [STAGING.replace(ACCOUNT, "999988887777")],
  });
  expect(abroad?.EvalDecision).toBe("implicitDeny");
  expect((await refusal(custom(world, input))).message).toContain("CallerArn is required");
  const session = "arn:aws:sts::111122223333:assumed-role/operator/x";
  expect((await refusal(custom(world, { ...input, CallerArn: session }))).code).toBe("InvalidInput");
});

test("levels of an organisation given as input must each allow", async () => {
  const world = await startWorld();
  const levels = (...documents: string[]) =>
    documents.map((one) => ({ ServiceControlPolicyInputList: [one] }));
  const [held] = await custom(world, {
    OrderedOrganizationPolicyInputList: levels(text(allow("*")), text(allow("s3:*"))),
  });
  expect(held).toMatchObject({
    EvalDecision: "implicitDeny",
    OrganizationsDecisionDetail: { AllowedByOrganizations: false },
  });
  const [free] = await custom(world, {
    OrderedOrganizationPolicyInputList: levels(text(allow("*")), text(allow("sqs:*"))),
  });
  expect(free).toMatchObject({
    EvalDecision: "allowed",
    OrganizationsDecisionDetail: { AllowedByOrganizations: true },
  });
});

const operator = (change: object, scps?: readonly (readonly PolicyDocument[])[]) =>
  startWorld((account) => ({
    ...account,
    ...(scps === undefined ? {} : { scps }),
    roles: (account.roles ?? []).map((role) => (role.name === "operator" ? { ...role, ...change } : role)),
  }));

test("a role is simulated with its inline and attached policies, its boundary and its account's organisation", async () => {
  const world = await operator({ attached: [`arn:aws:iam::${ACCOUNT}:policy/only-look`] });
  const [plain] = await principal(world, { ActionNames: ["cloudformation:DescribeStacks"] });
  expect(plain).toMatchObject({ EvalDecision: "allowed" });
  expect(plain?.MatchedStatements).toEqual([
    { SourcePolicyId: "role_operator_all", SourcePolicyType: "role" },
    { SourcePolicyId: "only-look", SourcePolicyType: "user-managed" },
  ]);
  expect(plain?.OrganizationsDecisionDetail).toBeUndefined();

  const bounded = await operator({ boundary: `arn:aws:iam::${ACCOUNT}:policy/only-look` });
  expect((await principal(bounded, {}))[0]).toMatchObject({
    EvalDecision: "implicitDeny",
    PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: false },
  });
  const replaced = await principal(bounded, { PermissionsBoundaryPolicyInputList: [text(allow("sqs:*"))] });
  expect(replaced[0]?.EvalDecision).toBe("allowed");

  const fenced = await operator({}, [
    [
      document(allow("*"), {
        ...deny("sqs:*"),
        Condition: { StringEquals: { "aws:PrincipalTag/twokey:principal": "ai-agent" } },
      }),
    ],
  ]);
  // The simulator itself is called by a user without that tag.
  const ContextEntries: ContextEntry[] = [
    {
      ContextKeyName: "aws:PrincipalTag/twokey:principal",
      ContextKeyType: "string",
      ContextKeyValues: ["ai-agent"],
    },
  ];
  expect((await principal(fenced, { ContextEntries }))[0]).toMatchObject({
    EvalDecision: "explicitDeny",
    OrganizationsDecisionDetail: { AllowedByOrganizations: false },
  });
  expect((await principal(fenced, {}))[0]?.EvalDecision).toBe("allowed");
});

test("a user is simulated with its policies and those of the request; whom there is not, is not found", async () => {
  const world = await startWorld();
  const PolicySourceArn = BROKER;
  const ActionNames = ["sts:AssumeRole", "iam:GetRole"];
  expect(decisions(await principal(world, { PolicySourceArn, ActionNames }))).toEqual([
    ["sts:AssumeRole", "allowed"],
    ["iam:GetRole", "implicitDeny"],
  ]);
  const more = await principal(world, {
    PolicySourceArn,
    ActionNames,
    PolicyInputList: [text(allow("iam:Get*"))],
  });
  expect(more[1]?.EvalDecision).toBe("allowed");
  for (const [arn, code] of [
    [`${OPERATOR}-none`, "NoSuchEntity"],
    ["arn:aws:iam::999988887777:role/operator", "NoSuchEntity"],
    [`arn:aws:iam::${ACCOUNT}:group/people`, "InvalidInput"],
  ] as const)
    expect((await refusal(principal(world, { PolicySourceArn: arn }))).code).toBe(code);
});

test("simulating needs its own permission, and malformed input is refused", async () => {
  const world = await startWorld();
  const command = new SimulatePrincipalPolicyCommand({
    PolicySourceArn: BROKER,
    ActionNames: ["s3:GetObject"],
  });
  expect((await refusal(world.iam(BROKER_KEYS).send(command))).message).toContain(
    `is not authorized to perform: iam:SimulatePrincipalPolicy on resource: ${BROKER}`,
  );
  for (const bad of [
    { PolicyInputList: ["{"] },
    { PolicyInputList: [text({ Effect: "Allow", Action: "sqs:*" })] },
    { ActionNames: ["sqs:*"] },
    { ActionNames: ["constructor"] },
    { ResourcePolicy: text(allow("*")), CallerArn: BROKER },
    { PermissionsBoundaryPolicyInputList: [text(allow("*")), text(allow("*"))] },
  ])
    expect((await refusal(custom(world, bad))).code).toBe("InvalidInput");
  expect((await refusal(custom(world, { ActionNames: [] }))).code).toBe("ValidationError");
});

test("results come in pages", async () => {
  const world = await startWorld();
  const ask = (Marker?: string) =>
    world.iam().send(
      new SimulateCustomPolicyCommand({
        PolicyInputList: [text(allow("*"))],
        ActionNames: ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
        MaxItems: 2,
        Marker,
      }),
    );
  const first = await ask();
  expect([first.EvaluationResults?.length, first.IsTruncated]).toEqual([2, true]);
  const second = await ask(first.Marker);
  expect([decisions(second.EvaluationResults ?? []), second.IsTruncated]).toEqual([
    [["s3:ListBucket", "allowed"]],
    false,
  ]);
});

test("every answer, a refusal too, tells this AWS's time in its Date header", async () => {
  const world = await startWorld();
  world.advance(7200);
  for (const keys of [ADMIN_KEYS, { ...ADMIN_KEYS, secretAccessKey: "wrong" }]) {
    const { headers } = await send(await sign(world, { ...IDENTITY_CALL, keys }));
    const told = Date.parse(headers.get("date") ?? "");
    expect(Math.abs(told - world.now().getTime())).toBeLessThan(5000);
  }
});
