/**
 * The request's condition keys, folded once for quick and case-blind look-up. Must not add meaning: what the
 * request implies is added by evaluate.ts.
 */
import { foldAscii } from "./match.ts";
import type { ContextValue } from "./types.ts";

/** By folded key. A list is a multi-valued key, even when it holds one value; it is never empty. */
export type ContextIndex = ReadonlyMap<string, string | readonly string[]>;

/** Condition key names ignore case. */
export const keyName = foldAscii;

/** Text of a number or boolean, as AWS carries it. */
export const contextText = (value: string | number | boolean): string =>
  typeof value === "string" ? value : String(value);

/**
 * `twice` names a key that the context holds in two spellings, such as the tags `Env` and `env` in one request: the
 * value AWS would look at cannot be known, so the caller must not allow.
 */
export function indexContext(context: Readonly<Record<string, ContextValue>>): {
  readonly index: Map<string, string | readonly string[]>;
  readonly twice: string | null;
} {
  const index = new Map<string, string | readonly string[]>();
  let twice: string | null = null;
  for (const key in context) {
    const value = context[key];
    if (value === undefined || (typeof value === "object" && value.length === 0)) continue;
    const name = keyName(key);
    if (index.has(name)) twice = key;
    index.set(name, typeof value === "object" ? value : contextText(value));
  }
  return { index, twice };
}
