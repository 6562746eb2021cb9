/**
 * The AWS account of the demo: the broker's user, the AI roles with trust policies only the broker can satisfy,
 * the pinned service roles, a person's administrator role, and three stacks. The AI roles are deliberately wide:
 * what stops the agent in the demo is its session policy and nothing else.
 */
import type { AccountOptions, RoleOptions } from "../../local-aws/options.ts";
import type { PolicyDocument, Statement } from "../../policy/iam/types.ts";
import { brokerTrust, CLOUDFORMATION_TRUST } from "../../policy/role-trust.ts";
import { ROLE_NAMES, type Account } from "../../policy/set.ts";

export const BROKER_USER = "twokey-broker";
export const ADMIN_ROLE = "deploy-admin";

const document = (...statements: readonly Statement[]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: statements,
});

const EVERYTHING = document({ Effect: "Allow", Action: "*", Resource: "*" });

function roleNamed(arn: string, rest: Omit<RoleOptions, "name" | "path">): RoleOptions {
  const parts = arn.slice(arn.indexOf(":role/") + ":role/".length).split("/");
  const name = parts.pop() ?? "";
  return { name, path: parts.length > 0 ? `/${parts.join("/")}/` : "/", ...rest };
}

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
  const broker = {
    brokerArn: `arn:aws:iam::${account.id}:user/${BROKER_USER}`,
    externalId: account.externalId,
  };
  const serviceRoles = [...new Set(Object.values(account.serviceRoles))];
  return {
    id: account.id,
    users: [{ name: BROKER_USER, ...brokerKey, policies: [EVERYTHING] }],
    roles: [
      ...ROLE_NAMES.map((role) =>
        roleNamed(account.roles[role], { trust: brokerTrust(role, broker), inline: { wide: EVERYTHING } }),
      ),
      ...serviceRoles.map((arn) =>
        roleNamed(arn, { trust: CLOUDFORMATION_TRUST, inline: { wide: EVERYTHING } }),
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
