/**
 * What a compiled session allows, read off its documents: the bytes STS is sent, and not the template they came from.
 * One row for each action and the resources it reaches alike. The evaluator has the last word on every row: what it
 * denies whatever the request brings has none, and what it might allow is never left out.
 */
import { isDestructive } from "./destroyers.ts";
import type { Effect } from "./ability.ts";
import { evaluate, type PolicyLayers } from "./iam/evaluate.ts";
import { globCovers, globMatch } from "./iam/match.ts";
import { parsePolicy, type ParsedPolicy } from "./iam/parse.ts";
import type { ContextValue, OneOrMany, PolicyDocument, Statement } from "./iam/types.ts";
import type { ActionFacts, ActionTable } from "./knowledge.ts";
import { arnPatternsMayOverlap } from "./prepare.ts";
import { EVERYTHING } from "./prove/question.ts";
import { concreteArn } from "./prove/resources.ts";
import type { Account, Guardrails } from "./set.ts";
import { sortAction } from "./sort.ts";
import { COMPLEMENT } from "./template-rules.ts";

/** Whose session it is, and what is known of the world it acts in. */
export interface Ground {
  readonly account: Account;
  readonly guardrails: Pick<Guardrails, "environmentTag" | "nonProduction">;
  readonly table: ActionTable;
}

/** A condition that must hold: the key's value is one of these, which may be patterns. */
export interface Requirement {
  readonly key: string;
  readonly values: readonly string[];
}

/**
 * `anywhere`: whatever the environment. `tagged`: only what is tagged as non-production. `created`: only new resources,
 * tagged so as they are made. `unclear`: allowed under conditions that these words have no name for.
 */
export type Where = "anywhere" | "tagged" | "created" | "unclear";

export interface Allowed {
  readonly action: ActionFacts;
  readonly effect: Effect;
  readonly resources: readonly string[];
  readonly requires: readonly Requirement[];
  readonly where: Where;
}

export function effectOf(action: ActionFacts): Effect {
  if (isDestructive(action)) return "destroys";
  if (action.accessLevels.every((level) => level === "List" || level === "Read")) return "reads";
  const classes = sortAction(action).map((pair) => pair.class);
  return classes.includes("created") && !classes.includes("changed") ? "creates" : "changes";
}

/** Whether anything in it destroys: the cheap half of `allowedBy`, which may say yes where every request is denied. */
export function mayDestroy(documents: readonly PolicyDocument[], table: ActionTable): boolean {
  return namedActions(documents, table).some(isDestructive);
}

/** `documents`: every one that limits the session; a Deny that is not among them can only make it smaller. */
export function allowedBy(documents: readonly PolicyDocument[], ground: Ground): readonly Allowed[] {
  const judge = judgeOf(documents, ground);
  return namedActions(documents, ground.table).flatMap((action) => {
    const requires = requirementsOf(documents, action);
    const byWhere = new Map<Where, string[]>();
    for (const resource of resourcesOf(documents, action)) {
      const where = judge(action, resource, requires);
      if (where !== null) byWhere.set(where, [...(byWhere.get(where) ?? []), resource]);
    }
    return [...byWhere].map(([where, resources]) => ({
      action,
      effect: effectOf(action),
      resources,
      requires,
      where,
    }));
  });
}

const list = (value: OneOrMany | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === "string" ? [value] : value;

const statementsOf = (
  documents: readonly PolicyDocument[],
  effect: Statement["Effect"],
): readonly Statement[] =>
  documents.flatMap(({ Statement }) => Statement.filter(({ Effect }) => Effect === effect));

const names = (patterns: readonly string[], action: string): boolean =>
  patterns.some((pattern) => globMatch(pattern, action, { ignoreCase: true }));

function speaksOf({ Action, NotAction }: Statement, action: string): boolean {
  return NotAction === undefined ? names(list(Action), action) : !names(list(NotAction), action);
}

/** Every published action an Allow speaks of, and no ceiling takes away. */
function namedActions(documents: readonly PolicyDocument[], table: ActionTable): readonly ActionFacts[] {
  const ceilings = statementsOf(documents, "Deny").filter(
    ({ Resource, Condition }) => Condition === undefined && list(Resource).includes("*"),
  );
  const named = statementsOf(documents, "Allow").flatMap(({ Action, NotAction }) =>
    NotAction === undefined
      ? list(Action).flatMap((pattern) => actionsMatching(pattern, table))
      : actionsMatching("*", table).filter(({ name }) => !names(list(NotAction), name)),
  );
  const once = new Map(named.map((action) => [action.name, action]));
  return [...once.values()]
    .filter(({ name }) => !ceilings.some((ceiling) => speaksOf(ceiling, name)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function actionsMatching(pattern: string, table: ActionTable): readonly ActionFacts[] {
  if (!/[*?]/.test(pattern)) return [table.action(pattern) ?? unheardOf(pattern)];
  const service = pattern === "*" ? "*" : pattern.slice(0, pattern.indexOf(":")).toLowerCase();
  const services = /[*?]/.test(service) ? table.services.filter((one) => globMatch(service, one)) : [service];
  const actions = services.flatMap((one) => table.actions(one));
  return pattern === "*" ? actions : actions.filter(({ name }) => names([pattern], name));
}

/** AWS had it when the policy was made. Of what is not known, no effect can be ruled out but a read. */
const unheardOf = (name: string): ActionFacts => ({
  name,
  accessLevels: ["Write"],
  resources: [],
  conditionKeys: [],
  dependentActions: [],
});

/** What the Allows name, less what an unconditional Deny leaves over; only what a type of the action can be. */
function resourcesOf(
  documents: readonly PolicyDocument[],
  { name, resources }: ActionFacts,
): readonly string[] {
  const allowed = statementsOf(documents, "Allow")
    .filter((allow) => speaksOf(allow, name))
    .flatMap(({ Resource, NotResource }) => (NotResource === undefined ? list(Resource) : ["*"]));
  const confines = statementsOf(documents, "Deny").filter(
    (deny) => deny.Condition === undefined && deny.NotResource !== undefined && speaksOf(deny, name),
  );
  const left = confines.reduce<readonly string[]>(
    (sofar, { NotResource }) => intersection(sofar, list(NotResource)),
    allowed,
  );
  const fits = (arn: string): boolean =>
    resources.length === 0 || arn === "*" || resources.some((type) => arnPatternsMayOverlap(type.arn, arn));
  const fitting = [...new Set(left)].filter(fits);
  return fitting.includes("*") ? ["*"] : fitting;
}

/** Of two patterns, one of which covers the other, the narrower. */
function intersection(left: readonly string[], right: readonly string[]): readonly string[] {
  return [
    ...left.filter((a) => right.some((b) => globCovers(b, a))),
    ...right.filter((b) => left.some((a) => globCovers(a, b))),
  ];
}

const POSITIVE: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(COMPLEMENT).map(([operator, complement]) => [complement, operator]),
);

/** Conditions of one test each: on an Allow, or the complement on a Deny. The environment's tag is the judge's. */
function requirementsOf(documents: readonly PolicyDocument[], { name }: ActionFacts): readonly Requirement[] {
  const found = new Map<string, Requirement>();
  for (const statement of documents.flatMap(({ Statement }) => Statement)) {
    if (statement.Condition === undefined || !speaksOf(statement, name)) continue;
    const tests = Object.entries(statement.Condition).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, values]) => ({ operator, key, values: list(values) })),
    );
    const denies = statement.Effect === "Deny";
    for (const { operator, key, values } of tests) {
      const states = denies ? tests.length === 1 && operator in POSITIVE : operator in COMPLEMENT;
      if (!states || isTag(key)) continue;
      found.set(JSON.stringify([key.toLowerCase(), values]), { key, values });
    }
  }
  return [...found.values()];
}

const isTag = (key: string): boolean => /^aws:(?:Resource|Request)Tag\//i.test(key);

type Judge = (action: ActionFacts, resource: string, requires: readonly Requirement[]) => Where | null;
type Context = Readonly<Record<string, ContextValue>>;

/** Asks the evaluator in each environment. Null: denied there and under every other condition. */
function judgeOf(documents: readonly PolicyDocument[], { account, guardrails }: Ground): Judge {
  const role = account.roles.operator;
  const partition = role.split(":")[1] ?? "aws";
  const place = { partition, region: account.region, account: account.id };
  const session = documents.map(parsed);
  const unconditional = documents.map((document) => parsed(withoutConditions(document)));
  const layers = (policies: readonly ParsedPolicy[]): PolicyLayers => ({
    identity: [parsed(EVERYTHING)],
    session: policies,
    boundary: null,
    scp: null,
    resource: null,
  });
  const asks = (policies: readonly ParsedPolicy[]) => {
    const all = layers(policies);
    return (action: ActionFacts, arn: string, context: Context): boolean =>
      evaluate(
        {
          principal: {
            arn: `arn:${partition}:sts::${account.id}:assumed-role/session/described`,
            account: account.id,
          },
          action: action.name,
          resource: arn,
          resourceAccount: account.id,
          context,
        },
        all,
      ).decision === "allowed";
  };
  const [allows, mightAllow] = [asks(session), asks(unconditional)];
  const environments = environmentsOf(account, guardrails);
  return (action, resource, requires) => {
    const arns = samplesOf(action, resource).map((pattern) => concreteArn(pattern, place, "x1"));
    // As it stands for an operator that knows no patterns, filled in for one that does.
    const required = [(value: string) => value, (value: string) => concreteArn(value, place, "x1")].map(
      (fill) => Object.fromEntries(requires.map(({ key, values }) => [key, fill(values[0] ?? "")])),
    );
    const possible = arns.filter((arn) => mightAllow(action, arn, {}));
    if (possible.length === 0) return null;
    const found = environments.find(({ context }) =>
      possible.some((arn) => required.some((values) => allows(action, arn, { ...context, ...values }))),
    );
    return found?.where ?? "unclear";
  };
}

/** `*` stands for a resource of each type the action acts on; what it only refers to says nothing about the rest. */
function samplesOf(action: ActionFacts, resource: string): readonly string[] {
  if (resource !== "*" || action.resources.length === 0) return [resource];
  const acted = sortAction(action).filter((pair) => pair.class !== "used");
  const arns = (acted.length > 0 ? acted : sortAction(action)).map((pair) => pair.resource?.arn);
  return arns[0] === undefined
    ? action.resources.map(({ arn }) => arn)
    : arns.filter((arn) => arn !== undefined);
}

/** Production first: what is allowed there needs no words about tags. */
function environmentsOf(
  { serviceRoles }: Account,
  { environmentTag, nonProduction }: Ground["guardrails"],
): readonly { readonly where: Where; readonly context: Context }[] {
  const roleOf = (environment: string): Context => {
    const arn = serviceRoles[environment];
    return arn === undefined ? {} : { "cloudformation:RoleArn": arn };
  };
  const tag = (kind: string, value: string): Context => ({ [`aws:${kind}Tag/${environmentTag}`]: value });
  return [
    { where: "anywhere", context: { ...tag("Resource", "production"), ...roleOf("production") } },
    ...nonProduction.flatMap((value) => [
      { where: "tagged" as const, context: { ...tag("Resource", value), ...roleOf(value) } },
      {
        where: "created" as const,
        context: { ...tag("Request", value), ...roleOf(value), "aws:TagKeys": [environmentTag] },
      },
    ]),
  ];
}

/** Conditional Denies left out, Allows without their conditions: what no condition can make possible is not. */
function withoutConditions({ Version, Statement }: PolicyDocument): PolicyDocument {
  const kept = Statement.filter(({ Effect, Condition }) => Effect === "Allow" || Condition === undefined);
  const bare = (statement: Statement): Statement =>
    Object.fromEntries(
      Object.entries(statement).filter(([element]) => element !== "Condition"),
    ) as unknown as Statement;
  return { Version, Statement: kept.map(bare) };
}

function parsed(document: PolicyDocument): ParsedPolicy {
  const result = parsePolicy(document);
  if (!result.ok) throw new Error(`a compiled policy does not parse: ${result.error.join("; ")}`);
  return result.value;
}
