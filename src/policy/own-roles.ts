/**
 * Who may touch Twokey's own roles, boundaries and tags, in every account: who deploys them, and nobody else. The broker
 * may write and remove the inline policies of the AI roles, and of no other: that is how a frozen session is denied. Pure.
 */
import type { ConditionBlock, Statement } from "./iam/types.ts";
import { ESCALATION_TAG, SESSION_TAGS } from "./role-trust.ts";
import type { Account } from "./set.ts";

/** IAM's calls that change something. */
const CHANGES = [
  "Add",
  "Attach",
  "Create",
  "Delete",
  "Detach",
  "Put",
  "Remove",
  "Set",
  "Tag",
  "Untag",
  "Update",
].map((verb) => `iam:${verb}*`);
const INLINE = ["iam:DeleteRolePolicy", "iam:PutRolePolicy"];
/** All of CHANGES on a role but INLINE. */
const OF_ROLES = [
  ...CHANGES.filter((pattern) => !["iam:Delete*", "iam:Put*"].includes(pattern)),
  "iam:DeleteRole",
  "iam:DeleteRolePermissionsBoundary",
  "iam:PutRolePermissionsBoundary",
];

/** `accounts` with their ids left open. */
export function ownRoles(
  accounts: readonly Account[],
  { brokers, deployers }: { readonly brokers: readonly string[]; readonly deployers: readonly string[] },
): readonly Statement[] {
  const others = (arns: readonly string[]): ConditionBlock => ({
    ArnNotLike: { "aws:PrincipalArn": sorted(arns) },
  });
  const vended = sorted(accounts.flatMap(({ roles }) => Object.values(roles)));
  const named = [...vended, ...accounts.flatMap(({ serviceRoles }) => Object.values(serviceRoles))];
  const ours = sorted([
    "arn:*:iam::*:role/twokey/*",
    ...named.filter((arn) => !arn.includes(":role/twokey/")),
  ]);
  const deny = (
    Action: readonly string[],
    on: Pick<Statement, "Resource" | "NotResource">,
    Condition: ConditionBlock,
  ): Statement => ({
    Effect: "Deny",
    Action,
    ...on,
    Condition,
  });
  return [
    deny(CHANGES, { Resource: "arn:*:iam::*:policy/twokey/*" }, others(deployers)),
    deny(OF_ROLES, { Resource: ours }, others(deployers)),
    deny(INLINE, { Resource: ours }, others([...brokers, ...deployers])),
    deny(INLINE, { NotResource: vended }, { ArnLike: { "aws:PrincipalArn": sorted(brokers) } }),
    // In a principal's tag the key's case is ignored, and so must it be here.
    deny(
      ["iam:CreateRole", "iam:CreateUser", "iam:Tag*", "iam:Untag*"],
      { Resource: "*" },
      {
        "ForAnyValue:StringEqualsIgnoreCase": { "aws:TagKeys": [...SESSION_TAGS, ESCALATION_TAG] },
        ...others(deployers),
      },
    ),
  ];
}

const sorted = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort();
