/**
 * What reconciliation with CloudTrail finds, each kind as one readable sentence. Pure and total: a new kind does not
 * compile until it has one. Holds foreign text (agents', AWS's, a file's): whoever shows it shows it inert.
 */

export type FindingKind =
  | "assumed_without_session"
  | "other_caller"
  | "caller_not_confirmed"
  | "asked_more_than_once"
  | "other_role_assumed"
  | "wrong_tags"
  | "outcome_differs"
  | "issued_key_differs"
  | "unknown_source_identity"
  | "no_source_identity"
  | "key_differs"
  | "under_another_role"
  | "used_undelivered"
  | "used_after_freeze"
  | "used_after_end"
  | "outside_intent"
  | "settled_otherwise";

/** `alarm`: something happened that must not. `notice`: worth knowing; AWS stopped it, or it proves nothing. */
export type FindingLevel = "alarm" | "notice";

/** What a sentence needs besides the session. */
export interface About {
  /** ARN. */
  readonly role?: string | null;
  /** ARN or principal id. */
  readonly caller?: string | null;
  readonly sourceIdentity?: string | null;
  readonly accessKeyId?: string | null;
  /** The session whose key it is. */
  readonly keyOf?: string | null;
  /** `service:Operation`. */
  readonly action?: string;
  /** What the action is, or the session declared. */
  readonly intent?: string;
  readonly declared?: string;
  /** `done`, or what AWS answered instead. */
  readonly outcome?: string;
  /** What the record says. */
  readonly recorded?: string;
  readonly seen?: string;
}

export interface Finding {
  readonly kind: FindingKind;
  readonly level: FindingLevel;
  readonly session: string | null;
  readonly about: About;
  /** How many events show it, when the first and the last of them was, and the first few's ids. */
  readonly count: number;
  readonly first: Date;
  readonly last: Date;
  readonly events: readonly string[];
}

export function findingSentence({ kind, session: id, about }: Omit<Finding, "events">): string {
  const session = `session ${id ?? "?"}`;
  const { role = "a role", caller = "somebody", action = "a call", outcome = "done" } = about;
  const key = about.accessKeyId ?? "not said";
  const ended = outcome === "done" ? "" : ` (AWS answered ${outcome})`;
  switch (kind) {
    case "assumed_without_session":
      return `${caller} ${outcome === "done" ? "assumed" : "tried to assume"} the AI role ${role}${ended} with ${named(about)}, and the record has no such session`;
    case "other_caller":
      return `${session} was asked for by ${caller}, who made none of the calls that the record proves to be Twokey's`;
    case "caller_not_confirmed":
      return `${session} was asked for by ${caller}; no call in these events proves who Twokey is`;
    case "asked_more_than_once":
      return `STS was asked more than once for ${session}; Twokey asks once`;
    case "other_role_assumed":
      return `${caller} ${outcome === "done" ? "assumed" : "tried to assume"} the role ${role}${ended} under the name of ${session}, whose role it is not`;
    case "wrong_tags":
      return `${session} was asked for with other tags than Twokey sends: ${about.seen ?? "none"}`;
    case "outcome_differs":
      return `${session} is ${about.recorded ?? "?"} in the record, and CloudTrail shows that STS ${about.seen ?? "?"}`;
    case "issued_key_differs":
      return `${session} was issued with key ${key}, the record has ${about.recorded ?? "none"}`;
    case "unknown_source_identity":
      return `${action} by a session of the AI role ${role} with ${named(about)} and key ${key}, which the record does not know`;
    case "no_source_identity":
      return `${action} with the key of ${session}, and no source identity in the event`;
    case "key_differs":
      return `${action} as ${session} with key ${key}, which is ${about.keyOf == null ? "not its own" : `that of session ${about.keyOf}`}`;
    case "under_another_role":
      return `${action} by a session of ${role} that carries the source identity of ${session}: it became another role`;
    case "used_undelivered":
      return `${action} as ${session}, which is ${about.recorded ?? "?"} in the record: nobody was given its credentials`;
    case "used_after_freeze":
      return `${action}${ended} by ${session} after it was frozen`;
    case "used_after_end":
      return `${action}${ended} by ${session} after its end`;
    case "outside_intent":
      return `${action}${ended} by ${session}, which is to ${about.intent ?? "change"}; it was declared to ${about.declared ?? "observe"}`;
    case "settled_otherwise":
      return `${session} is settled as not issued, and CloudTrail shows that STS issued it with key ${key}`;
  }
}

const named = ({ sourceIdentity, keyOf }: About): string => {
  const name = sourceIdentity == null ? "no source identity" : `source identity ${sourceIdentity}`;
  return keyOf == null ? name : `${name} (the key is that of session ${keyOf})`;
};
