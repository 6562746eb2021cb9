/** The record: a CloudTrail-like event for each call, the mint ledger, and no secret in either. */
import { CreateStackCommand, DeleteStackCommand } from "@aws-sdk/client-cloudformation";
import { expect, test } from "vitest";
import type { CloudTrailEvent } from "../../src/local-aws/events.ts";
import {
  ACCOUNT,
  assume,
  BROKER,
  deny,
  document,
  allow,
  OPERATOR,
  refusal,
  startWorld,
  TEMPLATE,
} from "./world.ts";

const request = {
  SourceIdentity: "tks-1",
  ExternalId: "external-id-canary",
  Tags: [{ Key: "twokey:principal", Value: "ai-agent" }],
  TransitiveTagKeys: ["twokey:principal"],
  Policy: JSON.stringify(document(allow("*"), deny("cloudformation:DeleteStack"))),
};

test("AssumeRole is recorded with tags, transitive keys, source identity and the key it issued", async () => {
  const world = await startWorld();
  const keys = await assume(world.sts(), request);
  const [event] = world.aws.state.events();
  expect(event).toMatchObject({
    eventSource: "sts.amazonaws.com",
    eventName: "AssumeRole",
    awsRegion: "us-east-1",
    sourceIPAddress: "127.0.0.1",
    recipientAccountId: ACCOUNT,
    userIdentity: { type: "IAMUser", arn: BROKER, userName: "broker" },
    requestParameters: {
      roleArn: OPERATOR,
      roleSessionName: "orders-ci",
      sourceIdentity: "tks-1",
      tags: [{ key: "twokey:principal", value: "ai-agent" }],
      transitiveTagKeys: ["twokey:principal"],
    },
    responseElements: { credentials: { accessKeyId: keys.accessKeyId }, sourceIdentity: "tks-1" },
  });
  expect(event).not.toHaveProperty("errorCode");
  expect(world.aws.state.mints()).toMatchObject([
    {
      by: BROKER,
      roleArn: OPERATOR,
      accessKeyId: keys.accessKeyId,
      sourceIdentity: "tks-1",
      requestId: event?.requestID,
    },
  ]);
});

test("every later call shows the session's source identity, its role and its key, refused or not", async () => {
  const world = await startWorld();
  const keys = await assume(world.sts(), request);
  const client = world.cloudformation(keys);
  await client.send(new CreateStackCommand({ StackName: "new", TemplateBody: TEMPLATE }));
  await refusal(client.send(new DeleteStackCommand({ StackName: "new" })));
  const [, created, deleted] = world.aws.state.events();
  for (const event of [created, deleted])
    expect(event?.userIdentity).toMatchObject({
      type: "AssumedRole",
      arn: `arn:aws:sts::${ACCOUNT}:assumed-role/operator/orders-ci`,
      accessKeyId: keys.accessKeyId,
      sessionContext: { sourceIdentity: "tks-1", sessionIssuer: { arn: OPERATOR, userName: "operator" } },
    });
  expect(created?.errorCode).toBeUndefined();
  expect(deleted).toMatchObject({ eventName: "DeleteStack", errorCode: "AccessDenied" });
  expect(deleted?.errorMessage).toContain("with an explicit deny in a session policy");
});

test("the CloudTrail file and the mint ledger agree: a line of one for each line of the other", async () => {
  const world = await startWorld();
  const keys = await assume(world.sts(), request);
  await assume(world.sts(), { RoleSessionName: "another" });
  await refusal(assume(world.sts(), { RoleArn: `arn:aws:iam::${ACCOUNT}:role/none` }));
  await refusal(world.cloudformation(keys).send(new DeleteStackCommand({ StackName: "orders-production" })));
  const { Records } = JSON.parse(world.aws.state.cloudTrailFile()) as { Records: CloudTrailEvent[] };
  expect(Records).toEqual(JSON.parse(JSON.stringify(world.aws.state.events())));
  const issued = Records.filter(
    ({ eventName, errorCode }) => eventName === "AssumeRole" && errorCode === undefined,
  );
  const keyOf = ({ responseElements }: CloudTrailEvent): unknown =>
    (responseElements as { credentials: { accessKeyId: string } }).credentials.accessKeyId;
  expect(
    issued.map((event) => [event.requestID, event.userIdentity.arn, keyOf(event), event.eventTime]),
  ).toEqual(
    world.aws.state
      .mints()
      .map(({ requestId, by, accessKeyId, at }) => [requestId, by, accessKeyId, at.toISOString()]),
  );
  expect(issued).toHaveLength(2);
});

test("no event and no mint holds a secret key, a session token, an external id or a template", async () => {
  const world = await startWorld();
  const keys = await assume(world.sts(), request);
  await world.cloudformation(keys).send(new CreateStackCommand({ StackName: "new", TemplateBody: TEMPLATE }));
  const recorded = JSON.stringify([world.aws.state.cloudTrailFile(), world.aws.state.mints()]);
  expect(recorded).toContain(keys.accessKeyId);
  for (const secret of [
    keys.secretAccessKey,
    keys.sessionToken,
    "broker-secret-canary",
    "external-id-canary",
    "PAY_PER_REQUEST",
  ])
    expect(recorded).not.toContain(secret);
});
