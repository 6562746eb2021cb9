/**
 * The digest of a policy set: SHA-256 over its canonical JSON (RFC 8785) and the action data's version. The same
 * meaning gives the same digest, whatever the formatting, comments and order of keys and files. Pure hashing.
 */
import { createHash } from "node:crypto";
import type { PolicySet } from "./set.ts";

/**
 * JSON with keys sorted by UTF-16 code unit and no white space. ECMAScript's own number and string forms are the
 * ones RFC 8785 prescribes. Throws for what JSON cannot hold: a digest must not skip a field in silence.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object") {
    const members = Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(",")}}`;
  }
  throw new TypeError(`canonical JSON has no ${typeof value}`);
}

export function digestOf(set: Omit<PolicySet, "digest">, actionData: string): string {
  return createHash("sha256").update(canonicalJson({ actionData, set }), "utf8").digest("hex");
}
