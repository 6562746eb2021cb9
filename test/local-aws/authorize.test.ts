/** Every call goes through every policy, and a refusal says in AWS's words which kind of policy refused. */
import {
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
  ListStacksCommand,
  UpdateStackCommand,
} from "@aws-sdk/client-cloudformation";
import { GetRoleCommand } from "@aws-sdk/client-iam";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { describe, expect, test } from "vitest";
import type { AccountOptions } from "../../src/local-aws/options.ts";
import type { ConditionBlock, PolicyDocument } from "../../src/policy/iam/types.ts";
import {
  ACCOUNT,
  actions,
  allow,
  assume,
  deny,
  document,
  HOP,
  refusal,
  SERVICE_ROLE,
  startWorld,
  TEMPLATE,
  type TestWorld,
} from "./world.ts";

const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/operator/orders-ci`;
const deleteStack = (name: string): DeleteStackCommand => new DeleteStackCommand({ StackName: name });

/** The operator's role changed. */
const operator =
  (change: Partial<NonNullable<AccountOptions["roles"]>[number]>) =>
  (account: AccountOptions): AccountOptions => ({
    ...account,
    roles: (account.roles ?? []).map((role) => (role.name === "operator" ? { ...role, ...change } : role)),
  });

const fenced = async (world: TestWorld, policy: PolicyDocument | null) =>
  world.cloudformation(await assume(world.sts(), policy === null ? {} : { Policy: JSON.stringify(policy) }));

/** Denies the action unless the condition's keys are as `wanted`, with everything else allowed. */
const unless = (action: string, wanted: ConditionBlock): PolicyDocument =>
  document(allow("*"), { ...deny(action), Condition: wanted });

describe("a refusal names the policy that refused", () => {
  const explicit = `User: ${SESSION} is not authorized to perform: cloudformation:DeleteStack on resource: arn:aws:cloudformation:us-east-1:${ACCOUNT}:stack/orders-production/`;
  const boundary = `arn:aws:iam::${ACCOUNT}:policy/edge`;
  const bounded = (edge: PolicyDocument) => (account: AccountOptions) => ({
    ...operator({ boundary })(account),
    policies: [{ name: "edge", document: edge }],
  });
  const same = (account: AccountOptions): AccountOptions => account;
  const cases: readonly (readonly [
    string,
    (account: AccountOptions) => AccountOptions,
    PolicyDocument | null,
  ])[] = [
    [
      "with an explicit deny in a session policy",
      same,
      document(allow("*"), deny("cloudformation:DeleteStack")),
    ],
    ["because no session policy allows the cloudformation:DeleteStack action", same, document(allow("s3:*"))],
    [
      "with an explicit deny in an identity-based policy",
      operator({ inline: { x: document(allow("*"), deny("*:DeleteStack".replace("*", "cloudformation"))) } }),
      null,
    ],
    [
      "because no identity-based policy allows the cloudformation:DeleteStack action",
      operator({ inline: {} }),
      null,
    ],
    [
      "with an explicit deny in a permissions boundary",
      bounded(document(allow("*"), deny("cloudformation:*"))),
      null,
    ],
    [
      "because no permissions boundary allows the cloudformation:DeleteStack action",
      bounded(document(allow("s3:*"))),
      null,
    ],
    [
      "with an explicit deny in a service control policy",
      (a) => ({ ...a, scps: [[document(allow("*"), deny("cloudformation:*"))]] }),
      null,
    ],
    [
      "because no service control policy allows the cloudformation:DeleteStack action",
      (a) => ({ ...a, scps: [[document(allow("*"))], [document(allow("sts:*"))]] }),
      null,
    ],
  ];
  test.each(cases)("%s", async (words, change, policy) => {
    const world = await startWorld(change);
    const refused = await refusal((await fenced(world, policy)).send(deleteStack("orders-production")));
    expect(refused.code).toBe("AccessDenied");
    expect(refused.status).toBe(403);
    expect(refused.message.startsWith(explicit)).toBe(true);
    expect(refused.message.endsWith(words)).toBe(true);
    const { errorCode, responseElements } = world.aws.state.events().at(-1) ?? {};
    expect({ errorCode, responseElements }).toEqual({ errorCode: "AccessDenied", responseElements: null });
  });

  test("and managed session policies are one layer with the inline one", async () => {
    const world = await startWorld();
    const keys = await assume(world.sts(), {
      Policy: JSON.stringify(document(allow("cloudformation:List*"))),
      PolicyArns: [{ arn: `arn:aws:iam::${ACCOUNT}:policy/only-look` }],
    });
    const client = world.cloudformation(keys);
    await client.send(new DescribeStacksCommand({}));
    expect((await refusal(client.send(deleteStack("orders-staging")))).message).toContain(
      "no session policy",
    );
  });
});

describe("resource tags", () => {
  const fence = unless("cloudformation:DeleteStack", {
    StringNotEqualsIgnoreCase: { "aws:ResourceTag/environment": ["staging"] },
  });

  test("of the stack decide, and a stack without the tag is not let through", async () => {
    const world = await startWorld();
    const client = await fenced(world, fence);
    for (const name of ["orders-production", "orders-untagged", "no-such-stack"])
      expect((await refusal(client.send(deleteStack(name)))).code).toBe("AccessDenied");
    await client.send(deleteStack("orders-staging"));
  });

  test("are those of the stack when it is named by its ARN too", async () => {
    const world = await startWorld();
    const client = await fenced(world, fence);
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: "orders-production" }));
    const refused = await refusal(client.send(deleteStack(Stacks?.[0]?.StackId ?? "")));
    expect(refused.code).toBe("AccessDenied");
  });

  test("are left out where the published data does not say that the action carries them", async () => {
    const world = await startWorld(undefined, {
      actions: {
        ...actions,
        action: (name) => {
          const facts = actions.action(name);
          return facts?.name === "cloudformation:DeleteStack" ? { ...facts, resources: [] } : facts;
        },
      },
    });
    const client = await fenced(world, fence);
    expect((await refusal(client.send(deleteStack("orders-staging")))).code).toBe("AccessDenied");
  });

  test("are left out for iam:PassRole, where AWS says not to rely on them", async () => {
    const world = await startWorld((account) => ({
      ...account,
      roles: (account.roles ?? []).map((role) => ({ ...role, tags: { team: "orders" } })),
    }));
    const policy = unless("iam:PassRole", { StringNotEquals: { "aws:ResourceTag/team": "orders" } });
    const client = await fenced(world, policy);
    const create = new CreateStackCommand({
      StackName: "new",
      TemplateBody: TEMPLATE,
      RoleARN: SERVICE_ROLE,
    });
    expect((await refusal(client.send(create))).message).toContain("iam:PassRole");
  });

  test("of a role are carried by iam actions", async () => {
    const world = await startWorld();
    const policy = unless("iam:GetRole", { StringNotEquals: { "aws:ResourceTag/team": "orders" } });
    const client = world.iam(await assume(world.sts(), { Policy: JSON.stringify(policy) }));
    await client.send(new GetRoleCommand({ RoleName: "operator" }));
    expect((await refusal(client.send(new GetRoleCommand({ RoleName: "hop" })))).code).toBe("AccessDenied");
  });
});

describe("condition keys of a change", () => {
  const create = (input: object = {}): CreateStackCommand =>
    new CreateStackCommand({ StackName: "new", TemplateBody: TEMPLATE, ...input });
  const staging = [{ Key: "environment", Value: "staging" }];
  const cases: readonly (readonly [string, PolicyDocument, object, object])[] = [
    [
      "aws:RequestTag",
      unless("cloudformation:CreateStack", { StringNotEquals: { "aws:RequestTag/environment": "staging" } }),
      { Tags: staging },
      { Tags: [{ Key: "environment", Value: "production" }] },
    ],
    [
      "aws:TagKeys",
      unless("cloudformation:CreateStack", {
        "ForAnyValue:StringEqualsIgnoreCase": { "aws:TagKeys": "twokey:x" },
      }),
      { Tags: staging },
      { Tags: [...staging, { Key: "TwoKey:X", Value: "1" }] },
    ],
    [
      "cloudformation:RoleArn",
      unless("cloudformation:CreateStack", { StringNotEquals: { "cloudformation:RoleArn": SERVICE_ROLE } }),
      { RoleARN: SERVICE_ROLE },
      {},
    ],
    [
      "cloudformation:ResourceTypes",
      unless("cloudformation:CreateStack", {
        "ForAnyValue:StringLike": { "cloudformation:ResourceTypes": "AWS::IAM::*" },
      }),
      { ResourceTypes: ["AWS::SQS::Queue"] },
      { ResourceTypes: ["AWS::IAM::Role"] },
    ],
    [
      "cloudformation:TemplateUrl",
      unless("cloudformation:CreateStack", { Null: { "cloudformation:TemplateUrl": "false" } }),
      {},
      { TemplateBody: undefined, TemplateURL: "https://bucket.s3.amazonaws.com/t" },
    ],
  ];
  test.each(cases)("%s", async (_, policy, good, bad) => {
    const world = await startWorld();
    const client = await fenced(world, policy);
    await client.send(create(good));
    expect((await refusal(client.send(create({ StackName: "newer", ...bad })))).code).toBe("AccessDenied");
  });

  test("cloudformation:CreateAction says which call sets the tags", async () => {
    const world = await startWorld();
    const client = await fenced(
      world,
      unless("cloudformation:TagResource", {
        StringNotEquals: { "cloudformation:CreateAction": "CreateStack" },
      }),
    );
    await client.send(create({ Tags: staging }));
    const update = new UpdateStackCommand({ StackName: "new", UsePreviousTemplate: true, Tags: staging });
    expect((await refusal(client.send(update))).message).toContain("cloudformation:TagResource");
  });

  test("iam:PassedToService says to which service the role goes", async () => {
    const world = await startWorld();
    const passed = (service: string): PolicyDocument =>
      document(allow("cloudformation:*"), {
        ...allow("iam:PassRole"),
        Condition: { StringEquals: { "iam:PassedToService": service } },
      });
    const other = await fenced(world, passed("ec2.amazonaws.com"));
    expect((await refusal(other.send(create({ RoleARN: SERVICE_ROLE })))).message).toContain("iam:PassRole");
    await (
      await fenced(world, passed("cloudformation.amazonaws.com"))
    ).send(create({ RoleARN: SERVICE_ROLE }));
  });

  test("iam:PassRole is needed for the role that is passed, and only for that", async () => {
    const world = await startWorld();
    const client = await fenced(
      world,
      document(allow("cloudformation:*"), allow("iam:PassRole", SERVICE_ROLE)),
    );
    await client.send(create({ RoleARN: SERVICE_ROLE }));
    const refused = await refusal(client.send(create({ StackName: "newer", RoleARN: HOP })));
    expect(refused.message).toContain(`iam:PassRole on resource: ${HOP}`);
  });
});

describe("the caller's own condition keys", () => {
  const demands: readonly (readonly [string, ConditionBlock])[] = [
    [
      "aws:PrincipalArn",
      { ArnEquals: { "aws:PrincipalArn": `arn:aws:iam::${ACCOUNT}:role/twokey/operator` } },
    ],
    [
      "aws:PrincipalTag of the session",
      { StringEquals: { "aws:PrincipalTag/TwoKey:principal": "ai-agent" } },
    ],
    ["aws:PrincipalTag of the role", { StringEquals: { "aws:PrincipalTag/team": "orders" } }],
    ["aws:SourceIdentity", { StringEquals: { "aws:SourceIdentity": "tks-1" } }],
    ["aws:userid", { StringLike: { "aws:userid": "AROA*:orders-ci" } }],
    ["aws:TokenIssueTime", { DateLessThan: { "aws:TokenIssueTime": "2999-01-01T00:00:00Z" } }],
    ["aws:CurrentTime", { DateGreaterThan: { "aws:CurrentTime": "2020-01-01T00:00:00Z" } }],
    ["aws:EpochTime", { NumericGreaterThan: { "aws:EpochTime": "1500000000" } }],
    ["aws:RequestedRegion", { StringEquals: { "aws:RequestedRegion": "us-east-1" } }],
    ["aws:SourceIp", { IpAddress: { "aws:SourceIp": "127.0.0.0/8" } }],
    ["aws:SecureTransport", { Bool: { "aws:SecureTransport": "true" } }],
    ["aws:UserAgent", { StringLike: { "aws:UserAgent": "aws-sdk-js/*" } }],
  ];
  test.each(demands)("%s", async (_, condition) => {
    const world = await startWorld();
    const policy = document({ ...allow("cloudformation:ListStacks"), Condition: condition });
    const keys = await assume(world.sts(), {
      Policy: JSON.stringify(policy),
      SourceIdentity: "tks-1",
      Tags: [{ Key: "twokey:principal", Value: "ai-agent" }],
    });
    await world.cloudformation(keys).send(new ListStacksCommand({}));
  });

  test("a session tag wins over the role's tag of the same name", async () => {
    const world = await startWorld();
    const policy = document({
      ...allow("cloudformation:ListStacks"),
      Condition: { StringEquals: { "aws:PrincipalTag/team": "session" } },
    });
    const keys = await assume(world.sts(), {
      Policy: JSON.stringify(policy),
      Tags: [{ Key: "Team", Value: "session" }],
    });
    await world.cloudformation(keys).send(new ListStacksCommand({}));
  });
});

test("describing every stack needs DescribeStacks and ListStacks on everything", async () => {
  const world = await startWorld();
  const one = `arn:aws:cloudformation:us-east-1:${ACCOUNT}:stack/orders-staging/*`;
  const client = await fenced(world, document(allow("cloudformation:DescribeStacks", one)));
  await client.send(new DescribeStacksCommand({ StackName: "orders-staging" }));
  expect((await refusal(client.send(new DescribeStacksCommand({})))).code).toBe("AccessDenied");
  const both = await fenced(world, document(allow("cloudformation:DescribeStacks")));
  expect((await refusal(both.send(new DescribeStacksCommand({})))).message).toContain(
    "cloudformation:ListStacks",
  );
});

test("GetCallerIdentity cannot be denied", async () => {
  const world = await startWorld();
  const keys = await assume(world.sts(), { Policy: JSON.stringify(document(deny("*"))) });
  expect((await world.sts(keys).send(new GetCallerIdentityCommand({}))).Arn).toBe(SESSION);
});

test("nobody is told whether a stack exists before the policies allow the question", async () => {
  const world = await startWorld();
  const client = await fenced(world, document(deny("*")));
  const refused = await refusal(client.send(new DescribeStacksCommand({ StackName: "nothing" })));
  expect(refused.message).toContain(`stack/nothing/* with an explicit deny in a session policy`);
});
