/**
 * Reads a JSON object and refuses what two readers could read differently: a key that stands twice at any level,
 * and bytes that are not UTF-8. Must never repair anything.
 */
import { err, ok, type Result } from "../result.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export type JsonFault = "not_json" | "not_an_object" | "duplicate_key";

export function parseStrictObject(bytes: Uint8Array): Result<JsonObject, JsonFault> {
  let text: string;
  let value: unknown;
  try {
    // ignoreBOM keeps a byte order mark in the text, where JSON.parse refuses it.
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    return err("not_json");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return err("not_an_object");
  if (hasDuplicateKey(text)) return err("duplicate_key");
  return ok(value as JsonObject);
}

/** `json` has passed JSON.parse, so that strings, braces and brackets are all there is to follow. */
function hasDuplicateKey(json: string): boolean {
  /** The keys of each open object; null for an open array. */
  const open: (Set<string> | null)[] = [];
  const tokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;
  for (let match = tokens.exec(json); match !== null; match = tokens.exec(json)) {
    const [token, colon] = match;
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (colon !== undefined) {
      const raw = token.slice(0, token.length - colon.length);
      // Compared after unescaping: "sub" and "s\u0075b" are one key.
      const key = raw.includes("\\") ? (JSON.parse(raw) as string) : raw.slice(1, -1);
      const keys = open.at(-1);
      if (!keys || keys.has(key)) return true;
      keys.add(key);
    }
  }
  return false;
}
