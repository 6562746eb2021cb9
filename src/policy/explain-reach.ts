/**
 * What a template's actions come to, one row an action: how bad, where, on which resources, under which
 * conditions. explain.ts puts the rows into words and diff.ts compares them. Decides nothing: it reads off what
 * prepare.ts worked out and compile.ts will fence.
 */
import { isDestructive } from "./destroyers.ts";
import { fillStatement, type Values } from "./fill.ts";
import { globMatch } from "./iam/match.ts";
import type { ActionTable } from "./knowledge.ts";
import type { PreparedAction, PreparedStatement, PreparedTemplate } from "./prepare.ts";
import type { Pair } from "./sort.ts";

/** The worst first. `read` is by access level: reads of data are fenced as changes are, and still read. */
export const POWERS = ["destroy", "change", "read"] as const;
export type Power = (typeof POWERS)[number];

/**
 * `anywhere`: production included. `non-production`: fenced by the resource's tag. `created`: fenced by the
 * request's tag. `non-production ARNs`: inside guardrails' patterns. `approved`: exactly what two people approved.
 * `prepared`: the named exception that prepares a change set. `while creating`: tags given at creation. `exact`:
 * referred to by exact ARN.
 */
export type Where =
  | "anywhere"
  | "non-production"
  | "created"
  | "non-production ARNs"
  | "approved"
  | "prepared"
  | "while creating"
  | "exact";

export interface Reach {
  /** As the template names it: an action, or a pattern of safe reads. */
  readonly pattern: string;
  /** The published actions it stands for, canonical spelling. */
  readonly actions: readonly string[];
  readonly power: Power;
  readonly where: readonly Where[];
  /** Filled in; `*` for every resource. */
  readonly resources: readonly string[];
  readonly conditions: readonly ReachCondition[];
}

export interface ReachCondition {
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[];
}

/** Every action of every statement that applies with these values; an action in two statements has two rows. */
export function reachOf(prepared: PreparedTemplate, values: Values, table: ActionTable): readonly Reach[] {
  return prepared.statements.flatMap(({ statement, actions }: PreparedStatement) => {
    const filled = fillStatement(statement, values);
    if (filled === null) return [];
    const conditions = Object.entries(filled.condition).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, wanted]) => ({
        operator,
        key,
        values: typeof wanted === "string" ? [wanted] : wanted,
      })),
    );
    return actions.map((action) => ({
      pattern: action.pattern,
      actions: expand(action, table),
      power: powerOf(action),
      where: whereOf(prepared, action, filled.resource),
      resources: filled.resource,
      conditions,
    }));
  });
}

function expand({ pattern, facts }: PreparedAction, table: ActionTable): readonly string[] {
  if (facts !== null) return [facts.name];
  const service = pattern.slice(0, pattern.indexOf(":")).toLowerCase();
  const names = table.actions(service).map(({ name }) => name);
  return names.filter((name) => globMatch(pattern, name, { ignoreCase: true }));
}

function powerOf({ facts }: PreparedAction): Power {
  // prepare.ts lets a pattern reach safe reads only.
  if (facts === null) return "read";
  if (isDestructive(facts)) return "destroy";
  return facts.accessLevels.every((level) => level === "List" || level === "Read") ? "read" : "change";
}

function whereOf(
  prepared: PreparedTemplate,
  action: PreparedAction,
  resources: readonly string[],
): readonly Where[] {
  // What an action only refers to matters where it does nothing else.
  const acted = action.pairs.filter((pair) => pair.class !== "used");
  const pairs = acted.length > 0 ? acted : action.pairs;
  return [...new Set(pairs.flatMap((pair) => whereOfPair(prepared, action, { pair, resources })))].sort();
}

function whereOfPair(
  { template }: PreparedTemplate,
  action: PreparedAction,
  { pair, resources }: { readonly pair: Pair; readonly resources: readonly string[] },
): readonly Where[] {
  if (pair.class === "read") return ["anywhere"];
  if (pair.class === "used") return resources.some((arn) => /[*?]/.test(arn)) ? ["anywhere"] : ["exact"];
  if (template.kind === "escalation") return ["approved"];
  if (
    action.pattern === "cloudformation:CreateChangeSet" &&
    template.exceptions.includes("prepare-change-set")
  )
    return ["prepared"];
  const created = pair.class === "created";
  const fence = action.fences.find(({ key }) => key === (created ? "aws:RequestTag" : "aws:ResourceTag"));
  // prepare.ts refuses a pair without tags elsewhere than on these ARNs.
  if (!pair.tagged && !created) return ["non-production ARNs"];
  if (fence === undefined) return ["while creating"];
  return [
    created ? "created" : "non-production",
    ...(fence.unless === null ? [] : ["while creating" as const]),
  ];
}
