/**
 * The AWS account of the demo: the broker's user, the AI roles with trust policies only the broker can satisfy,
 * the pinned service roles, a person's administrator role, and three stacks. The AI roles are deliberately wide:
 * what stops the agent in the demo is its session policy and nothing else.
 */
import type { AccountOptions, RoleOptions } from "../../local-aws/options.ts";
import type { PolicyDocument, Statement } from "../../policy/iam/types.ts";
import type { Account } from "../../policy/set.ts";

export const BROKER_USER = "twokey-broker";
export const ADMIN_ROLE = "deploy-admin";

const document = (...statements: readonly Statement[]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: statements,
});

const EVERYTHING = document({ Effect: "Allow", Action: "*", Resource: "*" });

/**
 * One statement for each STS action, each with only the condition keys that action carries. The escalated role demands
 * the escalation's tag, and the others take none.
 */
function onlyTheBroker(account: Account, escalated: boolean): PolicyDocument {
  const principal = { AWS: `arn:aws:iam::${account.id}:user/${BROKER_USER}` };
  const tagged = {
    "aws:RequestTag/twokey:principal": "ai-agent",
    "sts:TransitiveTagKeys": [
      "twokey:principal",
      "twokey:session",
      ...(escalated ? ["twokey:escalation"] : []),
    ],
  };
  const approved: Readonly<Record<string, string>> = escalated
    ? { "aws:RequestTag/twokey:escalation": "esc-*" }
    : {};
  const named = { "sts:SourceIdentity": "tks-*" };
  return document(
    {
      Effect: "Allow",
      Principal: principal,
      Action: "sts:AssumeRole",
      Condition: {
        StringEquals: {
          "sts:ExternalId": account.externalId,
          "aws:RequestTag/twokey:principal": "ai-agent",
        },
        StringLike: { ...named, ...approved, "aws:RequestTag/twokey:session": "tks-*" },
      },
    },
    {
      Effect: "Allow",
      Principal: principal,
      Action: "sts:TagSession",
      Condition: {
        StringEquals: { "aws:RequestTag/twokey:principal": tagged["aws:RequestTag/twokey:principal"] },
        // ForAllValues is true of nothing at all, so the key must also be there.
        "ForAllValues:StringEquals": { "sts:TransitiveTagKeys": tagged["sts:TransitiveTagKeys"] },
        Null: { "sts:TransitiveTagKeys": "false" },
      },
    },
    {
      Effect: "Allow",
      Principal: principal,
      Action: "sts:SetSourceIdentity",
      Condition: { StringLike: named },
    },
  );
}

function roleNamed(arn: string, rest: Omit<RoleOptions, "name" | "path">): RoleOptions {
  const parts = arn.slice(arn.indexOf(":role/") + ":role/".length).split("/");
  const name = parts.pop() ?? "";
  return { name, path: parts.length > 0 ? `/${parts.join("/")}/` : "/", ...rest };
}

const forCloudFormation = document({
  Effect: "Allow",
  Principal: { Service: "cloudformation.amazonaws.com" },
  Action: "sts:AssumeRole",
});

/** What stands in a stack: the queue's time-out is the small problem the agent is asked to look into. */
export function stackTemplate(environment: string, visibilityTimeout: number): string {
  return JSON.stringify({
    Description: `orders, ${environment}`,
    Resources: {
      Orders: {
        Type: "AWS::DynamoDB::Table",
        Properties: {
          TableName: `orders-${environment}`,
          BillingMode: "PAY_PER_REQUEST",
          AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
          KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
        },
      },
      Incoming: {
        Type: "AWS::SQS::Queue",
        Properties: { QueueName: `orders-${environment}`, VisibilityTimeout: visibilityTimeout },
      },
    },
  });
}

export function demoAccount(
  account: Account,
  brokerKey: { readonly accessKeyId: string; readonly secretAccessKey: string },
): AccountOptions {
  const ai = (role: string) => ({
    trust: onlyTheBroker(account, role === "escalated"),
    inline: { wide: EVERYTHING },
  });
  const serviceRoles = [...new Set(Object.values(account.serviceRoles))];
  return {
    id: account.id,
    users: [{ name: BROKER_USER, ...brokerKey, policies: [EVERYTHING] }],
    roles: [
      ...Object.entries(account.roles).map(([role, arn]) => roleNamed(arn, ai(role))),
      ...serviceRoles.map((arn) =>
        roleNamed(arn, { trust: forCloudFormation, inline: { wide: EVERYTHING } }),
      ),
      {
        name: ADMIN_ROLE,
        // A trust policy as many accounts have it: whoever in the account is allowed to.
        trust: document({
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${account.id}:root` },
          Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        }),
        inline: { wide: EVERYTHING },
      },
    ],
    stacks: [
      {
        name: "orders-production",
        template: stackTemplate("production", 30),
        tags: { environment: "production" },
        ...roleOf(account, "production"),
      },
      {
        name: "orders-staging",
        template: stackTemplate("staging", 30),
        tags: { environment: "staging" },
        ...roleOf(account, "staging"),
      },
      { name: "orders-untagged", template: stackTemplate("untagged", 30) },
    ],
  };
}

function roleOf(account: Account, environment: string): { readonly roleArn?: string } {
  const roleArn = account.serviceRoles[environment];
  return roleArn === undefined ? {} : { roleArn };
}
