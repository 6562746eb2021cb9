/** Freezes and thaws for the store's tests, and sessions that live now. */
import { randomBytes } from "node:crypto";
import type { Store } from "../../src/adapters/postgres/audit-log.ts";
import type { FreezeTarget } from "../../src/identity/freeze.ts";
import type { Freeze, FreezeWish, Thawing } from "../../src/session/freeze-store.ts";
import type { Session } from "../../src/session/session.ts";
import { aSession, CONTEXT, ISSUED } from "./records.ts";

export const OPERATOR = "arn:aws:iam::111122223333:role/twokey/ai-operator";
export const OBSERVER = "arn:aws:iam::111122223333:role/twokey/ai-observer";
export const VERSION = "b".repeat(64);
export const ALL: FreezeTarget = { kind: "all", name: null };

export const agentOf = (name: string): FreezeTarget => ({ kind: "agent", name });
export const templateOf = (name: string): FreezeTarget => ({ kind: "template", name });
export const sessionOf = (name: string): FreezeTarget => ({ kind: "session", name });

export function wish(target: FreezeTarget, changes: Partial<FreezeWish> = {}): FreezeWish {
  return {
    id: `frz-${randomBytes(12).toString("hex")}`,
    target,
    reason: "it went wrong",
    by: "operator",
    person: null,
    requestId: "req-freeze",
    policyVersion: VERSION,
    owner: null,
    roles: [],
    ...changes,
  };
}

export const thawing = (person: string, changes: Partial<Thawing> = {}): Thawing => ({
  person,
  requestId: "req-thaw",
  policyVersion: VERSION,
  quorum: 1,
  administrators: ["platform-engineer", "security-engineer"],
  ...changes,
});

/** A freeze that must be made. */
export async function frozen(
  log: Pick<Store, "freezes">,
  target: FreezeTarget,
  changes: Partial<FreezeWish> = {},
): Promise<Freeze> {
  const made = await log.freezes.freeze(wish(target, changes));
  if (made === null) throw new Error("there is nothing to freeze");
  return made;
}

let names = 0;
/** An agent of one test, or a template. */
export const fresh = (what: string): string => `${what}-${(names += 1)}`;

/** Asked for now, so that it may live. */
export const living = (changes: Partial<Session> = {}): Session =>
  aSession({ requestedAt: new Date(), ...changes });

export const outcomeNow = () => ({ requestId: "req-outcome", at: new Date() });
export const issuedNow = () => ({ ...ISSUED, expiresAt: new Date(Date.now() + 900_000) });

/** Recorded and delivered. */
export async function delivered(
  log: Pick<Store, "recordIntent" | "recordOutcome">,
  changes: Partial<Session> = {},
): Promise<Session> {
  const session = living(changes);
  const intent = await log.recordIntent(session, CONTEXT);
  if (!intent.ok) throw new Error(intent.error.reason);
  const outcome = await log.recordOutcome(session, issuedNow(), outcomeNow());
  if (!outcome.delivered) throw new Error("it was not delivered");
  return session;
}
