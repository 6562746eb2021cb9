/**
 * Policy variables: `${key}`, `${key, 'default'}` and the escapes `${*}` `${?}` `${$}`. Substituted text is always
 * literal: a `*` that came from a tag is an asterisk, not a wildcard. Must never guess at a value: which statements
 * an unresolved variable takes out is decided once, in statement.ts (docs/decisions/001-unresolved-policy-variables.md).
 */
import { err, ok, type Result } from "../../result.ts";
import { keyName, type ContextIndex } from "./context.ts";
import type { GlobPiece } from "./match.ts";

export interface Variable {
  /** Folded condition key. */
  readonly key: string;
  readonly fallback: string | null;
}

/** Text of a policy, cut into what stands there and what is put in at evaluation. */
export type TemplatePart =
  | { readonly kind: "text"; readonly text: string }
  /** An escape: a character that is only itself. */
  | { readonly kind: "literal"; readonly text: string }
  | ({ readonly kind: "variable" } & Variable);

export type Template = readonly TemplatePart[];

const REFERENCE = /\$\{(?:([*?$])|([^{}',]*)(?:,\s*'([^']*)'\s*)?)\}/y;
const KEY = /^[^\s:${}*?]+:[^${}*?]+$/;

/** For Version 2008-10-17, which has no variables. */
export const plainText = (text: string): Template => [{ kind: "text", text }];

/** The fault is a phrase that fits after the value's path. */
export function parseTemplate(source: string): Result<Template, string> {
  const parts: TemplatePart[] = [];
  let at = 0;
  for (let open = source.indexOf("${"); open !== -1; open = source.indexOf("${", at)) {
    if (open > at) parts.push({ kind: "text", text: source.slice(at, open) });
    REFERENCE.lastIndex = open;
    const found = REFERENCE.exec(source);
    const key = found?.[2]?.trim();
    if (found?.[1] !== undefined) parts.push({ kind: "literal", text: found[1] });
    else if (key !== undefined && KEY.test(key)) {
      parts.push({ kind: "variable", key: keyName(key), fallback: found?.[3] ?? null });
    } else return err("holds a policy variable that cannot be read");
    at = REFERENCE.lastIndex;
  }
  if (at < source.length || parts.length === 0) parts.push({ kind: "text", text: source.slice(at) });
  return ok(parts);
}

export const variablesOf = (template: Template): readonly Variable[] =>
  template.filter((part) => part.kind === "variable");

export const isConstant = (template: Template): boolean => variablesOf(template).length === 0;

/**
 * The value of a variable; null when it is unresolved: key absent and no default, or a multi-valued key (AWS takes
 * only single-valued keys for variables; a default does not help, as the key is there).
 */
export function valueOf({ key, fallback }: Variable, context: ContextIndex): string | null {
  const value = context.get(key);
  return value === undefined ? fallback : typeof value === "string" ? value : null;
}

/** Pieces for a glob. Callers made sure that every variable resolves. */
export const globPieces = (template: Template, context: ContextIndex): readonly GlobPiece[] =>
  template.map((part) =>
    part.kind === "variable"
      ? { text: resolved(part, context), wild: false }
      : { text: part.text, wild: part.kind === "text" },
  );

/** The text as operators without wildcards read it. Callers made sure that every variable resolves. */
export const expand = (template: Template, context: ContextIndex): string =>
  template.map((part) => (part.kind === "variable" ? resolved(part, context) : part.text)).join("");

function resolved(variable: Variable, context: ContextIndex): string {
  const value = valueOf(variable, context);
  if (value === null) throw new Error(`policy variable ${variable.key} was used without a value`);
  return value;
}
