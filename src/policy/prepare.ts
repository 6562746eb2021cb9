/**
 * Works out, once per policy set, everything about a template that does not depend on its parameters: what each
 * action reaches, how each pair is fenced, and every reason to refuse the template. compile.ts then only fills in
 * values. A template that is refused here is never served.
 */
import type { PolicyFault } from "./set.ts";
import type { Guardrails, Template, TemplateStatement } from "./set.ts";
import type { ActionFacts, ActionTable } from "./knowledge.ts";
import { err, ok, type Result } from "../result.ts";
import type { CompiledSession } from "./compiled.ts";
import type { FoldMemo } from "./fit.ts";
import { globMatch, globsMayOverlap } from "./iam/match.ts";
import { isSafeRead } from "./safe-reads.ts";
import { sortAction, type Pair } from "./sort.ts";
import { templateFaults } from "./template-rules.ts";

/** The condition key whose value must be known not to be production. */
export type FenceKey = "aws:ResourceTag" | "aws:RequestTag";

/** Deny unless the key says non-production, on everything but the `exempt` ARN patterns. */
export interface Fence {
  readonly key: FenceKey;
  readonly exempt: readonly string[];
  /** Tagging within these calls is not fenced: they create what they tag. Null: always fenced. */
  readonly unless: { readonly key: string; readonly values: readonly string[] } | null;
}

/** One action pattern of a template, in canonical spelling where it names one action. */
export interface PreparedAction {
  readonly pattern: string;
  /** The action itself; null for a pattern, which reaches safe reads only. */
  readonly facts: ActionFacts | null;
  readonly pairs: readonly Pair[];
  readonly fences: readonly Fence[];
}

export interface PreparedStatement {
  readonly statement: TemplateStatement;
  readonly actions: readonly PreparedAction[];
}

export interface PreparedTemplate {
  readonly template: Template;
  readonly guardrails: Guardrails;
  readonly statements: readonly PreparedStatement[];
  /** Condition keys that hold several values at once, lower case, of the services the template names. */
  readonly listKeys: ReadonlySet<string>;
  /** Memory of fit.ts; holds nothing but what follows from the template. */
  readonly folds: FoldMemo;
  /** Memory of decide.ts: what came out for an account and parameters, by their JSON. */
  readonly compiled: Map<string, CompiledSession>;
}

/** What is wrong with a template, and how to put it right. */
export type TemplateFault = Pick<PolicyFault, "message" | "fix"> & {
  /** Where it stands: indexes into `allow`, and into that statement's actions or resources. */
  readonly at: { readonly statement: number; readonly action: number | null };
};

export function prepareTemplate(
  template: Template,
  guardrails: Guardrails,
  table: ActionTable,
): Result<PreparedTemplate, readonly TemplateFault[]> {
  const faults: TemplateFault[] = [];
  const statements = template.allow.map((statement, index) => ({
    statement,
    actions: statement.action.map((pattern, action) => {
      const prepared = prepareAction(pattern, statement, table);
      if (typeof prepared !== "string") return prepared;
      faults.push({ message: prepared, fix: null, at: { statement: index, action } });
      return null;
    }),
  }));
  if (faults.length > 0) return err(faults);
  const prepared: PreparedTemplate = {
    template,
    guardrails,
    listKeys: new Set(
      template.allow
        .flatMap(({ action }) => action)
        .flatMap((pattern) => table.listKeys(pattern.slice(0, Math.max(0, pattern.indexOf(":"))))),
    ),
    folds: new Map(),
    compiled: new Map(),
    statements: statements.map(({ statement, actions }) => ({
      statement,
      actions: actions.filter((a) => a !== null),
    })),
  };
  const broken = templateFaults(prepared);
  return broken.length > 0 ? err(broken) : ok(prepared);
}

/** The prepared action, or why the pattern cannot be one. */
function prepareAction(
  pattern: string,
  statement: TemplateStatement,
  table: ActionTable,
): PreparedAction | string {
  if (/[*?]/.test(pattern)) return prepareWildcard(pattern, table);
  const facts = table.action(pattern);
  if (facts === undefined) return `unknown action ${pattern}`;
  const pairs = sortAction(facts);
  const fences = fencesOf(facts, pairs, statement);
  return typeof fences === "string" ? fences : { pattern: facts.name, facts, pairs, fences };
}

/** A wildcard may stand for safe reads only: whatever changes something is named one by one. */
function prepareWildcard(pattern: string, table: ActionTable): PreparedAction | string {
  const service = pattern.slice(0, Math.max(0, pattern.indexOf(":"))).toLowerCase();
  const reached = table
    .actions(service)
    .filter((facts) => globMatch(pattern, facts.name, { ignoreCase: true }));
  if (reached.length === 0) return `${pattern} matches no published action`;
  const unsafe = reached.filter((facts) => !isSafeRead(facts)).map((facts) => facts.name);
  if (unsafe.length > 0) {
    const shown = unsafe.slice(0, 3).join(", ") + (unsafe.length > 3 ? ` and ${unsafe.length - 3} more` : "");
    return `${pattern} reaches more than safe reads (${shown}): name the actions one by one`;
  }
  return { pattern, facts: null, pairs: [{ resource: null, class: "read", tagged: false }], fences: [] };
}

function fencesOf(
  facts: ActionFacts,
  pairs: readonly Pair[],
  statement: TemplateStatement,
): readonly Fence[] | string {
  const creating = taggingAtCreation(facts, statement);
  if (creating === "only") return [];
  const fences: Fence[] = [];
  for (const [cls, key] of [
    ["changed", "aws:ResourceTag"],
    ["created", "aws:RequestTag"],
  ] as const) {
    const inside = pairs.filter((pair) => pair.class === cls && (cls === "created" || pair.tagged));
    if (inside.length === 0) continue;
    const outside = pairs.filter((pair) => pair.class !== cls).map((pair) => pair.resource?.arn ?? "*");
    // What is exempt is named, so that a resource of a type nobody listed stays inside the fence.
    const clash = outside.find((arn) =>
      inside.some((pair) => arnPatternsMayOverlap(arn, pair.resource?.arn ?? "*")),
    );
    if (clash !== undefined) {
      return `${facts.name} touches resources of several kinds that share the ARN pattern ${clash}: no fence can tell them apart`;
    }
    fences.push({ key, exempt: outside, unless: creating });
  }
  return fences;
}

/**
 * Tag actions escape the fence only at creation, where AWS says so in `<service>:CreateAction`. `only`: the
 * statement allows nothing but creations, and its condition is also compiled into a Deny. Otherwise the calls
 * that create, or null where there is nothing to escape by.
 */
function taggingAtCreation(facts: ActionFacts, statement: TemplateStatement): "only" | Fence["unless"] {
  const [service = "", name = ""] = facts.name.split(":");
  const key = `${service}:CreateAction`;
  if (!facts.accessLevels.includes("Tagging") || name.startsWith("Untag")) return null;
  if (!facts.conditionKeys.includes(key.toLowerCase())) return null;
  const calls = Object.entries(statement.condition["StringEquals"] ?? {})
    .filter(([name]) => name.toLowerCase() === key.toLowerCase())
    .flatMap(([, values]) => values);
  const values = calls.filter((call) => /^(?:Create|Run)[A-Za-z]+$/.test(call));
  if (values.length === 0) return null;
  return values.length === calls.length ? "only" : { key, values };
}

/** Published ARN patterns, part by part: the variable parts of a real ARN's first five hold no colon. */
export function arnPatternsMayOverlap(a: string, b: string): boolean {
  const [left, right] = [arnParts(a), arnParts(b)];
  if (left === null || right === null) return true;
  return left.every((part, index) => globsMayOverlap(part, right[index] ?? "*"));
}

function arnParts(arn: string): readonly string[] | null {
  const parts = arn.split(":");
  return parts.length < 6 ? null : [...parts.slice(0, 5), parts.slice(5).join(":")];
}
