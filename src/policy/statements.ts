/**
 * What a session policy says: a prepared template and its values become statements. It inverts: every protection
 * is an explicit Deny, because a missing Allow does not stop a resource policy that names the session.
 *
 *   allow     the template's statements, values filled in
 *   ceiling   deny everything that is not one of the template's actions
 *   confine   deny each action outside its own resources, and outside its own conditions
 *   fence     deny changes unless the resource's tag, creations unless the request's tag, says non-production
 *   roles     deny CloudFormation with any service role but the one pinned for the environment
 *   tags      deny touching the environment tag, except to say non-production
 *
 * It never emits a policy variable and never writes text into JSON. What fits into which document is compile.ts.
 */
import { err, ok, type Result } from "../result.ts";
import { accountValues, fillStatement, type FilledStatement, type Values } from "./fill.ts";
import type { ConditionBlock, OneOrMany, Statement } from "./iam/types.ts";
import type { Fence, PreparedAction, PreparedTemplate } from "./prepare.ts";
import type { Account, Guardrails } from "./set.ts";
import { ACTS_WITH_SERVICE_ROLE } from "./sort.ts";
import { tagNewFences, tagsNew } from "./tag-new.ts";
import { COMPLEMENT } from "./template-rules.ts";

export interface CompileInput {
  readonly account: Account;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
}

export type StatementFault =
  | { readonly reason: "nothing_allowed" }
  | { readonly reason: "no_service_role"; readonly environment: string };

/** A statement of the template that applies with these values. */
export interface Live {
  readonly actions: readonly PreparedAction[];
  readonly filled: FilledStatement;
}

/** The whole session policy, nothing shortened: its Allows first, then every Deny. */
export function statementsOf(
  prepared: PreparedTemplate,
  input: CompileInput,
): Result<readonly Statement[], StatementFault> {
  const values: Values = new Map([
    ...Object.entries(input.parameters),
    ...accountValues(input.account, prepared.guardrails.nonProduction),
  ]);
  const live: Live[] = [];
  for (const { statement, actions } of prepared.statements) {
    const filled = fillStatement(statement, values);
    if (filled !== null) live.push({ actions, filled });
  }
  if (live.length === 0) return err({ reason: "nothing_allowed" });
  const roles = rolesFence(prepared, live, input.account);
  if (!roles.ok) return roles;
  return ok([...allow(live), ...limits(prepared, live), ...roles.value, tagFence(prepared, live)]);
}

/** What is denied of the statements themselves: all else, other resources, other conditions, production. */
export const limits = (prepared: PreparedTemplate, live: readonly Live[]): readonly Statement[] => [
  ceiling(live),
  ...confine(live),
  ...conditions(live),
  ...fences(prepared, live),
];

function allow(live: readonly Live[]): readonly Statement[] {
  return live.map(({ actions, filled }) => ({
    Effect: "Allow",
    Action: one(patternsOf(actions)),
    Resource: one(filled.resource),
    ...(Object.keys(filled.condition).length > 0 ? { Condition: tidy(filled.condition) } : {}),
  }));
}

/** One statement in one document: split in two, each half would deny what the other permits. */
function ceiling(live: readonly Live[]): Statement {
  return {
    Effect: "Deny",
    NotAction: one(sorted(live.flatMap(({ actions }) => patternsOf(actions)))),
    Resource: "*",
  };
}

/** For each action allowed on less than everything: deny it everywhere else. */
function confine(live: readonly Live[]): readonly Statement[] {
  const resources = new Map<string, Set<string>>();
  for (const { actions, filled } of live) {
    for (const { pattern } of actions) {
      const known = resources.get(pattern) ?? new Set<string>();
      for (const arn of filled.resource) known.add(arn);
      resources.set(pattern, known);
    }
  }
  const confined = [...resources].filter(([, arns]) => !arns.has("*"));
  return grouped(confined, ([, arns]) => sorted([...arns])).map(([arns, members]) => ({
    Effect: "Deny",
    Action: one(sorted(members.map(([pattern]) => pattern))),
    NotResource: one(arns),
  }));
}

/** The complement of each condition on an Allow. An absent key fails closed: the negated operators hold for it. */
function conditions(live: readonly Live[]): readonly Statement[] {
  const tests: {
    readonly actions: readonly string[];
    readonly test: readonly [string, string, OneOrMany];
  }[] = [];
  for (const { actions, filled } of live) {
    for (const [operator, keys] of Object.entries(filled.condition)) {
      const complement = COMPLEMENT[operator];
      // templateFaults refused every other operator when the template was prepared.
      if (complement === undefined) throw new Error(`no complement for ${operator}`);
      for (const [key, wanted] of Object.entries(keys)) {
        tests.push({
          actions: patternsOf(actions),
          test: [complement, key, one(typeof wanted === "string" ? [wanted] : wanted)],
        });
      }
    }
  }
  return grouped(tests, ({ test }) => test).map(([[operator, key, wanted], members]) => ({
    Effect: "Deny",
    Action: one(sorted(members.flatMap(({ actions }) => actions))),
    Resource: "*",
    Condition: { [operator]: { [key]: wanted } },
  }));
}

function fences(prepared: PreparedTemplate, live: readonly Live[]): readonly Statement[] {
  // An escalation names exact resources, and `confine` already denies its actions on everything else: carving the
  // approved ARNs out of this fence would leave a statement that denies nothing more.
  if (prepared.template.kind === "escalation") return [];
  const wanted: { readonly action: string; readonly fence: Fence }[] = [];
  for (const action of distinct(live)) {
    if (exempt(prepared, action) || tagsNew(prepared, action)) continue;
    for (const fence of action.fences) wanted.push({ action: action.pattern, fence });
  }
  const { environmentTag, nonProduction } = prepared.guardrails;
  const tagging = distinct(live).filter((action) => tagsNew(prepared, action));
  const statements = grouped(
    wanted,
    ({ fence }) => [fence.key, sorted([...fence.exempt]), fence.unless] as const,
  ).map(([[key, outside, unless], members]): Statement => ({
    Effect: "Deny",
    Action: one(sorted(members.map(({ action }) => action))),
    ...(outside.length > 0 ? { NotResource: one(outside) } : { Resource: "*" }),
    Condition: {
      StringNotEqualsIgnoreCase: { [`${key}/${environmentTag}`]: one(nonProduction) },
      ...(unless === null ? {} : { StringNotEquals: { [unless.key]: one(unless.values) } }),
    },
  }));
  return [...statements, ...tagNewFences(prepared, sorted(patternsOf(tagging)))];
}

/** A template may state this exception by name: preparing a change set changes nothing. */
export function exempt(prepared: PreparedTemplate, action: PreparedAction): boolean {
  return (
    action.pattern === "cloudformation:CreateChangeSet" &&
    prepared.template.exceptions.includes("prepare-change-set")
  );
}

/**
 * A stack's service role acts for every later caller, so only the role pinned for the environment may be passed.
 * A call that names no role is denied too: it would use whatever role the stack has, or the caller's own session.
 */
export function rolesFence(
  prepared: PreparedTemplate,
  live: readonly Live[],
  account: Account,
): Result<readonly Statement[], StatementFault> {
  const acting = distinct(live).filter(({ pattern }) => ACTS_WITH_SERVICE_ROLE.includes(pattern));
  if (acting.length === 0) return ok([]);
  const statements: Statement[] = [];
  const { environmentTag, nonProduction } = prepared.guardrails;
  const byRole = new Map<string, string[]>();
  for (const environment of nonProduction) {
    const role = account.serviceRoles[environment];
    if (role === undefined) return err({ reason: "no_service_role", environment });
    byRole.set(role, [...(byRole.get(role) ?? []), environment]);
  }
  const deny = (actions: readonly PreparedAction[], condition: ConditionBlock): void => {
    if (actions.length === 0) return;
    statements.push({
      Effect: "Deny",
      Action: one(sorted(actions.map(({ pattern }) => pattern))),
      Resource: "*",
      Condition: condition,
    });
  };
  // What may reach production: the stated exception, and whatever two people approved.
  const reachesProduction = (action: PreparedAction): boolean =>
    prepared.template.kind === "escalation" || exempt(prepared, action);
  const onProduction = acting.filter(reachesProduction);
  const fenced = acting.filter((action) => !reachesProduction(action));
  for (const [role, environments] of byRole) {
    const not = { StringNotEquals: { "cloudformation:RoleArn": role } };
    if (byRole.size === 1) deny(fenced, not);
    else {
      for (const key of ["aws:ResourceTag", "aws:RequestTag"] as const) {
        const here = fenced.filter((action) => action.fences.some((fence) => fence.key === key));
        deny(here, { StringEqualsIgnoreCase: { [`${key}/${environmentTag}`]: one(environments) }, ...not });
      }
    }
    deny(onProduction, {
      StringEqualsIgnoreCase: { [`aws:ResourceTag/${environmentTag}`]: one(environments) },
      ...not,
    });
  }
  if (onProduction.length > 0) {
    const role = account.serviceRoles["production"];
    if (role === undefined) return err({ reason: "no_service_role", environment: "production" });
    deny(onProduction, {
      StringNotEqualsIgnoreCase: { [`aws:ResourceTag/${environmentTag}`]: one(nonProduction) },
      StringNotEquals: { "cloudformation:RoleArn": role },
    });
  }
  // Importing takes over a resource that exists, whatever its tags.
  deny(
    acting.filter(({ pattern }) => pattern === "cloudformation:CreateChangeSet"),
    { Null: { "cloudformation:ImportResourceTypes": "false" } },
  );
  return ok(statements);
}

/**
 * Removing the environment tag or making it production is denied; saying `environment=staging` again is not, except
 * in a change set for production: executed, it would open production to every standing template.
 */
export function tagFence(prepared: PreparedTemplate, live: readonly Live[]): Statement {
  const { environmentTag, nonProduction }: Guardrails = prepared.guardrails;
  const approved =
    prepared.template.kind === "escalation"
      ? sorted(
          live
            .filter(({ actions }) =>
              actions.some((action) => action.pairs.some((pair) => pair.class !== "read")),
            )
            .flatMap(({ filled }) => filled.resource),
        )
      : [];
  return {
    Effect: "Deny",
    Action: "*",
    ...(approved.length > 0 ? { NotResource: one(approved) } : { Resource: "*" }),
    Condition: {
      "ForAnyValue:StringEqualsIgnoreCase": { "aws:TagKeys": environmentTag },
      ...(prepared.template.exceptions.includes("prepare-change-set")
        ? {}
        : { StringNotEqualsIgnoreCase: { [`aws:RequestTag/${environmentTag}`]: one(nonProduction) } }),
    },
  };
}

const patternsOf = (actions: readonly PreparedAction[]): readonly string[] =>
  actions.map(({ pattern }) => pattern);

/** Each action once, though several statements allow it. */
function distinct(live: readonly Live[]): readonly PreparedAction[] {
  return [
    ...new Map(live.flatMap(({ actions }) => actions.map((action) => [action.pattern, action]))).values(),
  ];
}

function grouped<T, K>(items: readonly T[], keyOf: (item: T) => K): readonly (readonly [K, readonly T[]])[] {
  const groups = new Map<string, [K, T[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(JSON.stringify(key));
    if (group === undefined) groups.set(JSON.stringify(key), [key, [item]]);
    else group[1].push(item);
  }
  return [...groups.values()];
}

const sorted = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort();

const one = (texts: readonly string[]): OneOrMany =>
  texts.length === 1 && texts[0] !== undefined ? texts[0] : texts;

function tidy(condition: ConditionBlock): ConditionBlock {
  return Object.fromEntries(
    Object.entries(condition).map(([operator, keys]) => [
      operator,
      Object.fromEntries(
        Object.entries(keys).map(([key, wanted]) => [
          key,
          one(typeof wanted === "string" ? [wanted] : wanted),
        ]),
      ),
    ]),
  );
}
