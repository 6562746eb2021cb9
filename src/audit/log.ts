/**
 * Port: the record. No record, no credential. Stands for the flows; adapters/postgres keeps it.
 */
import type { Escalation, EscalationEvent, EscalationFault } from "../escalation/escalation.ts";
import type { FreezeTarget } from "../identity/freeze.ts";
import type { Result } from "../result.ts";
import type { Session, SessionState } from "../session/session.ts";
import type { Entry, EntryBase, EntryKind, StoredEntry } from "./entry.ts";

/** An agent's Idempotency-Key for one POST. `bodyDigest` is the SHA-256 of the canonical request, hex. */
export interface Idempotency {
  readonly key: string;
  readonly bodyDigest: string;
}

export type Outcome =
  | {
      readonly state: "issued";
      readonly accessKeyId: string;
      readonly assumedRoleArn: string;
      readonly expiresAt: Date;
      readonly packedPolicySize: number | null;
    }
  | { readonly state: "failed" | "unknown"; readonly code: string; readonly message: string };

/** A session as the record knows it. */
export interface SessionRecord {
  readonly session: Session;
  readonly state: SessionState;
  readonly accessKeyId: string | null;
  readonly expiresAt: Date | null;
  /** When it was frozen; null: it was not. */
  readonly frozenAt: Date | null;
}

/**
 * The grant a session consumes. `choose` runs in the intent's transaction on the escalation as it is, with the
 * database's clock; pure, and may run more than once.
 */
export interface GrantUse<F> {
  readonly escalation: string;
  readonly choose: (escalation: Escalation, now: Date) => Result<EscalationEvent, F>;
}

export type IntentRefusal<F = never> =
  /** Its agent, its template or everything is frozen. */
  | { readonly reason: "frozen"; readonly by: FreezeTarget }
  | { readonly reason: "grant_not_found" }
  | { readonly reason: "grant_machine"; readonly fault: EscalationFault; readonly escalation: Escalation }
  | { readonly reason: "grant_refused"; readonly failure: F }
  /** The agent's key was used before, for session `session`. `sameBody` tells a retry from a misuse. */
  | { readonly reason: "idempotency_key_used"; readonly session: string; readonly sameBody: boolean };

/**
 * Contract. Every method resolves only once its transaction is durable, and rejects (with any error) when that
 * is not certain: the caller then answers `record_unavailable` and delivers nothing. Concurrent calls may share
 * a transaction; each still gets its own answer.
 */
export interface AuditLog {
  /**
   * Writes the session in state `intent`, its entry, and the idempotency key, and consumes the grant, in one
   * transaction.
   */
  recordIntent<F = never>(
    session: Session,
    context: {
      readonly requestId: string;
      readonly idempotency: Idempotency | null;
      readonly grant: GrantUse<F> | null;
    },
  ): Promise<Result<{ readonly entry: number }, IntentRefusal<F>>>;

  /**
   * Moves the session from `intent` to the outcome's state and writes the entry, in one transaction. `failed` gives
   * the session's grant back. `issued` for a session that was frozen meanwhile, by itself or with its agent, its template
   * or everything, is written as `unknown` with the code `Frozen`, and answered `delivered: false`.
   */
  recordOutcome(
    session: Session,
    outcome: Outcome,
    context: { readonly requestId: string; readonly at: Date },
  ): Promise<{ readonly entry: number; readonly delivered: boolean }>;

  append(entry: Entry): Promise<{ readonly entry: number }>;

  /** Newest first. */
  sessions(query: {
    readonly agent: string | null;
    readonly limit: number;
    readonly before: string | null;
  }): Promise<readonly SessionRecord[]>;

  session(id: string): Promise<SessionRecord | null>;

  /** In log order, from `from`. */
  entries(query: { readonly from: number; readonly limit: number }): Promise<readonly StoredEntry[]>;

  /** Newest first, of those that match everything given. `text` is looked for in the whole entry. */
  search(query: EntrySearch): Promise<readonly StoredEntry[]>;

  /** Number of entries, which is the next index. */
  size(): Promise<number>;
}

export interface EntrySearch {
  readonly kinds: readonly string[] | null;
  readonly agent: string | null;
  readonly person: string | null;
  readonly session: string | null;
  readonly escalation: string | null;
  readonly text: string | null;
  /** Entries before this index; null: from the newest. */
  readonly before: number | null;
  readonly limit: number;
}

export type { Entry, EntryBase, EntryKind, StoredEntry };
