/**
 * Tells a retried request from another one under the same Idempotency-Key. Pure. Not a security boundary: a
 * repeated key never yields credentials, whatever its body.
 */
import { createHash } from "node:crypto";
import type { GrantWish } from "../policy/decide-escalation.ts";
import type { SessionWish } from "../policy/decide.ts";

/** SHA-256, hex, of the request's meaning: the order of its fields and parameters does not count. */
export function requestDigest(wish: SessionWish): string {
  return digest(meaning(wish));
}

/** The same of a request for an escalation. */
export function escalationRequestDigest(wish: SessionWish, reason: string): string {
  return digest(["escalation", ...meaning(wish), reason]);
}

/** The same of a request for a grant's session. */
export function grantRequestDigest(wish: GrantWish): string {
  const parameters = wish.parameters === null ? null : sorted(wish.parameters);
  return digest(["grant", wish.escalation, wish.template, parameters, wish.account, wish.durationSeconds]);
}

function meaning({ template, parameters, account, durationSeconds, task }: SessionWish): readonly unknown[] {
  return [template, sorted(parameters), account, durationSeconds, task.intent, task.summary, task.id];
}

const sorted = (parameters: SessionWish["parameters"]): readonly unknown[] =>
  Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));

const digest = (facts: readonly unknown[]): string =>
  createHash("sha256").update(JSON.stringify(facts)).digest("hex");
