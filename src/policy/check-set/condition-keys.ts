/**
 * Condition keys held against the published ones. A misspelt key is in no request: a condition on it is never
 * true, and an expected decision that sets it tests nothing.
 */
import type { ActionTable } from "../knowledge.ts";
import type { Path } from "../schema/yaml.ts";
import type { Template } from "../set.ts";
import { didYouMean } from "../suggest.ts";
import type { Finding } from "./finding.ts";

export function unknownConditionKeys(template: Template, table: ActionTable): readonly Finding[] {
  const find = (key: string, actions: readonly string[], path: Path): readonly Finding[] => {
    const services = [...new Set(actions.map((action) => action.slice(0, action.indexOf(":"))))];
    const known = ["aws", ...services].flatMap((service) => table.conditionKeys(service));
    if (known.some((published) => isKey(key, published))) return [];
    const message = `requests of ${services.join(", ")} carry no condition key \`${key}\``;
    return [
      { level: "fault", file: template.file, path, message, fix: suggestion(key, known) ?? "remove it" },
    ];
  };
  return [
    ...template.allow.flatMap(({ action, condition }, index) =>
      Object.entries(condition).flatMap(([operator, keys]) =>
        Object.keys(keys).flatMap((key) => find(key, action, ["allow", index, "Condition", operator, key])),
      ),
    ),
    ...template.expect.flatMap(({ action, context }, index) =>
      Object.keys(context).flatMap((key) => find(key, [action], ["expect", index, "context", key])),
    ),
  ];
}

/** `aws:RequestTag/${TagKey}` and `aws:PrincipalTag/tag-key` stand for every tag. */
const VARIABLE = /\$\{[^}]*\}|(?<=\/)tag-key$/i;

function isKey(key: string, published: string): boolean {
  const [before = "", after] = published.toLowerCase().split(VARIABLE);
  const given = key.toLowerCase();
  if (after === undefined) return given === before;
  return given.startsWith(before) && given.endsWith(after) && given.length > before.length + after.length;
}

function suggestion(key: string, known: readonly string[]): string | null {
  const slash = key.indexOf("/");
  if (slash < 0)
    return didYouMean(
      key,
      known.filter((published) => !VARIABLE.test(published)),
    );
  // The tag's own name is anybody's; what stands before it is published.
  const bases = known
    .filter((published) => VARIABLE.test(published))
    .map((published) => published.split("/")[0] ?? "");
  return didYouMean(key.slice(0, slash), bases)?.replace(/`\?$/, `${key.slice(slash)}\`?`) ?? null;
}
