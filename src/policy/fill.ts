/**
 * Fills a template's placeholders with values. Policies are built as objects and never as text: a value can end up
 * inside one string of one element and nowhere else. Placeholders: `${parameter}`, `${account}`, `${region}`,
 * `${service_roles}`, `${service_roles.non_production}`.
 */
import type { ConditionBlock } from "./iam/types.ts";
import type { Account, TemplateStatement } from "./set.ts";

/** Values by placeholder name. Several values make several strings. A name that is missing is unset. */
export type Values = ReadonlyMap<string, readonly string[]>;

const PLACEHOLDER = /\$\{([a-z0-9_.]+)\}/g;

export function placeholdersIn(text: string): readonly string[] {
  return [...text.matchAll(PLACEHOLDER)].map((match) => match[1] ?? "");
}

/** Every string the text stands for, or null where a placeholder is unset. */
export function fillText(text: string, values: Values): readonly string[] | null {
  if (!text.includes("${")) return [text];
  let filled: readonly string[] = [text];
  for (const name of new Set(placeholdersIn(text))) {
    const replacements = values.get(name);
    if (replacements === undefined) return null;
    filled = filled.flatMap((part) =>
      replacements.map((value) => part.replaceAll(`\${${name}}`, () => value)),
    );
  }
  // Whatever is left is no placeholder of ours: IAM would read it as a policy variable.
  return filled.some((part) => part.includes("${")) ? null : filled;
}

export interface FilledStatement {
  readonly resource: readonly string[];
  readonly condition: ConditionBlock;
}

/** The statement with its values, or null where it speaks of a parameter that was not given. */
export function fillStatement(statement: TemplateStatement, values: Values): FilledStatement | null {
  const resource = fillAll(statement.resource, values);
  if (resource === null) return null;
  const condition: Record<string, Record<string, readonly string[]>> = {};
  for (const [operator, keys] of Object.entries(statement.condition)) {
    for (const [key, wanted] of Object.entries(keys)) {
      const filled = fillAll(typeof wanted === "string" ? [wanted] : wanted, values);
      if (filled === null) return null;
      (condition[operator] ??= {})[key] = filled;
    }
  }
  return { resource, condition };
}

function fillAll(texts: readonly string[], values: Values): readonly string[] | null {
  const filled: string[] = [];
  for (const text of texts) {
    const strings = fillText(text, values);
    if (strings === null) return null;
    filled.push(...strings);
  }
  return [...new Set(filled)];
}

/** The values an account gives, by placeholder name. */
export function accountValues(
  account: Account,
  nonProduction: readonly string[],
): [string, readonly string[]][] {
  const roles = Object.entries(account.serviceRoles);
  const known = new Set(nonProduction);
  return [
    ["account", [account.id]],
    ["region", [account.region]],
    ["service_roles", [...new Set(roles.map(([, arn]) => arn))]],
    [
      "service_roles.non_production",
      [...new Set(roles.filter(([environment]) => known.has(environment)).map(([, arn]) => arn))],
    ],
  ];
}
