/** Change sets: what they say would happen, that preparing one changes nothing, and which one is executed. */
import {
  type Change,
  type CloudFormationClient,
  CreateChangeSetCommand,
  type CreateChangeSetCommandInput,
  DeleteChangeSetCommand,
  DescribeChangeSetCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  GetTemplateCommand,
  ListChangeSetsCommand,
} from "@aws-sdk/client-cloudformation";
import { expect, test } from "vitest";
import { allow, assume, document, refusal, startWorld, TEMPLATE } from "./world.ts";

const StackName = "orders-production";
const ChangeSetName = "twokey-fix";

const prepare = (client: CloudFormationClient, input: Partial<CreateChangeSetCommandInput>) =>
  client.send(new CreateChangeSetCommand({ StackName, ChangeSetName, ...input }));

async function changesOf(
  client: CloudFormationClient,
  resources: object,
  StackOf = StackName,
): Promise<readonly Change[]> {
  const TemplateBody = JSON.stringify({ Resources: resources });
  const { Id } = await prepare(client, { StackName: StackOf, TemplateBody });
  const { Changes } = await client.send(new DescribeChangeSetCommand({ ChangeSetName: Id }));
  return Changes ?? [];
}

const seen = (changes: readonly Change[]) =>
  changes.map(({ ResourceChange: change }) => [
    change?.Action,
    change?.LogicalResourceId,
    change?.Replacement,
    change?.PolicyAction,
  ]);

const table = (properties: object, rest: object = {}) => ({
  Table: {
    Type: "AWS::DynamoDB::Table",
    Properties: { TableName: "orders", BillingMode: "PAY_PER_REQUEST", ...properties },
    ...rest,
  },
});
const queue = { Queue: { Type: "AWS::SQS::Queue", Properties: { VisibilityTimeout: 30 } } };

test("a removed resource is Remove with its deletion policy, a new one Add", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  const topic = { Topic: { Type: "AWS::SNS::Topic" } };
  expect(seen(await changesOf(client, { ...queue, ...topic }))).toEqual([
    ["Remove", "Table", undefined, "Delete"],
    ["Add", "Topic", undefined, undefined],
  ]);
});

test("a new table name replaces the table, a new billing mode does not, of an unknown type nobody can say", async () => {
  const custom = { Other: { Type: "Custom::Thing", Properties: { A: 1 } } };
  const base = JSON.stringify({ Resources: { ...table({}), ...queue, ...custom } });
  const world = await startWorld((account) => ({ ...account, stacks: [{ name: "s", template: base }] }));
  const client = world.cloudformation();
  const changes = await changesOf(
    client,
    {
      ...table({ TableName: "other" }),
      Queue: { ...queue.Queue, Properties: { VisibilityTimeout: 60 } },
      Other: { ...custom.Other, Properties: { A: 2 } },
    },
    "s",
  );
  expect(seen(changes)).toEqual([
    ["Modify", "Table", "True", "ReplaceAndDelete"],
    ["Modify", "Queue", "False", undefined],
    ["Modify", "Other", "Conditional", "ReplaceAndDelete"],
  ]);
  expect(changes[0]?.ResourceChange).toMatchObject({
    PhysicalResourceId: "orders",
    ResourceType: "AWS::DynamoDB::Table",
    Scope: ["Properties"],
    Details: [
      {
        Target: { Attribute: "Properties", Name: "TableName", RequiresRecreation: "Always" },
        Evaluation: "Static",
        ChangeSource: "DirectModification",
      },
    ],
  });
});

test("Retain is told, for removal and for replacement", async () => {
  const kept = JSON.stringify({
    Resources: { ...table({}, { DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" }), ...queue },
  });
  const world = await startWorld((account) => ({ ...account, stacks: [{ name: "s", template: kept }] }));
  const client = world.cloudformation();
  const replaced = await changesOf(
    client,
    {
      ...table({ TableName: "other" }, { DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" }),
      ...queue,
    },
    "s",
  );
  expect(seen(replaced)).toEqual([["Modify", "Table", "True", "ReplaceAndRetain"]]);
  await client.send(new DeleteChangeSetCommand({ StackName: "s", ChangeSetName }));
  expect(seen(await changesOf(client, queue, "s"))).toEqual([["Remove", "Table", undefined, "Retain"]]);
});

test("a parameter alone can replace a resource, and what refers to it follows", async () => {
  const template = JSON.stringify({
    Parameters: { Name: { Type: "String" } },
    Resources: {
      Table: { Type: "AWS::DynamoDB::Table", Properties: { TableName: { "Fn::Sub": "${Name}-table" } } },
      Reader: {
        Type: "AWS::Lambda::Function",
        Properties: { Environment: { Variables: { TABLE: { Ref: "Table" } } } },
      },
    },
  });
  const world = await startWorld((account) => ({
    ...account,
    stacks: [{ name: "s", template, parameters: { Name: "a" } }],
  }));
  const client = world.cloudformation();
  await prepare(client, {
    StackName: "s",
    UsePreviousTemplate: true,
    Parameters: [{ ParameterKey: "Name", ParameterValue: "b" }],
  });
  const { Changes } = await client.send(new DescribeChangeSetCommand({ StackName: "s", ChangeSetName }));
  expect(seen(Changes ?? [])).toEqual([
    ["Modify", "Table", "True", "ReplaceAndDelete"],
    ["Modify", "Reader", "False", undefined],
  ]);
  expect(Changes?.[0]?.ResourceChange?.Details?.[0]).toMatchObject({
    ChangeSource: "ParameterReference",
    CausingEntity: "Name",
  });
  expect(Changes?.[1]?.ResourceChange?.Details?.[0]).toMatchObject({
    Evaluation: "Dynamic",
    CausingEntity: "Table",
  });
});

test("preparing changes nothing, executing changes the stack and ends its other change sets", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  const TemplateBody = JSON.stringify({ Resources: queue });
  const { Id, StackId } = await prepare(client, { TemplateBody });
  await prepare(client, { ChangeSetName: "twokey-other", TemplateBody });
  expect(Id).toMatch(/^arn:aws:cloudformation:us-east-1:111122223333:changeSet\/twokey-fix\/[0-9a-f-]{36}$/);
  const before = await client.send(new GetTemplateCommand({ StackName }));
  expect(before.TemplateBody).toBe(TEMPLATE);
  expect((await refusal(prepare(client, { TemplateBody }))).code).toBe("AlreadyExistsException");
  const described = await client.send(new DescribeChangeSetCommand({ StackName, ChangeSetName }));
  expect(described).toMatchObject({
    Status: "CREATE_COMPLETE",
    ExecutionStatus: "AVAILABLE",
    ChangeSetId: Id,
    StackId,
  });
  await client.send(new ExecuteChangeSetCommand({ ChangeSetName: Id }));
  expect((await client.send(new GetTemplateCommand({ StackName }))).TemplateBody).toBe(TemplateBody);
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
  expect(Stacks?.[0]).toMatchObject({ StackStatus: "UPDATE_COMPLETE", ChangeSetId: Id });
  const { Summaries } = await client.send(new ListChangeSetsCommand({ StackName }));
  expect(Summaries?.map((item) => [item.ChangeSetId, item.ExecutionStatus])).toEqual([
    [Id, "EXECUTE_COMPLETE"],
  ]);
  expect((await refusal(client.send(new ExecuteChangeSetCommand({ ChangeSetName: Id })))).code).toBe(
    "InvalidChangeSetStatus",
  );
});

test("a change set without changes fails and cannot be executed", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  await prepare(client, { UsePreviousTemplate: true });
  const { Status, StatusReason, ExecutionStatus } = await client.send(
    new DescribeChangeSetCommand({ StackName, ChangeSetName }),
  );
  expect(Status).toBe("FAILED");
  expect(StatusReason).toContain("The submitted information didn't contain changes.");
  expect(ExecutionStatus).toBe("UNAVAILABLE");
  expect((await refusal(client.send(new ExecuteChangeSetCommand({ StackName, ChangeSetName })))).code).toBe(
    "InvalidChangeSetStatus",
  );
});

test("a change set makes a new stack, which is only in review until it is executed", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  const created = { StackName: "fresh", ChangeSetName };
  expect((await refusal(prepare(client, { ...created, TemplateBody: TEMPLATE }))).message).toBe(
    "Stack [fresh] does not exist",
  );
  await prepare(client, {
    ...created,
    TemplateBody: TEMPLATE,
    ChangeSetType: "CREATE",
    Tags: [{ Key: "environment", Value: "test" }],
  });
  const status = async () =>
    (await client.send(new DescribeStacksCommand({ StackName: "fresh" }))).Stacks?.[0]?.StackStatus;
  expect(await status()).toBe("REVIEW_IN_PROGRESS");
  await client.send(new ExecuteChangeSetCommand(created));
  expect(await status()).toBe("CREATE_COMPLETE");
});

test("a change set is executed only on its own stack: the policies are asked about the stack that was named", async () => {
  const world = await startWorld();
  const admin = world.cloudformation();
  const { Id, StackId } = await prepare(admin, { TemplateBody: JSON.stringify({ Resources: queue }) });
  const crossed = await refusal(
    admin.send(new ExecuteChangeSetCommand({ StackName: "orders-staging", ChangeSetName: Id })),
  );
  expect(crossed).toMatchObject({ code: "ChangeSetNotFound", status: 404 });

  const approved = async (condition: string) => {
    const statement = {
      ...allow("cloudformation:ExecuteChangeSet", StackId ?? ""),
      Condition: { StringEquals: { "cloudformation:ChangeSetName": condition } },
    };
    return world.cloudformation(await assume(world.sts(), { Policy: JSON.stringify(document(statement)) }));
  };
  const byName = await approved(ChangeSetName);
  expect((await refusal(byName.send(new ExecuteChangeSetCommand({ ChangeSetName: Id })))).code).toBe(
    "AccessDenied",
  );
  const byArn = await approved(Id ?? "");
  expect((await refusal(byArn.send(new ExecuteChangeSetCommand({ StackName, ChangeSetName })))).code).toBe(
    "AccessDenied",
  );
  await byArn.send(new ExecuteChangeSetCommand({ ChangeSetName: Id }));
});

test("importing existing resources is asked about as such, and is not in local AWS", async () => {
  const world = await startWorld();
  const ResourcesToImport = [
    {
      ResourceType: "AWS::DynamoDB::Table",
      LogicalResourceId: "Table",
      ResourceIdentifier: { TableName: "x" },
    },
  ];
  const input = { TemplateBody: TEMPLATE, ChangeSetType: "IMPORT" as const, ResourcesToImport };
  expect((await refusal(prepare(world.cloudformation(), input))).code).toBe("NotInLocalAws");
  const fence = document(allow("*"), {
    Effect: "Deny",
    Action: "cloudformation:CreateChangeSet",
    Resource: "*",
    Condition: { Null: { "cloudformation:ImportResourceTypes": "false" } },
  });
  const fenced = world.cloudformation(await assume(world.sts(), { Policy: JSON.stringify(fence) }));
  expect((await refusal(prepare(fenced, input))).code).toBe("AccessDenied");
  await prepare(fenced, { TemplateBody: JSON.stringify({ Resources: queue }) });
});
