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
import { nonProductionRoles, strays, type BoundaryFault } from "./boundary.ts";
import {
  CONTROL_POLICY_LIMIT,
  documentOf,
  packed,
  type ControlPolicy,
  type PackFault,
} from "./control-policy.ts";
import { fit } from "./fit.ts";
import type { ConditionBlock, Statement } from "./iam/types.ts";
import { WORKS_AS_ANOTHER_ROLE } from "./other-roles.ts";
import { ownRoles } from "./own-roles.ts";
import type { PreparedAction, PreparedTemplate } from "./prepare.ts";
import { AI_PRINCIPAL, ESCALATION_TAG, SESSION_TAGS } from "./role-trust.ts";
import type { ServedPolicy } from "./serve.ts";
import type { Account } from "./set.ts";
import { ACTS_WITH_SERVICE_ROLE } from "./sort.ts";
import { exempt, limits, type Live } from "./statements.ts";
import { deletingRoles, unionOf } from "./union.ts";

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
  | BoundaryFault
  | PackFault
  /** Production's role in one account has the name of another environment's in another. */
  | { readonly reason: "roles_cross"; readonly role: string };

export function organizationGuard(
  { set, templates }: Pick<ServedPolicy, "set" | "templates">,
  input: GuardInput,
): Result<OrganizationGuard, GuardFault> {
  const all = [...templates.values()].filter(({ template }) => template.kind === "standing");
  const accounts = distinct(set.accounts.map(anywhere));
  const crossing = accounts
    .flatMap(nonProductionRoles)
    .find((role) => accounts.some(({ serviceRoles }) => serviceRoles["production"] === role));
  if (crossing !== undefined) return err({ reason: "roles_cross", role: crossing });
  const [ofAgents, ofStacks] = [false, true].map((stacks) =>
    around(
      all.filter(({ template }) => (template.role === "stack_service") === stacks),
      accounts,
    ),
  );
  if (ofAgents?.ok !== true) return ofAgents ?? err({ reason: "no_template" });
  if (ofStacks?.ok !== true) return ofStacks ?? err({ reason: "no_template" });
  const ai = { StringEquals: { [principalTag("twokey:principal")]: AI_PRINCIPAL } };
  // Of the role that stacks act with, only the role is tagged; only the broker's sessions have an id.
  const sessions = {
    Null: { [principalTag("twokey:session")]: "false", [principalTag(ESCALATION_TAG)]: "true" },
  };
  const stackRole = { ...ai, Null: { [principalTag("twokey:session")]: "true" } };
  const mcp = { Bool: { "aws:ViaAWSMCPService": "true" } };
  const floor = under([{ Effect: "Deny", Action: sorted(set.guardrails.floor), Resource: "*" }], ai);
  const scps = packed([
    {
      name: "twokey-floor",
      description: "What no AI session may do, and who may touch Twokey's roles.",
      statements: [...floor, ...ownRoles(accounts, input)],
    },
    {
      name: "twokey-sessions",
      description: "AI sessions nobody approved: production is read-only.",
      statements: under(ofAgents.value, sessions),
    },
    {
      name: "twokey-stacks",
      description: "CloudFormation outside production.",
      statements: under(ofStacks.value, stackRole),
    },
    {
      name: "twokey-mcp",
      description: "Calls through AWS's managed MCP server.",
      statements: under(ofAgents.value, mcp),
    },
  ]);
  if (!scps.ok) return scps;
  const rcps = packed([
    {
      name: "twokey-tags",
      description: "Only the broker sets the tags of AI sessions.",
      statements: tagsOfSessions(input),
    },
  ]);
  return rcps.ok ? ok({ scps: scps.value, rcps: rcps.value }) : rcps;
}

/** Most accounts are alike once their ids are left open. */
const distinct = (accounts: readonly Account[]): readonly Account[] => [
  ...new Map(
    accounts.map((account) => [JSON.stringify([account.roles, account.serviceRoles]), account]),
  ).values(),
];

/** For people: why there are no control policies for this set. */
export function guardInWords(fault: GuardFault): { readonly message: string; readonly fix: string } {
  const cannot = "the organisation's control policies cannot be made of this set";
  switch (fault.reason) {
    case "roles_cross":
      return {
        message: `${cannot}: ${fault.role} is production's role in one account and another environment's in another`,
        fix: "give production's role a name of its own in accounts.yaml",
      };
    case "statement_too_large":
      return {
        message: `${cannot}: one statement of ${fault.policy} takes ${fault.size} of ${CONTROL_POLICY_LIMIT} characters`,
        fix: "write shorter patterns in guardrails.yaml or the templates",
      };
    case "too_many_policies":
      return {
        message: `${cannot}: it takes ${fault.policies} policies, and one target has room for ${fault.limit}`,
        fix: "allow fewer actions in standing templates",
      };
    case "fences_differ": {
      const actions = fault.of.map(({ action, templates }) => `${action} (${templates.join(", ")})`);
      return {
        message: `${cannot}: templates fence these differently: ${actions.join("; ")}`,
        fix: "write the statements alike",
      };
    }
    case "no_template":
    case "nothing_allowed":
    case "no_service_role":
    case "boundary_too_large":
      return {
        message: `${cannot}: ${fault.reason}`,
        fix: "see what `twokey policy check` says of the roles",
      };
  }
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
    ...deletingRoles(live, sorted(accounts.flatMap(nonProductionRoles))),
    ...tags,
  ];
  const fitted = fit(documentOf(statements), 0, prepared.folds).document.Statement;
  return ok(fitted.filter(({ Effect }) => Effect === "Deny"));
}

/**
 * Resources stay where nothing but they confine a change: no tags, roles passed on, work done as another role. Conditions
 * stay where they are the only fence: tagging what is being created.
 */
function essential({ actions, filled }: Live): Live {
  const byResource = actions.some(
    ({ pattern, pairs }) =>
      WORKS_AS_ANOTHER_ROLE.reason(pattern) !== null ||
      pairs.some((pair) => pair.class === "used" || (pair.class === "changed" && !pair.tagged)),
  );
  const byCondition = actions.some(
    ({ pairs, fences }) =>
      fences.length === 0 && pairs.some((pair) => pair.class === "changed" && pair.tagged),
  );
  return {
    actions,
    filled: {
      resource: byResource ? filled.resource : ["*"],
      condition: byCondition ? filled.condition : {},
    },
  };
}

/** As rolesFence, for roles of any account. */
function pinnedRoles(
  prepared: PreparedTemplate,
  live: readonly Live[],
  accounts: readonly Account[],
): readonly Statement[] {
  const { environmentTag, nonProduction } = prepared.guardrails;
  const acting = live
    .flatMap(({ actions }) => actions)
    .filter(({ pattern }) => ACTS_WITH_SERVICE_ROLE.includes(pattern));
  const harmless = sorted(accounts.flatMap(nonProductionRoles));
  const all = sorted(accounts.flatMap(({ serviceRoles }) => Object.values(serviceRoles)));
  const deny = (
    members: readonly PreparedAction[],
    roles: readonly string[],
    on: ConditionBlock = {},
  ): readonly Statement[] =>
    members.length === 0
      ? []
      : [
          {
            Effect: "Deny",
            Action: sorted(members.map(({ pattern }) => pattern)),
            Resource: "*",
            Condition: { ...on, StringNotLike: { "cloudformation:RoleArn": roles } },
          },
        ];
  const fenced = acting.filter((action) => !exempt(prepared, action));
  const onProduction = acting.filter((action) => exempt(prepared, action));
  const imports = acting.filter(({ pattern }) => pattern === "cloudformation:CreateChangeSet");
  return [
    ...deny(fenced, harmless),
    ...deny(onProduction, all),
    // Production's role on a stack outside it would serve every later caller of that stack.
    ...deny(onProduction, harmless, {
      StringEqualsIgnoreCase: { [`aws:ResourceTag/${environmentTag}`]: nonProduction },
    }),
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

const sorted = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort();
