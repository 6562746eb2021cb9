/**
 * How the layers combine, after "Policy evaluation logic" in the IAM User Guide. S is the role session that asks,
 * ROLE its role, both in account 111122223333 unless a row says otherwise.
 */
import { describe, expect, test } from "vitest";
import type { Decision, PrincipalBlock, Statement } from "../../src/policy/iam/types.ts";
import {
  ACCOUNT,
  ALLOW_ALL,
  ask,
  OTHER_ACCOUNT,
  ROLE,
  SESSION,
  USER,
  type Asked,
  type Question,
} from "./ask.ts";

const READ: Statement = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::orders/*" };
const WRITE: Statement = { Effect: "Allow", Action: "s3:PutObject", Resource: "*" };
const NO_READ: Statement = { ...READ, Effect: "Deny" };
const to = (principal: PrincipalBlock): readonly Statement[] => [{ ...READ, Principal: principal }];
const toAws = (...arns: string[]): readonly Statement[] => to({ AWS: arns });
const ROOT = `arn:aws:iam::${ACCOUNT}:root`;
const THEIRS = { resourceAccount: OTHER_ACCOUNT };

type Row = readonly [title: string, policies: Asked, decision: Decision, request?: Question];
const check = (rows: readonly Row[]) => {
  for (const [title, policies, decision, request] of rows) {
    test(title, () => {
      expect(ask(policies, request).decision).toBe(decision);
    });
  }
};

describe("one account, without a resource policy", () => {
  check([
    ["no policy at all", {}, "implicitDeny"],
    ["the identity policy allows", { identity: [READ] }, "allowed"],
    ["an explicit deny wins over an allow", { identity: [READ, NO_READ] }, "explicitDeny"],
    ["the session policy alone grants nothing", { session: [READ] }, "implicitDeny"],
    ["identity and session policy both allow", { identity: [READ], session: [READ] }, "allowed"],
    ["the session policy does not allow", { identity: [READ], session: [WRITE] }, "implicitDeny"],
    ["the boundary alone grants nothing", { boundary: [READ] }, "implicitDeny"],
    ["identity policy and boundary both allow", { identity: [READ], boundary: [READ] }, "allowed"],
    ["the boundary does not allow", { identity: [READ], boundary: [WRITE] }, "implicitDeny"],
    [
      "boundary, session and identity all allow",
      { identity: [READ], boundary: [READ], session: [READ] },
      "allowed",
    ],
    ["the boundary denies", { identity: [READ], boundary: [READ, NO_READ] }, "explicitDeny"],
    ["the session policy denies", { identity: [READ], session: [READ, NO_READ] }, "explicitDeny"],
    ["every SCP level allows", { identity: [READ], scp: [[ALLOW_ALL], [READ]] }, "allowed"],
    [
      "one SCP level does not allow",
      { identity: [READ], scp: [[ALLOW_ALL], [WRITE], [ALLOW_ALL]] },
      "implicitDeny",
    ],
    ["one SCP level denies", { identity: [READ], scp: [[ALLOW_ALL], [ALLOW_ALL, NO_READ]] }, "explicitDeny"],
    ["an SCP alone grants nothing", { scp: [[ALLOW_ALL]] }, "implicitDeny"],
    ["the root user needs no identity policy", {}, "allowed", { by: ROOT }],
    ["the root user is held by an SCP", { scp: [[WRITE]] }, "implicitDeny", { by: ROOT }],
  ]);
});

describe("one account, with a resource policy", () => {
  const none: Asked = { boundary: [WRITE], session: [WRITE] };
  check([
    [
      "a grant to the session is not limited by implicit denies",
      { ...none, resource: toAws(SESSION) },
      "allowed",
    ],
    [
      "a grant to the session yields to a deny in the session policy",
      { ...none, session: [NO_READ], resource: toAws(SESSION) },
      "explicitDeny",
    ],
    [
      "a grant to the session yields to a deny in the boundary",
      { ...none, boundary: [NO_READ], resource: toAws(SESSION) },
      "explicitDeny",
    ],
    [
      "a grant to the session yields to an SCP that does not allow",
      { ...none, scp: [[WRITE]], resource: toAws(SESSION) },
      "implicitDeny",
    ],
    [
      "a grant to another session is none",
      { resource: toAws(SESSION.replace("agent-1", "agent-2")) },
      "implicitDeny",
    ],
    ["a grant to the role needs no identity policy", { resource: toAws(ROLE) }, "allowed"],
    [
      "a grant to the role is limited by the session policy",
      { session: [WRITE], resource: toAws(ROLE) },
      "implicitDeny",
    ],
    [
      "a grant to the role is limited by the boundary",
      { boundary: [WRITE], resource: toAws(ROLE) },
      "implicitDeny",
    ],
    [
      "a grant to the role, allowed by boundary and session policy",
      { session: [READ], boundary: [READ], resource: toAws(ROLE) },
      "allowed",
    ],
    [
      "a grant to the role without its path is another role's",
      { resource: toAws(`arn:aws:iam::${ACCOUNT}:role/operator`) },
      "implicitDeny",
    ],
    ["a grant to the account id only delegates", { resource: toAws(ACCOUNT) }, "implicitDeny"],
    ["a grant to the account's root only delegates", { resource: toAws(ROOT) }, "implicitDeny"],
    [
      "a grant to the account, and the identity policy allows",
      { identity: [READ], resource: toAws(ACCOUNT) },
      "allowed",
    ],
    ["a grant to another account is none", { resource: toAws(OTHER_ACCOUNT) }, "implicitDeny"],
    ["a grant to everyone is not limited by implicit denies", { ...none, resource: to("*") }, "allowed"],
    ["a grant to everyone, in the other spelling", { ...none, resource: toAws("*") }, "allowed"],
    [
      "a grant to everyone with aws:PrincipalArn of the role is not limited either",
      {
        ...none,
        resource: [{ ...READ, Principal: "*", Condition: { ArnEquals: { "aws:PrincipalArn": ROLE } } }],
      },
      "allowed",
    ],
    [
      "a grant to everyone yields to a deny",
      { ...none, session: [NO_READ], resource: to("*") },
      "explicitDeny",
    ],
    [
      "a grant to a user is not limited by boundary or identity policy",
      { boundary: [WRITE], resource: toAws(USER) },
      "allowed",
      { by: USER },
    ],
    [
      "a user's name keeps its case",
      { resource: toAws(USER.toUpperCase().replace("ARN:AWS:IAM", "arn:aws:iam").replace("USER/", "user/")) },
      "implicitDeny",
      { by: USER },
    ],
    [
      "the resource policy denies",
      { identity: [READ], resource: [{ ...NO_READ, Principal: "*" }] },
      "explicitDeny",
    ],
    [
      "the resource policy denies the role",
      { identity: [READ], resource: [{ ...NO_READ, Principal: { AWS: ROLE } }] },
      "explicitDeny",
    ],
    [
      "the resource policy denies the account",
      { identity: [READ], resource: [{ ...NO_READ, Principal: { AWS: ACCOUNT } }] },
      "explicitDeny",
    ],
    [
      "a KMS key policy must grant",
      { identity: [ALLOW_ALL], resource: toAws(ROLE) },
      "implicitDeny",
      { action: "kms:Decrypt" },
    ],
    [
      "a KMS key policy that delegates",
      {
        identity: [ALLOW_ALL],
        resource: [{ Effect: "Allow", Action: "kms:*", Resource: "*", Principal: { AWS: ROOT } }],
      },
      "allowed",
      { action: "kms:Decrypt" },
    ],
  ]);
});

describe("across accounts both sides must allow", () => {
  check([
    ["only the identity policy", { identity: [READ] }, "implicitDeny", THEIRS],
    ["only a grant to the session", { resource: toAws(SESSION) }, "implicitDeny", THEIRS],
    ["only a grant to the role", { resource: toAws(ROLE) }, "implicitDeny", THEIRS],
    ["only a grant to everyone", { resource: to("*") }, "implicitDeny", THEIRS],
    ["both, the grant to the account", { identity: [READ], resource: toAws(ACCOUNT) }, "allowed", THEIRS],
    ["both, the grant to the session", { identity: [READ], resource: toAws(SESSION) }, "allowed", THEIRS],
    [
      "both, but the session policy does not allow",
      { identity: [READ], session: [WRITE], resource: toAws(SESSION) },
      "implicitDeny",
      THEIRS,
    ],
    [
      "both, but the boundary does not allow",
      { identity: [READ], boundary: [WRITE], resource: toAws(SESSION) },
      "implicitDeny",
      THEIRS,
    ],
    [
      "both, but the resource policy denies",
      { identity: [READ], resource: [...toAws(ACCOUNT), { ...NO_READ, Principal: "*" }] },
      "explicitDeny",
      THEIRS,
    ],
  ]);
});

describe("services and federated callers have only the resource policy", () => {
  const by = "cloudformation.amazonaws.com";
  check([
    ["a service that is named", { resource: to({ Service: [by] }) }, "allowed", { by }],
    ["another service", { resource: to({ Service: "ec2.amazonaws.com" }) }, "implicitDeny", { by }],
    [
      "a Deny of the account the service works for does not reach it",
      { resource: [...to({ Service: by }), { ...NO_READ, Principal: { AWS: ACCOUNT } }] },
      "allowed",
      { by, account: ACCOUNT },
    ],
    ["an account is not a service", { resource: toAws(ACCOUNT) }, "implicitDeny", { by }],
    [
      "an identity policy counts for nothing",
      { identity: [ALLOW_ALL], resource: to({ Service: "ec2.amazonaws.com" }) },
      "implicitDeny",
      { by },
    ],
    [
      "an identity provider",
      { resource: to({ Federated: "accounts.google.com" }) },
      "allowed",
      { by: "accounts.google.com" },
    ],
    [
      "a canonical user",
      { resource: to({ CanonicalUser: "79a59df900b949e5" }) },
      "allowed",
      { by: "79a59df900b949e5" },
    ],
  ]);
});

describe("NotPrincipal with Deny", () => {
  const except = (...arns: string[]): Asked => ({
    identity: [READ],
    resource: [{ Effect: "Deny", NotPrincipal: { AWS: arns }, Action: "s3:*", Resource: "*" }],
  });
  check([
    ["the documentation's form: session, role and account", except(SESSION, ROLE, ROOT), "allowed"],
    ["the role is missing", except(SESSION, ROOT), "explicitDeny"],
    ["the account is missing", except(SESSION, ROLE), "explicitDeny"],
    ["only the account", except(ROOT), "explicitDeny"],
    ["a user and its account", except(USER, ROOT), "allowed", { by: USER }],
    ["another user", except(`${USER}-2`, ROOT), "explicitDeny", { by: USER }],
  ]);
});

describe("trust policies", () => {
  const assume: Question = {
    action: "sts:AssumeRole",
    resource: `arn:aws:iam::${ACCOUNT}:role/twokey/observer`,
    by: USER,
  };
  const trust = (principal: PrincipalBlock, rest: Partial<Statement> = {}): readonly Statement[] => [
    { Effect: "Allow", Principal: principal, Action: "sts:AssumeRole", ...rest },
  ];
  const named = { Condition: { StringEquals: { "sts:ExternalId": "orders" } } };
  check([
    ["the user is named", { trust: trust({ AWS: USER }) }, "allowed", assume],
    [
      "the account is named and the identity policy allows",
      { identity: [ALLOW_ALL], trust: trust({ AWS: ACCOUNT }) },
      "allowed",
      assume,
    ],
    [
      "the account is named and the identity policy does not allow",
      { trust: trust({ AWS: ACCOUNT }) },
      "implicitDeny",
      assume,
    ],
    [
      "an identity policy alone assumes no role, even within the account",
      { identity: [ALLOW_ALL], trust: trust({ Service: "ec2.amazonaws.com" }) },
      "implicitDeny",
      assume,
    ],
    [
      "a condition on the external id holds",
      { trust: trust({ AWS: USER }, named) },
      "allowed",
      { ...assume, context: { "sts:ExternalId": "orders" } },
    ],
    [
      "a condition on the external id does not",
      { trust: trust({ AWS: USER }, named) },
      "implicitDeny",
      assume,
    ],
    [
      "AssumeRole does not bring TagSession",
      { trust: trust({ AWS: USER }) },
      "implicitDeny",
      { ...assume, action: "sts:TagSession" },
    ],
    [
      "from another account both sides are needed",
      { trust: trust({ AWS: OTHER_ACCOUNT }) },
      "implicitDeny",
      { ...assume, by: `arn:aws:iam::${OTHER_ACCOUNT}:user/orders-lead` },
    ],
    [
      "from another account with both sides",
      { identity: [ALLOW_ALL], trust: trust({ AWS: OTHER_ACCOUNT }) },
      "allowed",
      { ...assume, by: `arn:aws:iam::${OTHER_ACCOUNT}:user/orders-lead` },
    ],
  ]);
});
