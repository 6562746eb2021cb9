/**
 * IAM documents with CloudFormation's placeholders in them. The compiler works with plain strings and emits no `${`,
 * so `${AWS::AccountId}` can stand for the account's id while it compiles, and CloudFormation fills it in.
 */
import { Fn } from "aws-cdk-lib";
import type { Account } from "../src/policy/set.ts";

/** The account with its own id, region and external id left open, so that one template serves all that are alike. */
export function leftOpen(account: Account): Account {
  const open = (arn: string): string => arn.replace(`:${account.id}:`, ":${AWS::AccountId}:");
  const { roles, serviceRoles } = account;
  return {
    ...account,
    id: "${AWS::AccountId}",
    region: "${AWS::Region}",
    externalId: "${ExternalId}",
    roles: {
      observer: open(roles.observer),
      operator: open(roles.operator),
      escalated: open(roles.escalated),
    },
    serviceRoles: Object.fromEntries(Object.entries(serviceRoles).map(([name, arn]) => [name, open(arn)])),
  };
}

/** Every string that holds a placeholder becomes an Fn::Sub. */
export function substituted(value: unknown): unknown {
  if (typeof value === "string") return value.includes("${") ? Fn.sub(value) : value;
  if (Array.isArray(value)) return value.map(substituted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, substituted(member)]));
}
