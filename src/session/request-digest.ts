/**
 * Tells a retried request from another one under the same Idempotency-Key. Pure. Not a security boundary: a
 * repeated key never yields credentials, whatever its body.
 */
import { createHash } from "node:crypto";
import type { SessionWish } from "../policy/decide.ts";

/** SHA-256, hex, of the request's meaning: the order of its fields and parameters does not count. */
export function requestDigest(wish: SessionWish): string {
  const parameters = Object.entries(wish.parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  const { task } = wish;
  const meaning = [wish.template, parameters, wish.account, wish.durationSeconds];
  return createHash("sha256")
    .update(JSON.stringify([...meaning, task.intent, task.summary, task.id]))
    .digest("hex");
}
