/**
 * What reconciliation with CloudTrail answers: what each session really did, what must not have happened, and which
 * outcomes that the record does not know are settled. Shapes only.
 */
import type { SessionRecord } from "./log.ts";
import type { Finding } from "./finding.ts";

/** Whose trails the events are, by somebody's word: all events of that time are among those that were read. */
export interface Covers {
  readonly from: Date;
  readonly to: Date;
}

export interface DoneAction {
  /** `service:Operation`. */
  readonly action: string;
  readonly count: number;
  /** Of these, denied by AWS, and failed otherwise. */
  readonly denied: number;
  readonly failed: number;
  /** ARNs, where CloudTrail shows them; the first few. */
  readonly resources: readonly string[];
}

/** What a session did, of what CloudTrail shows. */
export interface SessionDoings {
  readonly session: SessionRecord;
  readonly first: Date;
  readonly last: Date;
  readonly count: number;
  readonly denied: number;
  readonly failed: number;
  readonly actions: readonly DoneAction[];
}

/** What CloudTrail shows of a session whose outcome the record does not know. */
export interface Settlement {
  /** Whether STS issued it. Nothing of it was delivered, either way. */
  readonly issued: boolean;
  /** The event that shows it; null: none does, and the events surely held it. */
  readonly eventId: string | null;
  readonly accessKeyId: string | null;
  /** Where that rests on no event being there: the time that the events cover, `from/to` in ISO 8601. */
  readonly covers: string | null;
}

export interface SettledSession {
  readonly session: SessionRecord["session"];
  readonly state: SessionRecord["state"];
  readonly settlement: Settlement;
  /** Index of the entry that says so; null: it was not written. */
  readonly entry: number | null;
}

/** Its outcome is still not known. */
export interface OpenSession {
  readonly session: SessionRecord["session"];
  readonly state: SessionRecord["state"];
  readonly reason: string;
}

export interface Reconciliation {
  readonly events: {
    readonly read: number;
    /** About sessions and AI roles. */
    readonly counted: number;
    /** The same event again, from another file. */
    readonly repeated: number;
    readonly first: Date | null;
    readonly last: Date | null;
  };
  readonly covers: Covers | null;
  readonly findings: readonly Finding[];
  /** Events of findings past those that are listed, by level. */
  readonly unlisted: { readonly alarm: number; readonly notice: number };
  readonly sessions: readonly SessionDoings[];
  readonly settled: readonly SettledSession[];
  /** Settled by an entry of an earlier run. */
  readonly settledBefore: number;
  readonly open: readonly OpenSession[];
}
