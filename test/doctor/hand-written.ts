/** The AI roles' trust policies as docs/doctor.md describes them, written by hand, and the account they stand in. */
import type { PolicyDocument, Statement } from "../../src/policy/iam/types.ts";
import type { Account, RoleName } from "../../src/policy/set.ts";

export const ID = "111122223333";
export const BROKER = `arn:aws:iam::${ID}:user/twokey-broker`;

const role = (name: string): string => `arn:aws:iam::${ID}:role/twokey/${name}`;

export const ACCOUNT: Account = {
  id: ID,
  name: "demo",
  region: "us-east-1",
  externalId: "demo-7d1f0c64a2f94b1e",
  roles: {
    observer: role("ai-observer"),
    operator: role("ai-operator"),
    escalated: role("ai-escalated"),
  },
  serviceRoles: { production: role("production-stack-service"), staging: role("ai-stack-service") },
};

/** What is edited to seed a mistake: statements by what they are for. */
export interface Trust {
  readonly assume: Statement;
  readonly tag: Statement;
  readonly identity: Statement;
  /** One for each key that must be transitive. */
  readonly transitive: readonly Statement[];
}

export function trustOf(name: RoleName): Trust {
  const escalated = name === "escalated";
  const Principal = { AWS: BROKER };
  const keys = ["twokey:principal", "twokey:session", ...(escalated ? ["twokey:escalation"] : [])];
  const tags = {
    StringEquals: { "aws:RequestTag/twokey:principal": "ai-agent" },
    StringLike: {
      "aws:RequestTag/twokey:session": "tks-*",
      ...(escalated ? { "aws:RequestTag/twokey:escalation": "esc-*" } : {}),
    },
    ...(escalated ? {} : { Null: { "aws:RequestTag/twokey:escalation": "true" } }),
  };
  return {
    assume: {
      Effect: "Allow",
      Principal,
      Action: "sts:AssumeRole",
      Condition: {
        ...tags,
        StringEquals: { ...tags.StringEquals, "sts:ExternalId": ACCOUNT.externalId },
        StringLike: { ...tags.StringLike, "sts:SourceIdentity": "tks-*" },
      },
    },
    tag: {
      Effect: "Allow",
      Principal,
      Action: "sts:TagSession",
      Condition: { ...tags, "ForAllValues:StringEquals": { "aws:TagKeys": keys } },
    },
    identity: {
      Effect: "Allow",
      Principal,
      Action: "sts:SetSourceIdentity",
      Condition: { StringLike: { "sts:SourceIdentity": "tks-*" } },
    },
    transitive: keys.map((key) => ({
      Effect: "Deny",
      Principal: "*",
      Action: "sts:TagSession",
      Condition: { "ForAllValues:StringNotEquals": { "sts:TransitiveTagKeys": key } },
    })),
  };
}

export const documentOf = ({ assume, tag, identity, transitive }: Trust): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: [assume, tag, identity, ...transitive],
});
