/**
 * What the record says of an event in an escalation's life. Pure. One event is one entry.
 */
import type { Escalation, EscalationEvent } from "../escalation/escalation.ts";
import type { Entry, EntryBase } from "./entry.ts";

/** When, in whose request, and under which policy set it happened. */
export type EntryContext = Pick<EntryBase, "at" | "requestId" | "policyVersion">;

export function escalationEntry(
  event: EscalationEvent,
  { before, after }: { readonly before: Escalation; readonly after: Escalation },
  context: EntryContext,
): Entry {
  const { digest, state } = after;
  const base = { ...about(after), ...context };
  if (event.kind === "decided") {
    const { decision, counting } = event;
    const detail = { digest, state, decision, counting };
    return { kind: "escalation.decided", ...base, person: decision.person, detail };
  }
  // A grant that comes back has no session any more; the entry says which one it came from.
  const session = after.session ?? before.session;
  const detail = { digest, from: before.state, to: state, event: event.kind };
  return { kind: "escalation.changed", ...base, session, detail };
}

/** `code`: see escalation/code.ts. */
export function requestedEntry(escalation: Escalation, code: string, context: EntryContext): Entry {
  const { digest, expiresAt, canonical } = escalation;
  const detail = { digest, code, expiresAt, content: canonical };
  return { kind: "escalation.requested", ...about(escalation), ...context, detail };
}

export function joinedEntry(escalation: Escalation, context: EntryContext): Entry {
  const detail = { digest: escalation.digest };
  return { kind: "escalation.joined", ...about(escalation), ...context, detail };
}

function about({ id, content, session }: Escalation) {
  const asked = content.kind === "session" ? content : null;
  return { agent: asked?.agent ?? null, owner: asked?.owner ?? null, person: null, session, escalation: id };
}
