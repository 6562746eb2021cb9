/**
 * The fence a third time, for the whole organisation: service control policies keyed on the tags of AI sessions, and a
 * resource control policy that lets nobody but the broker set those tags. Pure; compiled from the same templates.
 *
 *   twokey-floor     AI sessions: the guardrails' floor, approved or not. Everybody: Twokey's own roles and tags
 *   twokey-sessions  AI sessions nobody approved: what the standing templates allow, production fenced
 *   twokey-stacks    the role stacks act with: the same of its template
 *   twokey-mcp       whoever calls through AWS's managed MCP server: as twokey-sessions
 *
 * With FullAWSAccess that is five, which is how many one target takes. No policy limits the management account.
 */
import { err, ok, type Result } from "../result.ts";
import { strays, type BoundaryFault } from "./boundary.ts";
import { fit } from "./fit.ts";
import type { ConditionBlock, PolicyDocument, Statement } from "./iam/types.ts";
import type { PreparedTemplate } from "./prepare.ts";
import { WORKS_AS_ANOTHER_ROLE } from "./other-roles.ts";
import { AI_PRINCIPAL, ESCALATION_TAG, SESSION_TAGS } from "./role-trust.ts";
import type { ServedPolicy } from "./serve.ts";
import type { Account } from "./set.ts";
import { ACTS_WITH_SERVICE_ROLE } from "./sort.ts";
import { exempt, limits, type Live } from "./statements.ts";
import { unionOf } from "./union.ts";

/** Organizations: characters of a service or resource control policy. */
export const CONTROL_POLICY_LIMIT = 5120;

export interface ControlPolicy {
  readonly name: string;
  readonly description: string;
  readonly document: PolicyDocument;
  /** Its JSON without white space: what Organizations counts. */
  readonly text: string;
}

export interface OrganizationGuard {
  readonly scps: readonly ControlPolicy[];
  readonly rcps: readonly ControlPolicy[];
}

export interface GuardInput {
  /** ARN patterns of the broker's own role, in whichever account it runs. */
  readonly brokers: readonly string[];
  /** ARN patterns of who deploys `infra/`: the only ones that may change Twokey's roles and boundaries. */
  readonly deployers: readonly string[];
}

export type GuardFault =
  BoundaryFault | { readonly reason: "too_large"; readonly policy: string; readonly size: number };

export function organizationGuard(
  served: ServedPolicy,
  input: GuardInput,
): Result<OrganizationGuard, GuardFault> {
  const { set, templates } = served;
  const all = [...templates.values()].filter(({ template }) => template.kind === "standing");
  const accounts = set.accounts.map(anywhere);
  const standing = around(
    all.filter(({ template }) => template.role !== "stack_service"),
    accounts,
  );
  if (!standing.ok) return standing;
  const stacks = around(
    all.filter(({ template }) => template.role === "stack_service"),
    accounts,
  );
  if (!stacks.ok) return stacks;
  const ai = { StringEquals: { [principalTag("twokey:principal")]: AI_PRINCIPAL } };
  // Of the role that stacks act with, only the role is tagged; only the broker's sessions have an id.
  const [sessions, stackRole] = [
    { Null: { [principalTag("twokey:session")]: "false", [principalTag(ESCALATION_TAG)]: "true" } },
    { ...ai, Null: { [principalTag("twokey:session")]: "true" } },
  ];
  const mcp = { Bool: { "aws:ViaAWSMCPService": "true" } };
  const floor = under([{ Effect: "Deny", Action: sorted(set.guardrails.floor), Resource: "*" }], ai);
  const policies = [
    ...packed("twokey-floor", "What no AI session may do, and who may touch Twokey's roles.", [
      ...floor,
      ...ownRoles(input),
    ]),
    ...packed(
      "twokey-sessions",
      "AI sessions nobody approved: production is read-only.",
      under(standing.value, sessions),
    ),
    ...packed("twokey-stacks", "CloudFormation outside production.", under(stacks.value, stackRole)),
    ...packed("twokey-mcp", "Calls through AWS's managed MCP server.", under(standing.value, mcp)),
    ...packed("twokey-tags", "Only the broker sets the tags of AI sessions.", tagsOfSessions(input)),
  ];
  const large = policies.find(({ text }) => text.length > CONTROL_POLICY_LIMIT);
  if (large !== undefined) return err({ reason: "too_large", policy: large.name, size: large.text.length });
  const [rcps, scps] = [true, false].map((tags) =>
    policies.filter(({ name }) => name.startsWith("twokey-tags") === tags),
  );
  return ok({ scps: scps ?? [], rcps: rcps ?? [] });
}

const principalTag = (key: string): string => `aws:PrincipalTag/${key}`;

/** One policy for every account: ARNs name the role and leave the account open. */
function anywhere(account: Account): Account {
  const open = (arn: string): string => arn.replace(`:${account.id}:`, ":*:");
  const { roles, serviceRoles } = account;
  return {
    ...account,
    id: "*",
    region: "*",
    roles: {
      observer: open(roles.observer),
      operator: open(roles.operator),
      escalated: open(roles.escalated),
    },
    serviceRoles: Object.fromEntries(Object.entries(serviceRoles).map(([name, arn]) => [name, open(arn)])),
  };
}

const rolesOf = (account: Account, { production }: { readonly production: boolean }): readonly string[] =>
  Object.entries(account.serviceRoles).flatMap(([name, arn]) =>
    production || name !== "production" ? [arn] : [],
  );

/**
 * What of these templates' Denies keeps production as it is, taken together and as short as it can be said: there is
 * room for 5,120 characters. Where a tag fences an action, its resources and conditions are left to the other layers.
 */
function around(
  templates: readonly PreparedTemplate[],
  accounts: readonly Account[],
): Result<readonly Statement[], BoundaryFault> {
  const [first, ...rest] = templates;
  if (first === undefined) return err({ reason: "no_template" });
  const union = unionOf([first, ...rest], accounts);
  if (!union.ok) return err({ reason: "fences_differ", of: union.error });
  const { prepared, tags } = union.value;
  const live = union.value.live.map(essential);
  const statements = [
    ...limits(prepared, live),
    // There is no room for what cannot be: a bucket's own ARN holds no `/`.
    ...strays(live.filter(({ filled }) => filled.resource.some((arn) => arn.includes("/")))),
    ...pinnedRoles(prepared, live, accounts),
    ...tags,
  ];
  const fitted = fit(documentOf(statements), 0, prepared.folds).document.Statement;
  return ok(fitted.filter(({ Effect }) => Effect === "Deny"));
}

/** Resources stay where nothing but they confine a change: no tags, roles passed on, work done as another role. */
function essential({ actions, filled }: Live): Live {
  const byResource = actions.some(
    ({ pattern, pairs }) =>
      WORKS_AS_ANOTHER_ROLE.reason(pattern) !== null ||
      pairs.some((pair) => pair.class === "used" || (pair.class === "changed" && !pair.tagged)),
  );
  return { actions, filled: { resource: byResource ? filled.resource : ["*"], condition: {} } };
}

/** As rolesFence, but which environment a role is pinned for is left to the other layers: accounts may differ. */
function pinnedRoles(
  prepared: PreparedTemplate,
  live: readonly Live[],
  accounts: readonly Account[],
): readonly Statement[] {
  const acting = live
    .flatMap(({ actions }) => actions)
    .filter(({ pattern }) => ACTS_WITH_SERVICE_ROLE.includes(pattern));
  const deny = (production: boolean): readonly Statement[] => {
    const actions = acting.filter((action) => exempt(prepared, action) === production);
    const roles = accounts.flatMap((account) => rolesOf(account, { production }));
    return actions.length === 0
      ? []
      : [
          {
            Effect: "Deny",
            Action: sorted(actions.map(({ pattern }) => pattern)),
            Resource: "*",
            Condition: { StringNotLike: { "cloudformation:RoleArn": sorted(roles) } },
          },
        ];
  };
  const imports = acting.filter(({ pattern }) => pattern === "cloudformation:CreateChangeSet");
  return [
    ...deny(false),
    ...deny(true),
    ...imports.map(({ pattern }): Statement => ({
      Effect: "Deny",
      Action: pattern,
      Resource: "*",
      Condition: { Null: { "cloudformation:ImportResourceTypes": "false" } },
    })),
  ];
}

/** Each statement for these callers alone. */
function under(statements: readonly Statement[], callers: ConditionBlock): readonly Statement[] {
  return statements.map((statement) => {
    const own = statement.Condition ?? {};
    const operators = [...new Set([...Object.keys(own), ...Object.keys(callers)])];
    const Condition = Object.fromEntries(
      operators.map((operator) => [operator, { ...own[operator], ...callers[operator] }]),
    );
    return { ...statement, Condition };
  });
}

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

/** The broker may write and remove the roles' inline policies: that is how a frozen session is denied. */
function ownRoles({ brokers, deployers }: GuardInput): readonly Statement[] {
  const others = (arns: readonly string[]): ConditionBlock => ({
    ArnNotLike: { "aws:PrincipalArn": sorted(arns) },
  });
  const inline = ["iam:DeleteRolePolicy", "iam:PutRolePolicy"];
  return [
    {
      Effect: "Deny",
      Action: CHANGES,
      Resource: ["arn:*:iam::*:policy/twokey/*"],
      Condition: others(deployers),
    },
    {
      Effect: "Deny",
      Action: CHANGES.filter((pattern) => !["iam:Delete*", "iam:Put*"].includes(pattern)).concat([
        "iam:DeleteRole",
        "iam:DeleteRolePermissionsBoundary",
        "iam:PutRolePermissionsBoundary",
      ]),
      Resource: "arn:*:iam::*:role/twokey/*",
      Condition: others(deployers),
    },
    {
      Effect: "Deny",
      Action: inline,
      Resource: "arn:*:iam::*:role/twokey/*",
      Condition: others([...brokers, ...deployers]),
    },
    {
      Effect: "Deny",
      Action: ["iam:CreateRole", "iam:CreateUser", "iam:Tag*", "iam:Untag*"],
      Resource: "*",
      Condition: { "ForAnyValue:StringLike": { "aws:TagKeys": "twokey:*" }, ...others(deployers) },
    },
  ];
}

/** One statement a key: a tag is looked at by its name, and several in one condition would all have to be there. */
const tagsOfSessions = ({ brokers }: GuardInput): readonly Statement[] =>
  [...SESSION_TAGS, ESCALATION_TAG].map((key) => ({
    Effect: "Deny",
    Principal: "*",
    Action: ["sts:AssumeRole*", "sts:GetFederationToken", "sts:TagSession"],
    Resource: "*",
    Condition: {
      Null: { [`aws:RequestTag/${key}`]: "false" },
      ArnNotLike: { "aws:PrincipalArn": sorted(brokers) },
    },
  }));

/** As many policies as it takes; the Denies of one are as good in another that is attached at the same place. */
function packed(
  name: string,
  description: string,
  statements: readonly Statement[],
): readonly ControlPolicy[] {
  const groups: Statement[][] = [];
  for (const statement of statements) {
    const last = groups.at(-1);
    if (last !== undefined && textOf([...last, statement]).length <= CONTROL_POLICY_LIMIT)
      last.push(statement);
    else groups.push([statement]);
  }
  return groups.map((group, index) => ({
    name: index === 0 ? name : `${name}-${index + 1}`,
    description,
    document: documentOf(group),
    text: textOf(group),
  }));
}

const documentOf = (statements: readonly Statement[]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: statements,
});

const textOf = (statements: readonly Statement[]): string => JSON.stringify(documentOf(statements));

const sorted = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort();
