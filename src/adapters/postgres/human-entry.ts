/** The entries of what humans do about themselves and each other. */
import type { Entry } from "../../audit/entry.ts";
import type { HumanContext } from "../../identity/human-store.ts";

type HumanKind =
  "human.signed_in" | "human.signed_out" | "passkey.enrolled" | "passkey.removed" | "invitation.created";
type HumanEvent = {
  [K in HumanKind]: Pick<Extract<Entry, { kind: K }>, "kind" | "detail">;
}[HumanKind];

export function humanEntry(event: HumanEvent, context: HumanContext, at: Date): Entry {
  const { requestId, policyVersion, person } = context;
  const nothing = { agent: null, owner: null, session: null, escalation: null };
  return { at, requestId, ...nothing, person, policyVersion, ...event };
}
