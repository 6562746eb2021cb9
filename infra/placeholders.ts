/**
 * IAM documents with CloudFormation's placeholders in them. They are compiled for one account, with its own id, region and
 * external id, and those are then left open, so that one template serves every account of the same shape.
 */
import { Fn } from "aws-cdk-lib";
import type { Account } from "../src/policy/set.ts";

/** A role or user, exactly: it stands in policies, where `*` would be a pattern. */
export const BROKER_ARN = "arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9_+=,.@/-]+";

/** Stand for the broker's role and the external id while documents are compiled: no account has this id. */
export const ANY_BROKER = "arn:aws:iam::000000000000:role/the-broker";
export const ANY_EXTERNAL_ID = "the-external-id-of-000000000000";

/** A document with what differs from account to account as `${…}` of the template. */
export function leftOpen<T>(value: T, { id, region }: Account): T {
  const text = JSON.stringify(value)
    .replaceAll(ANY_BROKER, "${BrokerRoleArn}")
    .replaceAll(ANY_EXTERNAL_ID, "${ExternalId}")
    .replaceAll(id, "${AWS::AccountId}")
    .replaceAll(region, "${AWS::Region}");
  return JSON.parse(text) as T;
}

/** Every string that holds a placeholder becomes an Fn::Sub. */
export function substituted(value: unknown): unknown {
  if (typeof value === "string") return value.includes("${") ? Fn.sub(value) : value;
  if (Array.isArray(value)) return value.map(substituted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, substituted(member)]));
}
