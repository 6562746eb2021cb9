/** CloudFormation as the SDK sees it: stacks made, changed, protected, looked at and deleted. */
import {
  CreateChangeSetCommand,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
  GetTemplateSummaryCommand,
  ListChangeSetsCommand,
  ListStackResourcesCommand,
  ListStacksCommand,
  UpdateStackCommand,
  UpdateTerminationProtectionCommand,
  ValidateTemplateCommand,
  waitUntilStackUpdateComplete,
} from "@aws-sdk/client-cloudformation";
import { expect, test } from "vitest";
import { HOP, refusal, SERVICE_ROLE, startWorld, TEMPLATE } from "./world.ts";

const YAML = `AWSTemplateFormatVersion: 2010-09-09
Description: orders <&> more
Parameters:
  Name: { Type: String, Default: orders }
  Password: { Type: String, NoEcho: true }
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: { TopicName: !Sub "\${Name}-topic" }
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Join ["-", [!Ref Name, queue]]
      Tags: [{ Key: topic, Value: !GetAtt Topic.TopicName }]
Outputs:
  Queue: { Value: !Ref Queue }
  Where: { Value: !Sub "\${AWS::Region}/\${Topic}" }
`;
const Password = { ParameterKey: "Password", ParameterValue: "canary-password" };

test("a YAML template with short forms becomes a stack with parameters, outputs and resources", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  await client.send(
    new CreateStackCommand({
      StackName: "new",
      TemplateBody: YAML,
      Parameters: [Password],
      Tags: [{ Key: "a", Value: "b" }],
    }),
  );
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: "new" }));
  expect(Stacks?.[0]).toMatchObject({
    StackStatus: "CREATE_COMPLETE",
    Description: "orders <&> more",
    Parameters: [
      { ParameterKey: "Name", ParameterValue: "orders" },
      { ParameterKey: "Password", ParameterValue: "****" },
    ],
    Outputs: [
      { OutputKey: "Queue", OutputValue: "orders-queue" },
      { OutputKey: "Where", OutputValue: "us-east-1/orders-topic" },
    ],
    Tags: [{ Key: "a", Value: "b" }],
    EnableTerminationProtection: false,
  });
  const { StackResourceSummaries } = await client.send(new ListStackResourcesCommand({ StackName: "new" }));
  expect(StackResourceSummaries?.map((resource) => resource.PhysicalResourceId)).toEqual([
    "orders-topic",
    "orders-queue",
  ]);
  const { TemplateBody } = await client.send(new GetTemplateCommand({ StackName: "new" }));
  expect(TemplateBody).toBe(YAML);
  const { StackEvents } = await client.send(new DescribeStackEventsCommand({ StackName: "new" }));
  expect(StackEvents?.map((event) => event.ResourceStatus)).toEqual([
    "CREATE_COMPLETE",
    "CREATE_COMPLETE",
    "CREATE_COMPLETE",
    "CREATE_IN_PROGRESS",
  ]);
  expect(JSON.stringify(world.aws.state.events())).not.toContain("canary-password");
});

test("an update keeps tags and role unless it says otherwise, and refuses when nothing changes", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  const StackName = "orders-staging";
  const update = (input: object): Promise<unknown> =>
    client.send(new UpdateStackCommand({ StackName, ...input }));
  const stack = async () => (await client.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0];
  expect((await refusal(update({ UsePreviousTemplate: true }))).message).toBe(
    "No updates are to be performed.",
  );
  await update({ TemplateBody: TEMPLATE.replace("30", "60") });
  expect(await stack()).toMatchObject({
    StackStatus: "UPDATE_COMPLETE",
    RoleARN: SERVICE_ROLE,
    Tags: [{ Key: "environment", Value: "staging" }],
  });
  await update({ UsePreviousTemplate: true, Tags: [] });
  expect((await stack())?.Tags ?? []).toEqual([]);
  for (const bad of [
    { TemplateBody: "{}" },
    { TemplateBody: "just text" },
    { TemplateBody: "a: [" },
    { TemplateBody: TEMPLATE.replace("30", `${"[".repeat(20_000)}${"]".repeat(20_000)}`) },
    { TemplateBody: TEMPLATE.replace("30", `${"[".repeat(100)}${"]".repeat(100)}`) },
    { TemplateBody: "a".repeat(51_201) },
    { TemplateBody: TEMPLATE.replace("AWS::SQS::Queue", "AWS::SNS::Topic") },
    { UsePreviousTemplate: true, Parameters: [Password] },
    { UsePreviousTemplate: true, RoleARN: HOP },
  ])
    expect((await refusal(update(bad))).code).toBe("ValidationError");
  expect(
    (await refusal(update({ TemplateURL: "https://bucket.s3.amazonaws.com/t.yaml" }))).message,
  ).toContain("TemplateURL (templates in S3) is not in local AWS");
});

test("a protected stack cannot be deleted until the protection is taken off", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  const StackName = "orders-production";
  const protect = (EnableTerminationProtection: boolean): Promise<unknown> =>
    client.send(new UpdateTerminationProtectionCommand({ StackName, EnableTerminationProtection }));
  await protect(true);
  const refused = await refusal(client.send(new DeleteStackCommand({ StackName })));
  expect(refused).toMatchObject({
    code: "ValidationError",
    message: "Stack [orders-production] cannot be deleted while TerminationProtection is enabled",
  });
  await protect(false);
  await client.send(new DeleteStackCommand({ StackName }));
  expect((await refusal(client.send(new DescribeStacksCommand({ StackName })))).message).toBe(
    "Stack with id orders-production does not exist",
  );
});

test("a deleted stack is found by its id and in lists of that status only", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: "orders-staging" }));
  const StackName = Stacks?.[0]?.StackId ?? "";
  await client.send(new DeleteStackCommand({ StackName: "orders-staging" }));
  await client.send(new DeleteStackCommand({ StackName: "orders-staging" }));
  const gone = await client.send(new DescribeStacksCommand({ StackName }));
  expect(gone.Stacks?.[0]?.StackStatus).toBe("DELETE_COMPLETE");
  const { StackSummaries } = await client.send(
    new ListStacksCommand({ StackStatusFilter: ["DELETE_COMPLETE"] }),
  );
  expect(StackSummaries?.map((stack) => stack.StackId)).toEqual([StackName]);
  const { StackResources } = await client.send(
    new DescribeStackResourcesCommand({ StackName: "orders-untagged", LogicalResourceId: "Table" }),
  );
  expect(StackResources?.map((resource) => resource.ResourceType)).toEqual(["AWS::DynamoDB::Table"]);
});

test("stacks take as many descriptions to complete as was configured, and cannot be changed before", async () => {
  const world = await startWorld(undefined, { describesUntilComplete: 2 });
  const client = world.cloudformation();
  const StackName = "orders-staging";
  const TemplateBody = TEMPLATE.replace("30", "60");
  await client.send(new UpdateStackCommand({ StackName, TemplateBody }));
  expect(
    (await refusal(client.send(new UpdateStackCommand({ StackName, TemplateBody: TEMPLATE })))).message,
  ).toContain("is in UPDATE_IN_PROGRESS state and can not be updated.");
  const first = await client.send(new DescribeStacksCommand({ StackName }));
  expect(first.Stacks?.[0]?.StackStatus).toBe("UPDATE_IN_PROGRESS");
  const waited = await waitUntilStackUpdateComplete(
    { client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 },
    { StackName },
  );
  expect(waited.state).toBe("SUCCESS");
});

test("lists come in pages of 100", async () => {
  const world = await startWorld((account) => ({
    ...account,
    stacks: Array.from({ length: 101 }, (_, index) => ({ name: `s${index}`, template: TEMPLATE })),
  }));
  const client = world.cloudformation();
  const first = await client.send(new DescribeStacksCommand({}));
  expect(first.Stacks?.length).toBe(100);
  const second = await client.send(new DescribeStacksCommand({ NextToken: first.NextToken }));
  expect([second.Stacks?.[0]?.StackName, second.NextToken]).toEqual(["s0", undefined]);
  expect((await refusal(client.send(new ListStacksCommand({ NextToken: "x" })))).code).toBe(
    "ValidationError",
  );
});

test("templates are summarised and validated without a stack", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  const summary = await client.send(new GetTemplateSummaryCommand({ TemplateBody: YAML }));
  expect(summary.ResourceTypes).toEqual(["AWS::SNS::Topic", "AWS::SQS::Queue"]);
  expect(summary.Version).toBe("2010-09-09");
  const valid = await client.send(new ValidateTemplateCommand({ TemplateBody: YAML }));
  expect(valid.Parameters?.map((parameter) => parameter.NoEcho)).toEqual([false, true]);
  expect((await refusal(client.send(new ValidateTemplateCommand({ TemplateBody: "a" })))).code).toBe(
    "ValidationError",
  );
});

test("hostile text in tags, descriptions and templates comes back as text and forges nothing", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  const hostile = `</Description><StackStatus>X</StackStatus>]]>&amp;"'\r\u0000\u202e`;
  const TemplateBody = JSON.stringify({ ...(JSON.parse(TEMPLATE) as object), Description: hostile });
  await client.send(new CreateStackCommand({ StackName: "hostile", TemplateBody }));
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: "hostile" }));
  expect(Stacks?.length).toBe(1);
  expect(Stacks?.[0]?.StackStatus).toBe("CREATE_COMPLETE");
  expect(Stacks?.[0]?.Description).toBe(hostile.replace("\u0000", "\ufffd"));
  const refused = await refusal(
    client.send(new CreateChangeSetCommand({ StackName: "hostile", ChangeSetName: "<b>&" })),
  );
  expect(refused.message).toContain("Value '<b>&' at 'changeSetName'");
  expect((await client.send(new ListChangeSetsCommand({ StackName: "hostile" }))).Summaries ?? []).toEqual(
    [],
  );
});
