/** What changes in the guardrails mean: there, one more word can protect more or open more. */
import type { Change } from "./diff.ts";
import { globMatch } from "./iam/match.ts";
import type { FreezeRule, Guardrails } from "./set.ts";

export function guardrailChanges(before: Guardrails, after: Guardrails): readonly Change[] {
  const changes: Change[] = [];
  const add = (direction: Change["direction"], what: string): void => {
    changes.push({ direction, area: "guardrails", subject: "guardrails", what, reach: null });
  };
  if (before.environmentTag !== after.environmentTag) {
    add(
      "gained",
      `the environment is read from the tag ${after.environmentTag}, not ${before.environmentTag}`,
    );
  }
  const value = (text: string): string => `${text} counts as non-production`;
  const fold = (texts: readonly string[]): readonly string[] => texts.map((text) => text.toLowerCase());
  for (const text of missing(fold(after.nonProduction), fold(before.nonProduction)))
    add("gained", value(text));
  for (const text of missing(fold(before.nonProduction), fold(after.nonProduction))) add("lost", value(text));
  for (const arn of missing(after.nonProductionArns, before.nonProductionArns)) add("gained", value(arn));
  for (const arn of missing(before.nonProductionArns, after.nonProductionArns)) add("lost", value(arn));
  for (const pattern of uncovered(before.floor, after.floor)) add("gained", `${pattern} is off the floor`);
  for (const pattern of uncovered(after.floor, before.floor)) add("lost", `${pattern} is on the floor`);
  for (const name of RULES) {
    const [old, next] = [before.freezeRules[name], after.freezeRules[name]];
    if (isLooser(old, next)) add("gained", `an agent is frozen later: ${ruleWords(name, next)}`);
    if (isLooser(next, old)) add("lost", `an agent is frozen sooner: ${ruleWords(name, next)}`);
  }
  return changes;
}

const RULES = ["refusals", "sessions", "repeats"] as const;

/** Whether `next` lets through what `old` stops. Two rules may each let through what the other stops. */
function isLooser(old: FreezeRule | null, next: FreezeRule | null): boolean {
  if (old === null) return false;
  return next === null || next.count > old.count || next.seconds < old.seconds;
}

const ruleWords = (name: (typeof RULES)[number], rule: FreezeRule | null): string =>
  rule === null ? `no rule for ${name}` : `${rule.count} ${name} within ${rule.seconds / 60} min`;

const missing = (those: readonly string[], others: readonly string[]): readonly string[] =>
  those.filter((text) => !others.includes(text));

/** Floor entries that the other floor does not hold, not even within a wider pattern. */
const uncovered = (those: readonly string[], others: readonly string[]): readonly string[] =>
  those.filter((pattern) => !others.some((wide) => globMatch(wide, pattern, { ignoreCase: true })));
