/**
 * Every question of the proof. For an action the session may reach: the whole product of its resources, their tag,
 * accounts, resource policies, the request's tags and the condition keys that matter. For every other action: each
 * resource type in each state of its tag, the rest in turn. Must not know the answers.
 */
import { fillStatement, type Values } from "../fill.ts";
import { globMatch } from "../iam/match.ts";
import type { ActionFacts, ActionResource } from "../knowledge.ts";
import { isSafeRead } from "../safe-reads.ts";
import { roleArnOf } from "../role-arn.ts";
import type { Account, Guardrails, Template } from "../set.ts";
import { sessionArn, type Context, type Question } from "./question.ts";
import { resourcesFor, type Asked, type Place } from "./resources.ts";
import { conditionKeys, requestTags, resourceTags } from "./states.ts";

/** All that questions are made from, worked out once for each session. */
export interface Surroundings {
  readonly template: Template;
  readonly account: Account;
  readonly place: Place;
  readonly principal: Question["request"]["principal"];
  readonly nonProduction: readonly string[];
  readonly nonProductionArns: readonly string[];
  readonly resourceTags: readonly Context[];
  readonly requestTags: readonly Context[];
  /** Each state of the resource's tag with each way of bringing tags. */
  readonly bothTags: readonly (readonly Context[])[];
  readonly values: Values;
}

export function surroundings(
  template: Template,
  guardrails: Guardrails,
  { account, values }: { readonly account: Account; readonly values: Values },
): Surroundings {
  const role = roleArnOf(account, template.role);
  const [ofResource, ofRequest] = [resourceTags(guardrails), requestTags(guardrails)];
  return {
    template,
    account,
    place: { partition: role.split(":")[1] ?? "aws", region: account.region, account: account.id },
    principal: { arn: sessionArn(account, role), account: account.id },
    nonProduction: guardrails.nonProduction,
    nonProductionArns: guardrails.nonProductionArns,
    resourceTags: ofResource,
    requestTags: ofRequest,
    bothTags: ofResource.map((resource) => ofRequest.map((request) => ({ ...resource, ...request }))),
    values,
  };
}

/**
 * The whole product for one action, or every `step`-th question of it. For a safe read, the request's tags are left
 * out: no fence looks at them.
 */
export function* productOf(facts: ActionFacts, around: Surroundings, step = 1): Generator<Question> {
  const stated = around.template.allow.filter(({ action }) =>
    action.some((pattern) => globMatch(pattern, facts.name, { ignoreCase: true })),
  );
  const filled = stated.flatMap((statement) => fillStatement(statement, around.values) ?? []);
  const named = [...filled.flatMap(({ resource }) => resource), ...around.nonProductionArns];
  const keys = conditionKeys(
    facts,
    filled.map(({ condition }) => condition),
    around,
  );
  const tags = isSafeRead(facts) ? [{}] : around.requestTags;
  const contexts = around.resourceTags.flatMap((resource) =>
    tags.flatMap((request) => keys.map((key) => merged(resource, request, key))),
  );
  let skipped = 0;
  for (const type of typesOf(facts)) {
    const resources = resourcesFor(type, named, around.place);
    const total = resources.length * contexts.length * 2;
    let at = skipped;
    for (; at < total; at += step) {
      const [resource, context] = [
        resources[Math.floor(at / 2 / contexts.length)],
        contexts[(at >> 1) % contexts.length],
      ];
      if (resource === undefined || context === undefined) throw new Error("counted past the product's end");
      yield question({ facts, type, named: at % 2 === 1 }, resource, context, around);
    }
    skipped = at - total;
  }
}

/** Condition keys ignore case: of two spellings the later stands. */
function merged(...contexts: readonly Context[]): Context {
  const byName = contexts
    .flatMap((context) => Object.entries(context))
    .map(([key, value]) => [key.toLowerCase(), [key, value]] as const);
  return Object.fromEntries(new Map(byName).values());
}

/** One action the session has no business with: each type in each state, accounts and the rest in turn. */
export function* sampleOf(facts: ActionFacts, around: Surroundings): Generator<Question> {
  let turn = facts.name.length;
  for (const type of typesOf(facts)) {
    const resources = resourcesFor(type, [], around.place);
    for (const contexts of around.bothTags) {
      turn++;
      const resource = resources[turn % resources.length];
      const context = contexts[turn % contexts.length];
      if (resource === undefined || context === undefined) continue;
      // With a resource policy that names the session, nothing but an explicit deny says no.
      yield question({ facts, type, named: turn % 4 !== 0 }, resource, context, around);
    }
  }
}

/** Actions nobody has published yet, one of every service: the ceiling must deny them as well. */
export const publishedTomorrow = (service: string): ActionFacts => ({
  name: `${service}:PublishedTomorrow`,
  accessLevels: ["Write"],
  resources: [],
  conditionKeys: [],
  dependentActions: [],
});

const typesOf = ({ resources }: ActionFacts): readonly (ActionResource | null)[] =>
  resources.length > 0 ? resources : [null];

function question(
  about: Omit<Question, "request">,
  { arn, account }: Asked,
  context: Context,
  { principal }: Surroundings,
): Question {
  const { name } = about.facts;
  return { ...about, request: { principal, action: name, resource: arn, resourceAccount: account, context } };
}
