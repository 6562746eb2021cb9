/**
 * What people get wrong, one at a time: the account with it, the checks that must say so and the words of the fix. Data
 * for a reader; seeded.test.ts runs it.
 */
import type { AccountOptions, RoleOptions } from "../../src/local-aws/options.ts";
import type { AiRole } from "../../src/policy/ai-roles.ts";
import type { CheckId } from "../../src/policy/doctor/finding.ts";
import type { PolicyDocument, Statement } from "../../src/policy/iam/types.ts";
import { ID } from "./hand-written.ts";
import {
  account,
  BROKER_POLICY,
  document,
  nameOf,
  roleNamed,
  without,
  withRole,
  type Change,
} from "./world.ts";

export interface Mistake {
  readonly name: string;
  readonly seed: Change;
  /** Every check that finds a fault, and the role where it is one's. */
  readonly faults: readonly (readonly [CheckId, string | null])[];
  /** What its line and its fix must say, of the first of them. */
  readonly says: string;
  readonly fix: string;
  /** Whether STS must be asked: the rest is seen without. */
  readonly sessions?: true;
}

type Edit = (statement: Statement) => readonly Statement[];

/** The role with its trust policy's statements edited. */
const trust = (name: AiRole["name"], edit: Edit): Change =>
  withRole(name, (role) => ({ ...role, trust: edited(role.trust, edit) }));

const edited = (policy: PolicyDocument, edit: Edit): PolicyDocument => ({
  ...policy,
  Statement: policy.Statement.flatMap(edit),
});

/** Without the condition keys that `gone` names, whichever statement and operator has them. */
const withoutKeys =
  (gone: RegExp): Edit =>
  ({ Condition = {}, ...rest }) => {
    if (rest.Effect === "Deny") return [{ ...rest, Condition }];
    const left = Object.entries(Condition)
      .map(([operator, keys]) => [operator, Object.entries(keys).filter(([key]) => !gone.test(key))] as const)
      .filter(([, keys]) => keys.length > 0)
      .map(([operator, keys]) => [operator, Object.fromEntries(keys)]);
    return [
      left.length === 0 ? rest : { ...rest, Condition: Object.fromEntries(left) as Record<string, never> },
    ];
  };

const noDenies: Edit = (statement) => (statement.Effect === "Deny" ? [] : [statement]);

const edit = (name: AiRole["name"], change: Partial<RoleOptions>): Change =>
  withRole(name, (role) => ({ ...role, ...change }));

const EVERYTHING = document({ Effect: "Allow", Action: "*", Resource: "*" });

const administrator: Change = (options) => ({
  ...options,
  policies: [...(options.policies ?? []), { name: "AdministratorAccess", document: EVERYTHING }],
});

const brokerMay = (policy: PolicyDocument): Change => {
  const give = (options: AccountOptions): AccountOptions => ({
    ...options,
    users: (options.users ?? []).map((user) =>
      user.name === "twokey-broker" ? { ...user, policies: [policy] } : user,
    ),
  });
  return give;
};

const more = (statement: Statement): PolicyDocument => document(...BROKER_POLICY.Statement, statement);
const withoutRight = (action: string): PolicyDocument =>
  document(
    ...BROKER_POLICY.Statement.map((statement) => ({
      ...statement,
      Action: [statement.Action ?? []].flat().filter((name) => name !== action),
    })),
  );

const serviceRole: Change = (options) => ({
  ...options,
  roles: (options.roles ?? []).map((role) =>
    role.name === nameOf(account.serviceRoles["production"] ?? "")
      ? { ...role, trust: document({ Effect: "Allow", Principal: "*", Action: "sts:AssumeRole" }) }
      : role,
  ),
});

const boundaryOf = (name: AiRole["name"]): string => roleNamed(name).boundary.arn;

export const MISTAKES: readonly Mistake[] = [
  {
    name: "a trust policy without its condition on the AI's tag",
    seed: trust("operator", withoutKeys(/RequestTag\/twokey:principal/)),
    faults: [
      ["trust", "operator"],
      ["trust_refuses", "operator"],
    ],
    says: "gives the tag twokey:principal another value",
    fix: "the trust policy must demand aws:RequestTag/twokey:principal equal to ai-agent",
    sessions: true,
  },
  {
    name: "a trust policy without the external id",
    seed: trust("observer", withoutKeys(/ExternalId/)),
    faults: [
      ["trust", "observer"],
      ["trust_refuses", "observer"],
    ],
    says: "gives no external id",
    fix: "demand sts:ExternalId equal to the account's external_id",
    sessions: true,
  },
  {
    name: "a trust policy without the source identity",
    seed: trust("operator", withoutKeys(/SourceIdentity/)),
    faults: [
      ["trust", "operator"],
      ["trust_refuses", "operator"],
    ],
    says: "sets no source identity",
    fix: "demand sts:SourceIdentity like tks-*",
    sessions: true,
  },
  {
    name: "a trust policy without the Deny for keys that are not transitive",
    seed: trust("observer", noDenies),
    faults: [
      ["trust", "observer"],
      ["trust_refuses", "observer"],
    ],
    says: "does not make twokey:principal transitive",
    fix: "twokey:principal among sts:TransitiveTagKeys, by a Deny where it is missing",
    sessions: true,
  },
  {
    name: "a trust policy open to the account's root",
    seed: trust("operator", (statement) => [
      statement.Effect === "Allow"
        ? { ...statement, Principal: { AWS: `arn:aws:iam::${ID}:root` } }
        : statement,
    ]),
    faults: [["trust", "operator"]],
    says: `whoever account ${ID} allows it`,
    fix: "as its only principal",
  },
  {
    name: "a standing role that takes an escalation's tag",
    seed: trust("operator", withoutKeys(/RequestTag\/twokey:escalation|aws:TagKeys/)),
    faults: [
      ["trust", "operator"],
      ["trust_refuses", "operator"],
    ],
    says: "carries a tag twokey:escalation, which only the escalated role takes",
    fix: "demand that aws:RequestTag/twokey:escalation is absent (Null)",
    sessions: true,
  },
  {
    name: "a trust policy that takes any tag besides",
    seed: trust("observer", withoutKeys(/aws:TagKeys/)),
    faults: [
      ["trust", "observer"],
      ["trust_refuses", "observer"],
    ],
    says: "carries a tag that is not Twokey's",
    fix: "demand that aws:TagKeys holds Twokey's keys alone",
    sessions: true,
  },
  {
    name: "an escalated role that takes a session without an escalation's tag",
    seed: (options) =>
      trust("escalated", noDenies)(trust("escalated", withoutKeys(/RequestTag\/twokey:escalation/))(options)),
    faults: [
      ["trust", "escalated"],
      ["trust_refuses", "escalated"],
    ],
    says: "carries no tag twokey:escalation",
    fix: "demand aws:RequestTag/twokey:escalation like esc-*",
    sessions: true,
  },
  {
    name: "no permissions boundary",
    seed: withRole("operator", (role) => without(role, "boundary")),
    faults: [["boundary", "operator"]],
    says: "the role has no permissions boundary",
    fix: "deploy the AI roles again, or put arn:aws:iam::111122223333:policy/twokey/boundary/ai-operator on",
  },
  {
    name: "another role's boundary",
    seed: edit("observer", { boundary: boundaryOf("escalated") }),
    faults: [["boundary", "observer"]],
    says: "the role's permissions boundary is arn:aws:iam::111122223333:policy/twokey/boundary/ai-escalated",
    fix: "policy/twokey/boundary/ai-observer on",
  },
  {
    name: "a boundary of an older policy set",
    seed: (options) => ({
      ...options,
      policies: (options.policies ?? []).map((policy) =>
        policy.name === "ai-operator" ? { ...policy, document: EVERYTHING } : policy,
      ),
    }),
    faults: [["boundary_current", "operator"]],
    says: "it is stale, or somebody changed it",
    fix: "deploy the AI roles again from this policy set",
  },
  {
    name: "an inline policy of somebody's",
    seed: edit("operator", { inline: { "just-this-once": EVERYTHING } }),
    faults: [["permissions", "operator"]],
    says: "the inline policy just-this-once",
    fix: "detach the inline policy just-this-once from the role",
  },
  {
    name: "an Allow under the name of the policy that denies frozen sessions",
    seed: edit("operator", { inline: { "twokey-frozen-sessions": EVERYTHING } }),
    faults: [["permissions", "operator"]],
    says: "twokey-frozen-sessions allows something",
    fix: "delete it and find out who wrote it",
  },
  {
    name: "an administrator's policy attached",
    seed: (options) => {
      const attached = [boundaryOf("observer"), `arn:aws:iam::${ID}:policy/AdministratorAccess`];
      return edit("observer", { attached })(administrator(options));
    },
    faults: [["permissions", "observer"]],
    says: `arn:aws:iam::${ID}:policy/AdministratorAccess`,
    fix: `detach arn:aws:iam::${ID}:policy/AdministratorAccess from the role`,
  },
  {
    name: "a role without its policy",
    seed: edit("observer", { attached: [] }),
    faults: [["permissions", "observer"]],
    says: "is not attached to the role, so its sessions may do nothing",
    fix: "attach arn:aws:iam::111122223333:policy/twokey/boundary/ai-observer to it",
  },
  {
    name: "sessions of twelve hours",
    seed: edit("escalated", { maxSessionDuration: 43_200 }),
    faults: [["max_session", "escalated"]],
    says: "may live 43200 s, longer than the 3600 s",
    fix: "set the MaxSessionDuration of arn:aws:iam::111122223333:role/twokey/ai-escalated to 3600",
  },
  {
    name: "a broker that may assume other roles",
    seed: brokerMay(more({ Effect: "Allow", Action: "sts:AssumeRole", Resource: "*" })),
    faults: [["broker_assumes", null]],
    says: "may assume other roles than the AI roles",
    fix: "on the AI roles of accounts.yaml and on nothing else",
  },
  {
    name: "a broker that may put policies on any role",
    seed: brokerMay(more({ Effect: "Allow", Action: "iam:PutRolePolicy", Resource: "*" })),
    faults: [["broker_writes", null]],
    says: "iam:PutRolePolicy on arn:aws:iam::111122223333:role/twokey-doctor-other",
    fix: "iam:GetRole, iam:PutRolePolicy, iam:DeleteRolePolicy on the AI roles, and no other writing call",
  },
  {
    name: "a broker that may take the boundary off",
    seed: brokerMay(
      more({
        Effect: "Allow",
        Action: ["iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion"],
        Resource: [roleNamed("operator").arn, boundaryOf("operator")],
      }),
    ),
    faults: [["broker_writes", null]],
    says: "iam:DeleteRolePermissionsBoundary on arn:aws:iam::111122223333:role/twokey/ai-operator",
    fix: "no other writing call of IAM",
  },
  {
    name: "a broker that cannot deny frozen sessions",
    seed: brokerMay(withoutRight("iam:PutRolePolicy")),
    faults: [
      ["revocation", "observer"],
      ["revocation", "operator"],
      ["revocation", "escalated"],
    ],
    says: "the broker may not iam:PutRolePolicy",
    fix: '"Action":["iam:GetRole","iam:PutRolePolicy","iam:DeleteRolePolicy"],"Resource":"arn:aws:iam::111122223333:role/twokey/ai-observer"',
  },
  {
    name: "a broker that cannot read roles",
    seed: brokerMay(withoutRight("iam:GetRole")),
    faults: [
      ["role", "observer"],
      ["role", "operator"],
      ["role", "escalated"],
      ["role", "stack_service"],
      ["service_role", "production"],
      ["revocation", "observer"],
      ["revocation", "operator"],
      ["revocation", "escalated"],
    ],
    says: "not checked: iam:GetRole was answered AccessDenied",
    fix: '{"Effect":"Allow","Action":"iam:GetRole","Resource":"arn:aws:iam::111122223333:role/twokey/ai-observer"}',
  },
  {
    name: "a role that is not there",
    seed: (options) => ({
      ...options,
      roles: (options.roles ?? []).filter(({ name }) => name !== "ai-escalated"),
    }),
    faults: [
      ["role", "escalated"],
      ["assume", "escalated"],
    ],
    says: "there is no role arn:aws:iam::111122223333:role/twokey/ai-escalated",
    fix: "deploy the AI roles",
    sessions: true,
  },
  {
    name: "a role of that name under another path",
    seed: edit("operator", { path: "/" }),
    faults: [["role", "operator"]],
    says: "arn:aws:iam::111122223333:role/ai-operator bears its name",
    fix: "deploy the AI roles",
  },
  {
    name: "CloudFormation's role without the tag of the AI's",
    seed: edit("stack_service", { tags: {} }),
    faults: [["role_tags", "stack_service"]],
    says: "lacks the tag twokey:principal=ai-agent",
    fix: "tag the role twokey:principal=ai-agent",
  },
  {
    name: "an AI role that bears a session's tag itself",
    seed: edit("operator", { tags: { "twokey:escalation": "esc-forever" } }),
    faults: [["role_tags", "operator"]],
    says: "tags that only sessions may have: twokey:escalation",
    fix: "take twokey:escalation off the role",
  },
  {
    name: "CloudFormation's role open to the broker",
    seed: trust("stack_service", (statement) => [
      statement,
      {
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${ID}:user/twokey-broker` },
        Action: "sts:AssumeRole",
      },
    ]),
    faults: [["trust", "stack_service"]],
    says: "the trust policy lets in arn:aws:iam::111122223333:user/twokey-broker",
    fix: "name the service cloudformation.amazonaws.com alone",
  },
  {
    name: "production's service role open to everybody",
    seed: serviceRole,
    faults: [["service_role", "production"]],
    says: "the trust policy lets in everybody",
    fix: "trust the service cloudformation.amazonaws.com and nobody else",
  },
];
