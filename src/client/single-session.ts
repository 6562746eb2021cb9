/**
 * The one session of a grant, served from memory until it ends. It is never renewed: what two people approved is
 * minted once.
 */
import { err, ok } from "../result.ts";
import type { IssuedSession } from "./broker.ts";
import type { SessionCache } from "./cache.ts";
import { refused, type Refusal } from "./refusal.ts";

/** `onOver`: told once, when it is asked for after its end. */
export function singleSession(
  issued: IssuedSession,
  now: () => Date,
  onOver: (refusal: Refusal) => void,
): SessionCache {
  let told = false;
  return {
    get: async () => {
      if (now() < issued.expiration) return ok(issued);
      const refusal = refused(
        "session_over",
        `The approved session ${issued.session.id} ended at ${issued.expiration.toISOString()}. It cannot be renewed: what people approved is minted once.`,
        "Ask again with `twokey escalation request`.",
      );
      if (!told) onOver(refusal);
      told = true;
      return err(refusal);
    },
  };
}
