/**
 * A template in plain words: by service, destruction first, what its session may destroy, change and read, where,
 * for how long, and what it may never do. Data and sentences, for the command line and for pages. Pure; says what
 * the compiler does and decides nothing itself.
 */
import { limitOf } from "./compile.ts";
import type { CompiledSession } from "./compiled.ts";
import { LONGEST_SESSION_SECONDS } from "./decide.ts";
import { isDestructive } from "./destroyers.ts";
import { POWERS, reachOf, type Power, type Reach, type ReachCondition, type Where } from "./explain-reach.ts";
import { accountValues } from "./fill.ts";
import type { ActionTable } from "./knowledge.ts";
import type { PreparedTemplate } from "./prepare.ts";
import { roleArnOf } from "./role-arn.ts";
import type { Account, Guardrails, Template } from "./set.ts";
import { ACTS_WITH_SERVICE_ROLE } from "./sort.ts";

export interface Explanation {
  readonly template: string;
  readonly title: string;
  readonly description: string;
  readonly kind: Template["kind"];
  readonly intent: Template["intent"];
  /** The account explained for, and the role its sessions are made from. */
  readonly account: Pick<Account, "id" | "name">;
  readonly role: string;
  /** Seconds. */
  readonly duration: { readonly default: number; readonly max: number };
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  /** The most dangerous service first. */
  readonly services: readonly ServiceExplanation[];
  /** Every line of `services` as a sentence, destruction first. */
  readonly may: readonly string[];
  readonly never: readonly string[];
  readonly policy: {
    readonly text: string;
    /** Characters, and how many STS takes. */
    readonly size: number;
    readonly limit: number;
    /** Managed policies passed beside it, where all of it does not fit: they limit the session as well. */
    readonly published: readonly { readonly arn: string; readonly text: string }[];
  };
}

export interface ServiceExplanation {
  readonly service: string;
  readonly may: readonly MayLine[];
  /** The service's destructive actions that the session does not have, without the service's name. */
  readonly never: readonly string[];
}

export interface MayLine {
  readonly power: Power;
  /** As the template names them, without the service's name. */
  readonly actions: readonly string[];
  /** How many published actions they stand for. */
  readonly count: number;
  readonly where: readonly Where[];
  readonly resources: readonly string[];
  readonly conditions: readonly ReachCondition[];
  /** Where and under which conditions, in words. */
  readonly sentence: string;
}

export interface ExplainInput {
  readonly account: Account;
  /** Values as the mint would take them; for a look at the template itself, its placeholders. */
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly compiled: CompiledSession;
}

export function explain(prepared: PreparedTemplate, input: ExplainInput, table: ActionTable): Explanation {
  const { template, guardrails } = prepared;
  const { account, parameters, compiled } = input;
  const values = new Map([
    ...Object.entries(parameters),
    ...accountValues(account, guardrails.nonProduction),
  ]);
  const reach = reachOf(prepared, values, table);
  const services = servicesOf(reach, guardrails, table);
  const longest = (seconds: number): number => Math.min(seconds, LONGEST_SESSION_SECONDS);
  return {
    template: template.name,
    title: template.title,
    description: template.description,
    kind: template.kind,
    intent: template.intent,
    account: { id: account.id, name: account.name },
    role: roleArnOf(account, template.role),
    duration: {
      default: longest(template.duration.defaultSeconds),
      max: longest(template.duration.maxSeconds),
    },
    parameters,
    services,
    may: POWERS.flatMap((power) => services.flatMap((service) => sentencesOf(service, power))),
    never: neverSentences(prepared, reach),
    policy: {
      text: compiled.policy,
      size: compiled.policy.length,
      limit: limitOf(prepared),
      published: compiled.policyArns.map((arn, index) => ({
        arn,
        text: JSON.stringify(compiled.published[index]),
      })),
    },
  };
}

/** Each parameter standing for itself, as `<table>`: for explaining a template without values. */
export function placeholderParameters(template: Pick<Template, "parameters">): Record<string, string[]> {
  return Object.fromEntries(Object.keys(template.parameters).map((name) => [name, [`<${name}>`]]));
}

const serviceOf = (action: string): string => action.slice(0, action.indexOf(":"));
const nameOf = (action: string): string => action.slice(action.indexOf(":") + 1);
const rank = (power: Power): number => POWERS.indexOf(power);

function servicesOf(
  reach: readonly Reach[],
  guardrails: Guardrails,
  table: ActionTable,
): readonly ServiceExplanation[] {
  const services = [...new Set(reach.map(({ pattern }) => serviceOf(pattern)))].sort();
  const explained = services.map((service) => {
    const own = reach.filter(({ pattern }) => serviceOf(pattern) === service);
    const reached = new Set(own.flatMap(({ actions }) => actions));
    return {
      service,
      may: linesOf(own, guardrails),
      never: table
        .actions(service)
        .filter((facts) => isDestructive(facts) && !reached.has(facts.name))
        .map(({ name }) => nameOf(name))
        .sort(),
    };
  });
  const worst = ({ may }: ServiceExplanation): number => Math.min(...may.map(({ power }) => rank(power)));
  return explained.sort((a, b) => worst(a) - worst(b));
}

/** Actions that may do the same in the same places stand on one line. */
function linesOf(reach: readonly Reach[], guardrails: Guardrails): readonly MayLine[] {
  const groups = new Map<string, Reach[]>();
  for (const row of reach) {
    const key = JSON.stringify([row.power, row.where, row.resources, row.conditions]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const lines = [...groups.values()].flatMap((rows) => {
    const [first] = rows;
    if (first === undefined) return [];
    const { power, where, resources, conditions } = first;
    return {
      power,
      actions: [...new Set(rows.map(({ pattern }) => nameOf(pattern)))].sort(),
      count: new Set(rows.flatMap(({ actions }) => actions)).size,
      where,
      resources,
      conditions,
      sentence: placeSentence(first, guardrails),
    };
  });
  return lines.sort((a, b) => rank(a.power) - rank(b.power));
}

function sentencesOf({ service, may }: ServiceExplanation, power: Power): readonly string[] {
  return may
    .filter((line) => line.power === power)
    .map(({ actions, sentence }) => `May ${power} with ${service}: ${listed(actions, "and")}, ${sentence}.`);
}

/** `where` in words, with the resources and the conditions. No full stop: it also ends sentences. */
export function placeSentence(
  { where, resources, conditions }: Pick<Reach, "where" | "resources" | "conditions">,
  guardrails: Guardrails,
): string {
  const places = where.map((one) => placeOf(one, resources, guardrails)).join("; ");
  const only = conditions.map(conditionWords);
  return only.length === 0 ? places : `${places}, and only with ${only.join(" and ")}`;
}

function placeOf(where: Where, resources: readonly string[], guardrails: Guardrails): string {
  const tagged = `tagged ${guardrails.environmentTag} = ${listed(guardrails.nonProduction, "or")}`;
  const every = resources.includes("*");
  const on = listed(resources, "and");
  switch (where) {
    case "anywhere":
      return every ? "anywhere, production included" : `only on ${on}, whatever the tags`;
    case "non-production":
      return every ? `only what is ${tagged}` : `only on ${on}, and only if ${tagged}`;
    case "created":
      return `only new ones, ${tagged} as they are made${every ? "" : `, as ${on}`}`;
    case "non-production ARNs":
      return `only on ${on}, which the guardrails list as non-production`;
    case "approved":
      return `only on ${on}, as approved`;
    case "prepared":
      return `on ${every ? "any stack" : on}, production included, which changes nothing until somebody executes it`;
    case "while creating":
      return "only while the resource is being created";
    case "exact":
      return `only ${on}`;
  }
}

const OPERATOR_WORDS: Readonly<Record<string, string>> = {
  StringEquals: "=",
  StringEqualsIgnoreCase: "=",
  StringLike: "like",
  ArnEquals: "=",
  ArnLike: "like",
};

function conditionWords({ operator, key, values }: ReachCondition): string {
  return `${key} ${OPERATOR_WORDS[operator] ?? operator} ${listed(values, "or")}`;
}

/** What holds for the template as a whole. The ceiling first: it is the strongest. */
function neverSentences(
  { template, guardrails }: PreparedTemplate,
  reach: readonly Reach[],
): readonly string[] {
  const { environmentTag: tag, nonProduction, floor } = guardrails;
  const values = listed(nonProduction, "or");
  const safe = reach.every(({ power, where }) => power === "read" && where.every((w) => w === "anywhere"));
  const sentences = ["Any action not named above, whatever a resource policy grants: all others are denied."];
  if (safe) sentences.push("Change anything, in any environment.");
  else if (template.kind === "escalation") sentences.push("Change any resource but exactly those approved.");
  else {
    const listedToo = reach.some(({ where }) => where.includes("non-production ARNs"));
    sentences.push(
      `Change what is not ${listedToo ? "listed above or " : ""}tagged ${tag} = ${values}: ` +
        "any other value, and no tag at all, counts as production.",
    );
  }
  if (reach.some(({ pattern }) => ACTS_WITH_SERVICE_ROLE.includes(pattern))) {
    sentences.push("Let CloudFormation work as any role but the one pinned for the stack's environment.");
  }
  if (template.exceptions.includes("tag-new-resources"))
    sentences.push(`Tag anything without a tag ${tag}, unless the request says ${tag} = ${values}.`);
  sentences.push(
    template.exceptions.includes("prepare-change-set")
      ? `Put the tag ${tag} on anything, change it or take it off.`
      : `Take the tag ${tag} off, or set it to anything but ${values}.`,
    `What is on the guardrails' floor (${floor.length} entries, ${floor.slice(0, 3).join(", ")} …), whoever approves.`,
  );
  return sentences;
}

/** "a, b or c". */
function listed(texts: readonly string[], joint: "and" | "or"): string {
  if (texts.length < 2) return texts.join("");
  return `${texts.slice(0, -1).join(", ")} ${joint} ${texts.at(-1) ?? ""}`;
}
