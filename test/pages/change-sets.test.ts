/** Change sets as approvers see them, read from a local AWS that speaks the real protocol. */
import { CreateChangeSetCommand, type CreateChangeSetCommandInput } from "@aws-sdk/client-cloudformation";
import type { AssumeRoleCommandInput } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { createReadChangeSet } from "../../src/adapters/aws/read-change-set.ts";
import type { ReadingOfChangeSet } from "../../src/session/read-change-set.ts";
import { Secret } from "../../src/session/credentials.ts";
import type { Result } from "../../src/result.ts";
import { assume, REGION, startWorld, SERVICE_ROLE, type TestWorld } from "../local-aws/world.ts";
import { compiled } from "../policy/served.ts";

const QUEUE = { Type: "AWS::SQS::Queue", Properties: { VisibilityTimeout: 30 } };
const TABLE = {
  Type: "AWS::DynamoDB::Table",
  Properties: { TableName: "orders", BillingMode: "PAY_PER_REQUEST" },
};
const templateOf = (resources: object, rest: object = {}): string =>
  JSON.stringify({ Resources: resources, ...rest });

/** As the stacks of the test's world stand: this changes nothing. */
const SAME = { Table: TABLE, Queue: QUEUE };
const LONGER = { ...SAME, Queue: { ...QUEUE, Properties: { VisibilityTimeout: 120 } } };

async function prepare(world: TestWorld, input: Partial<CreateChangeSetCommandInput>): Promise<string> {
  const { Id } = await world.cloudformation().send(
    new CreateChangeSetCommand({
      StackName: "orders-production",
      ChangeSetName: "twokey-fix",
      TemplateBody: templateOf(LONGER),
      ...input,
    }),
  );
  return Id ?? "";
}

async function read(
  world: TestWorld,
  arn: string,
  input: Partial<AssumeRoleCommandInput> = {},
): Promise<Result<ReadingOfChangeSet, string>> {
  const keys = await assume(world.sts(), input);
  return createReadChangeSet({ endpoint: world.url })({
    arn,
    region: REGION,
    credentials: {
      accessKeyId: keys.accessKeyId,
      secretAccessKey: new Secret(keys.secretAccessKey),
      sessionToken: new Secret(keys.sessionToken),
      expiration: new Date(0),
    },
    environmentTag: "environment",
    serviceRoles: { production: "arn:aws:iam::111122223333:role/p", staging: SERVICE_ROLE },
  });
}

async function shown(input: Partial<CreateChangeSetCommandInput>): Promise<ReadingOfChangeSet> {
  const world = await startWorld();
  const found = await read(world, await prepare(world, input));
  if (!found.ok) throw new Error(found.error);
  return found.value;
}

const OFF = "The stack's termination protection is off.";

test("a change set is read whole: its stack, every change, its description, the tags afterwards", async () => {
  const { Queue } = LONGER;
  const { changeSet, stackArn } = await shown({
    Description: "raise the time-out",
    TemplateBody: templateOf({ Queue, Topic: { Type: "AWS::SNS::Topic" } }),
  });
  expect(stackArn).toMatch(/^arn:aws:cloudformation:us-east-1:111122223333:stack\/orders-production\//);
  expect(changeSet).toMatchObject({
    name: "twokey-fix",
    stack: "orders-production",
    description: "raise the time-out",
    executionStatus: "AVAILABLE",
    tags: [{ key: "environment", value: "production" }],
    warnings: [OFF],
  });
  const seen = changeSet.changes.map(({ action, logicalId, replacement, policyAction, details }) => [
    action,
    logicalId,
    replacement,
    policyAction,
    details,
  ]);
  expect(seen).toEqual([
    ["Remove", "Table", null, "Delete", []],
    ["Modify", "Queue", "False", null, ["VisibilityTimeout: 30 → 120"]],
    ["Add", "Topic", null, null, ['{"Properties":{}}']],
  ]);
});

test("what an added or changed resource would hold is shown, and a value too long says so", async () => {
  const document = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*" } };
  const { changeSet } = await shown({
    TemplateBody: templateOf({
      ...SAME,
      Open: { Type: "AWS::SQS::QueuePolicy", Properties: { PolicyDocument: document } },
      Long: { Type: "AWS::SNS::Topic", Properties: { DisplayName: "a".repeat(700) } },
    }),
    Capabilities: ["CAPABILITY_IAM"],
  });
  const details = new Map(changeSet.changes.map((change) => [change.logicalId, change.details.join()]));
  expect(details.get("Open")).toContain('"Action":"*"');
  expect(details.get("Long")).toMatch(/^.{600}… \(\d+ more characters, NOT shown\)$/);
  expect(changeSet.warnings).toContain(
    "It changes who may do what: Open (AWS::SQS::QueuePolicy). Read its values below before you decide.",
  );
});

test("more changes than one page holds are all read", async () => {
  const topics = Object.fromEntries(
    Array.from({ length: 230 }, (_, index) => [`Topic${index}`, { Type: "AWS::SNS::Topic" }]),
  );
  const { changeSet } = await shown({ TemplateBody: templateOf({ ...SAME, ...topics }) });
  expect(changeSet.changes).toHaveLength(230);
});

test("more changes than anybody reads are refused, not cut", async () => {
  const world = await startWorld();
  const topics = Object.fromEntries(
    Array.from({ length: 501 }, (_, index) => [`Topic${index}`, { Type: "AWS::SNS::Topic" }]),
  );
  const arn = await prepare(world, { TemplateBody: templateOf({ ...SAME, ...topics }) });
  expect(await read(world, arn)).toEqual({
    ok: false,
    error: "it has more than 500 changes, too many to be shown",
  });
});

test("a change set that cannot be executed is refused", async () => {
  const world = await startWorld();
  const arn = await prepare(world, { TemplateBody: templateOf(SAME) });
  expect(await read(world, arn)).toEqual({
    ok: false,
    error: expect.stringMatching(/^it cannot be executed: AWS says UNAVAILABLE: .*contain changes/) as string,
  });
});

test("a change set that is not there is refused with AWS's own words", async () => {
  const world = await startWorld();
  const arn = `arn:aws:cloudformation:us-east-1:111122223333:changeSet/twokey-none/1`;
  expect(await read(world, arn)).toEqual({
    ok: false,
    error: expect.stringMatching(/^AWS refused to show it: ChangeSetNotFound/) as string,
  });
});

test("an AWS that does not answer is a refusal that quotes nothing", async () => {
  const world = await startWorld();
  const arn = await prepare(world, {});
  const keys = await assume(world.sts());
  const nowhere = createReadChangeSet({ endpoint: "http://127.0.0.1:1" });
  const found = await nowhere({
    arn,
    region: REGION,
    credentials: {
      accessKeyId: keys.accessKeyId,
      secretAccessKey: new Secret(keys.secretAccessKey),
      sessionToken: new Secret(keys.sessionToken),
      expiration: new Date(0),
    },
    environmentTag: "environment",
    serviceRoles: {},
  });
  expect(found).toEqual({ ok: false, error: "AWS could not be asked about it" });
});

test("taking the environment's tag from the stack is the first warning", async () => {
  const { changeSet } = await shown({ Tags: [{ Key: "team", Value: "orders" }] });
  expect(changeSet.warnings[0]).toBe(
    'The stack\'s tag environment changes from "production" to absent, for the stack and every resource in it.',
  );
});

test("a tag in the template that leaves production is warned of, however the template spells it", async () => {
  const yaml = `
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties: { TableName: orders, BillingMode: PAY_PER_REQUEST }
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 30
      Tags: [{ Key: Environment, Value: !Sub "stag\${AWS::NoValue}ing" }]
`;
  const { changeSet } = await shown({ TemplateBody: yaml });
  expect(changeSet.warnings[0]).toMatch(/^The tag environment of Queue changes from absent to \{"Fn::Sub"/);
});

test("a stack that was never created is said to be made", async () => {
  const { changeSet } = await shown({ StackName: "orders-new", ChangeSetType: "CREATE" });
  expect(changeSet.warnings).toEqual(["The stack was never created: this makes it, with everything in it."]);
});

test("macros, nested stacks and values from elsewhere are warned of", async () => {
  const { changeSet } = await shown({
    TemplateBody: templateOf(
      {
        ...SAME,
        Payments: { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: "https://x.example/y" } },
        Topic: { Type: "AWS::SNS::Topic", Properties: { DisplayName: "{{resolve:ssm:/orders/name:1}}" } },
      },
      { Transform: "AWS::LanguageExtensions" },
    ),
  });
  expect(changeSet.warnings).toEqual([
    "Payments is a nested stack: what changes inside it is not shown here.",
    "Its template was rewritten by macros when it was prepared (AWS::LanguageExtensions): see the processed template.",
    "It takes values from elsewhere, which may change before it runs: ssm:/orders/name:1.",
    OFF,
  ]);
});

test("a stack that works as another role than the pinned one is warned of", async () => {
  const world = await startWorld((account) => ({
    ...account,
    stacks: [
      {
        name: "orders-production",
        template: templateOf(SAME),
        tags: { environment: "production" },
        roleArn: SERVICE_ROLE,
        terminationProtection: true,
      },
    ],
  }));
  const found = await read(world, await prepare(world, {}));
  expect(found).toMatchObject({
    value: {
      changeSet: {
        warnings: [
          `The stack works as the role ${SERVICE_ROLE}, and not as the one pinned for its environment.`,
        ],
      },
    },
  });
});

test("a session of the template read-change-set reads the change set it was made for, and no other", async () => {
  const world = await startWorld();
  const [mine, other] = [await prepare(world, {}), await prepare(world, { StackName: "orders-staging" })];
  const found = await read(world, mine);
  if (!found.ok) throw new Error(found.error);
  const stack = [found.value.stackArn];
  const Policy = JSON.stringify(compiled("read-change-set", { stack, change_set: [mine] }));
  expect(await read(world, mine, { Policy })).toEqual(found);
  expect(await read(world, other, { Policy })).toEqual({
    ok: false,
    error: expect.stringMatching(/^AWS refused to show it: AccessDenied/) as string,
  });
});
