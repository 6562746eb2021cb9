/** Watch over events as CloudTrail writes them: what alarms, and what is every day's work. */
import { Match, Template } from "aws-cdk-lib/assertions";
import { expect, test } from "vitest";
import { floorCalls } from "../../infra/watch-floor.ts";
import { matches } from "./event-pattern.ts";
import { nagFindings, suppressions } from "./nag.ts";
import { kept, resourcesOf } from "./template.ts";
import { ACCOUNT, AI_ROLES, OTHER_ACCOUNT } from "./broker-world.ts";
import { BROKER, FLOOR, watchStack } from "./watch-world.ts";

const stack = watchStack();
const template = Template.fromStack(stack);
type Json = Readonly<Record<string, unknown>>;
const rules = resourcesOf(template, "AWS::Events::Rule").map(({ Properties }) => ({
  name: Properties["Name"] as string,
  pattern: Properties["EventPattern"] as Json,
}));

/** Names of the rules that an event alarms, without their prefix and number. */
const alarmed = (event: Json): readonly string[] =>
  rules
    .filter(({ pattern }) => matches(pattern, event))
    .map(({ name }) => name.replace(/^twokey-watch-/, "").replace(/-\d+$/, ""));

const called = (eventSource: string, eventName: string, detail: Json = {}): Json => ({
  source: `aws.${eventSource.split(".")[0] ?? ""}`,
  "detail-type": "AWS API Call via CloudTrail",
  detail: { eventSource, eventName, ...detail },
});
const by = (principalId: string) => ({ userIdentity: { type: "AssumedRole", principalId } });
const aiSession = (role: string) => ({
  userIdentity: {
    type: "AssumedRole",
    principalId: "AROAEXAMPLEAIROLE0001:orders-agent-ehh2mhme",
    sessionContext: { sessionIssuer: { arn: `arn:aws:iam::${ACCOUNT}:role/twokey/${role}` } },
  },
});
const role = (name: string) => `arn:aws:iam::${ACCOUNT}:role/twokey/${name}`;
const assume = (name: string, who: Json) =>
  called("sts.amazonaws.com", "AssumeRole", { requestParameters: { roleArn: role(name) }, ...who });

test("the stack is as it was reviewed", () => {
  expect(kept(stack)).toMatchSnapshot();
});

test("AWS Solutions finds nothing, and nothing is excused", () => {
  expect(nagFindings(stack)).toEqual([]);
  expect(suppressions(stack)).toEqual([]);
});

test("every pattern fits EventBridge's quota, and every rule sees calls that only read, as AssumeRole is counted", () => {
  for (const { pattern } of rules) expect(JSON.stringify(pattern).length).toBeLessThanOrEqual(2048);
  for (const { Properties } of resourcesOf(template, "AWS::Events::Rule")) {
    expect(Properties["State"]).toBe("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS");
  }
});

test.each([
  ["the broker", assume("ai-operator", by(`${BROKER}:8f1c`)), []],
  // From another account CloudTrail names nobody but the unique id.
  [
    "the broker of another account",
    assume("ai-operator", { userIdentity: { type: "AWSAccount", principalId: `${BROKER}:8f1c` } }),
    [],
  ],
  ["an administrator", assume("ai-operator", by("AROAEXAMPLEADMIN00001:maria")), ["role-assumed-by-others"]],
  [
    "a user",
    assume("ai-observer", { userIdentity: { type: "IAMUser", principalId: "AIDAEXAMPLE" } }),
    ["role-assumed-by-others"],
  ],
  [
    "a role made anew under the broker's name",
    assume("ai-operator", by("AROAEXAMPLEBROKER0002:x")),
    ["role-assumed-by-others"],
  ],
  ["somebody CloudTrail does not name", assume("ai-escalated", {}), ["role-assumed-by-others"]],
  [
    "CloudFormation, its own",
    assume("ai-stack-service", {
      userIdentity: { type: "AWSService", invokedBy: "cloudformation.amazonaws.com" },
    }),
    [],
  ],
  [
    "the broker, CloudFormation's own",
    assume("ai-stack-service", by(`${BROKER}:8f1c`)),
    ["role-assumed-by-others"],
  ],
  ["anybody, another role", assume("deployer", by("AROAEXAMPLEADMIN00001:maria")), []],
] as const)("an AI role assumed by %s", (_who, event, rule) => {
  expect(alarmed(event)).toEqual(rule);
});

const inline = (eventName: string, policyName: string, who: Json) =>
  called("iam.amazonaws.com", eventName, {
    requestParameters: { roleName: "ai-operator", policyName },
    ...who,
  });

test.each([
  [
    "the broker denies frozen sessions",
    inline("PutRolePolicy", "twokey-frozen-sessions", by(`${BROKER}:8f1c`)),
    [],
  ],
  [
    "the broker takes that denial away",
    inline("DeleteRolePolicy", "twokey-frozen-sessions", by(`${BROKER}:8f1c`)),
    [],
  ],
  [
    "the broker writes any other policy",
    inline("PutRolePolicy", "more", by(`${BROKER}:8f1c`)),
    ["fence-changed"],
  ],
  [
    "somebody takes that denial away",
    inline("DeleteRolePolicy", "twokey-frozen-sessions", by("AROAEXAMPLEADMIN00001:m")),
    ["fence-changed"],
  ],
  [
    "a boundary is taken off",
    called("iam.amazonaws.com", "DeleteRolePermissionsBoundary", {
      requestParameters: { roleName: "ai-escalated" },
    }),
    ["fence-changed"],
  ],
  [
    "the trust of an AI role is changed",
    called("iam.amazonaws.com", "UpdateAssumeRolePolicy", { requestParameters: { roleName: "ai-observer" } }),
    ["fence-changed"],
  ],
  [
    "a boundary gets another version",
    called("iam.amazonaws.com", "CreatePolicyVersion", {
      requestParameters: { policyArn: `arn:aws:iam::${ACCOUNT}:policy/twokey/boundary/ai-operator` },
    }),
    ["fence-changed"],
  ],
  [
    "another role is changed",
    called("iam.amazonaws.com", "UpdateAssumeRolePolicy", { requestParameters: { roleName: "deployer" } }),
    [],
  ],
  [
    "the SCP is changed",
    called("organizations.amazonaws.com", "UpdatePolicy"),
    ["organization-guard-changed"],
  ],
  [
    "an account leaves",
    called("organizations.amazonaws.com", "RemoveAccountFromOrganization"),
    ["organization-guard-changed"],
  ],
  ["the organisation is looked at", called("organizations.amazonaws.com", "ListPolicies"), []],
  [
    "a rule of Watch is switched off",
    called("events.amazonaws.com", "DisableRule", {
      requestParameters: { name: "twokey-watch-fence-changed" },
    }),
    ["watch-changed"],
  ],
  [
    "a rule of Watch tells nobody any more",
    called("events.amazonaws.com", "RemoveTargets", {
      requestParameters: { rule: "twokey-watch-fence-changed" },
    }),
    ["watch-changed"],
  ],
  [
    "somebody's own rule is changed",
    called("events.amazonaws.com", "PutRule", { requestParameters: { name: "nightly" } }),
    [],
  ],
  ["CloudTrail is stopped", called("cloudtrail.amazonaws.com", "StopLogging"), ["watch-changed"]],
] as const)("when %s", (_what, event, rule) => {
  expect(alarmed(event)).toEqual(rule);
});

test.each([
  ["iam.amazonaws.com", "CreateAccessKey"],
  ["iam.amazonaws.com", "PutUserPolicy"],
  ["sts.amazonaws.com", "GetFederationToken"],
  ["organizations.amazonaws.com", "ListAccounts"],
  ["tagging.amazonaws.com", "UntagResources"],
  ["cloudformation.amazonaws.com", "DeleteResource"],
  ["s3.amazonaws.com", "PutBucketLifecycle"],
  ["s3.amazonaws.com", "PutBucketReplication"],
  ["kms.amazonaws.com", "ScheduleKeyDeletion"],
  ["route53.amazonaws.com", "ChangeResourceRecordSets"],
  ["sso.amazonaws.com", "ListInstances"],
])("an AI session that calls %s %s alarms, and a person who does, does not", (source, name) => {
  for (const one of ["ai-observer", "ai-operator", "ai-escalated"]) {
    expect(alarmed(called(source, name, aiSession(one)))).toContain("floor-called");
  }
  expect(alarmed(called(source, name, by("AROAEXAMPLEADMIN00001:maria")))).not.toContain("floor-called");
});

test("a floor call that AWS refused alarms all the same", () => {
  const refused = called("iam.amazonaws.com", "CreateUser", {
    errorCode: "AccessDenied",
    ...aiSession("ai-operator"),
  });
  expect(alarmed(refused)).toEqual(["floor-called"]);
});

test("an AI session's ordinary work does not alarm", () => {
  for (const [source, name] of [
    ["ec2.amazonaws.com", "DescribeInstances"],
    ["cloudformation.amazonaws.com", "ExecuteChangeSet"],
    ["iam.amazonaws.com", "ListRoles"],
    ["s3.amazonaws.com", "GetBucketTagging"],
  ] as const) {
    expect(alarmed(called(source, name, aiSession("ai-operator")))).toEqual([]);
  }
});

test("every action of the shipped floor is watched, but those that are no call of their own", () => {
  const watched = [...floorCalls(FLOOR)].flatMap(([, names]) => names).length;
  // Five are part of other calls; two of S3's have two and three names at CloudTrail.
  expect(watched).toBe(FLOOR.length - 5 + 1 + 2);
});

test("a floor action that no pattern can say is a fault, and not silence", () => {
  expect(() => floorCalls(["iam:*Policy"])).toThrow("iam:*Policy");
  expect(() => floorCalls(["*"])).toThrow("*");
});

const retagged = (key: string, version?: number): Json => ({
  source: "aws.tag",
  "detail-type": "Tag Change on Resource",
  detail: { "changed-tag-keys": [key, "owner"], ...(version !== undefined && { version }) },
});

test("the environment tag changed on what had tags before alarms, in any case of letters; created with it does not", () => {
  expect(alarmed(retagged("environment", 2))).toEqual(["environment-tag-changed"]);
  expect(alarmed(retagged("Environment", 3))).toEqual(["environment-tag-changed"]);
  expect(alarmed(retagged("environment"))).toEqual(["environment-tag-changed"]);
  expect(alarmed(retagged("environment", 1))).toEqual([]);
  expect(alarmed(retagged("cost-centre", 2))).toEqual([]);
});

test("the topic is encrypted, takes TLS alone, and only Watch's own rules write to it", () => {
  template.hasResourceProperties("AWS::SNS::Topic", { KmsMasterKeyId: Match.anyValue() });
  const [policy] = resourcesOf(template, "AWS::SNS::TopicPolicy");
  const { Statement } = policy?.Properties["PolicyDocument"] as { Statement: Json[] };
  expect(Statement).toHaveLength(2);
  expect(Statement).toContainEqual(
    expect.objectContaining({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
  );
  expect(Statement).toContainEqual(
    expect.objectContaining({
      Effect: "Allow",
      Action: "sns:Publish",
      Principal: { Service: "events.amazonaws.com" },
      Condition: {
        StringEquals: { "aws:SourceAccount": ACCOUNT },
        ArnLike: { "aws:SourceArn": `arn:aws:events:eu-west-1:${ACCOUNT}:rule/twokey-watch-*` },
      },
    }),
  );
});

test("another account's broker may subscribe a function, and nothing else", () => {
  Template.fromStack(watchStack({ relayAccount: OTHER_ACCOUNT })).hasResourceProperties(
    "AWS::SNS::TopicPolicy",
    {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: "sns:Subscribe",
            Condition: { StringEquals: { "sns:Protocol": "lambda" } },
          }),
        ]),
      },
    },
  );
});

test("in an account without AI roles the organisation, Watch and the tags are watched", () => {
  const only = Template.fromStack(
    watchStack({ aiRoles: AI_ROLES.filter(({ arn }) => !arn.includes(ACCOUNT)) }),
  );
  expect(resourcesOf(only, "AWS::Events::Rule").map(({ Properties }) => Properties["Name"])).toEqual([
    "twokey-watch-organization-guard-changed",
    "twokey-watch-watch-changed",
    "twokey-watch-environment-tag-changed",
  ]);
});

test("Watch is not made without the broker's unique id: it would alarm on every session", () => {
  expect(() => watchStack({ brokerRoleId: "arn:aws:iam::444455556666:role/twokey/broker" })).toThrow("AROA");
});
