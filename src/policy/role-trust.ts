/**
 * Who may assume an AI role, and with what. The broker alone, and only with everything design.md puts on a session:
 * external id, source identity, tags, all of them transitive. Pure.
 *
 * One statement for each STS action, with the keys that action carries: TagSession and SetSourceIdentity carry no
 * external id. `ForAllValues:` is true where there is no value, so each key that must be transitive has a Deny of its
 * own, which is true of nothing as well. Limit: 2,048 characters.
 */
import type { PolicyDocument, Statement } from "./iam/types.ts";
import type { RoleName } from "./set.ts";

/** IAM: characters of a role's trust policy. */
export const TRUST_POLICY_LIMIT = 2048;

export const SESSION_TAGS = ["twokey:principal", "twokey:session"] as const;
export const ESCALATION_TAG = "twokey:escalation";
/** The value of `twokey:principal`. */
export const AI_PRINCIPAL = "ai-agent";
/** What session and escalation ids look like. */
const SESSION_IDS = "tks-*";
const ESCALATION_IDS = "esc-*";

/** `brokerArn`: the IAM role or user the broker runs as. */
export function brokerTrust(
  role: RoleName,
  { brokerArn, externalId }: { readonly brokerArn: string; readonly externalId: string },
): PolicyDocument {
  const escalated = role === "escalated";
  const keys = escalated ? [...SESSION_TAGS, ESCALATION_TAG] : SESSION_TAGS;
  const allow = (Action: string, Condition: Statement["Condition"]): Statement => ({
    Effect: "Allow",
    Principal: { AWS: brokerArn },
    Action,
    ...(Condition === undefined ? {} : { Condition }),
  });
  const principal = { [tag("twokey:principal")]: AI_PRINCIPAL };
  return {
    Version: "2012-10-17",
    Statement: [
      allow("sts:AssumeRole", {
        StringEquals: { "sts:ExternalId": externalId, ...principal },
        StringLike: {
          "sts:SourceIdentity": SESSION_IDS,
          [tag("twokey:session")]: SESSION_IDS,
          ...(escalated ? { [tag(ESCALATION_TAG)]: ESCALATION_IDS } : {}),
        },
        // Without it a standing session would pass for one that two people approved.
        ...(escalated ? {} : { Null: { [tag(ESCALATION_TAG)]: "true" } }),
      }),
      allow("sts:TagSession", {
        StringEquals: principal,
        "ForAllValues:StringEquals": { "aws:TagKeys": keys },
        Null: { "sts:TransitiveTagKeys": "false" },
      }),
      allow("sts:SetSourceIdentity", { StringLike: { "sts:SourceIdentity": SESSION_IDS } }),
      ...keys.map((key): Statement => ({
        Effect: "Deny",
        Principal: "*",
        Action: "sts:TagSession",
        Condition: { "ForAllValues:StringNotEquals": { "sts:TransitiveTagKeys": key } },
      })),
    ],
  };
}

const tag = (key: string): string => `aws:RequestTag/${key}`;

/** Of the role stacks act with. Who may hand it to CloudFormation is said by iam:PassRole. */
export const CLOUDFORMATION_TRUST: PolicyDocument = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Principal: { Service: "cloudformation.amazonaws.com" }, Action: "sts:AssumeRole" },
  ],
};
