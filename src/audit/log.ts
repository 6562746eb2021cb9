/**
 * Port: the record. No record, no credential. Stands for the flows; adapters/postgres keeps it.
 */
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
}

export type IntentRefusal =
  /** The agent's key was used before, for session `session`. `sameBody` tells a retry from a misuse. */
  { readonly reason: "idempotency_key_used"; readonly session: string; readonly sameBody: boolean };

/**
 * Contract. Every method resolves only once its transaction is durable, and rejects (with any error) when that
 * is not certain: the caller then answers `record_unavailable` and delivers nothing. Concurrent calls may share
 * a transaction; each still gets its own answer.
 */
export interface AuditLog {
  /** Writes the session in state `intent`, its entry, and the idempotency key, in one transaction. */
  recordIntent(
    session: Session,
    context: { readonly requestId: string; readonly idempotency: Idempotency | null },
  ): Promise<Result<{ readonly entry: number }, IntentRefusal>>;

  /** Moves the session from `intent` to the outcome's state and writes the entry, in one transaction. */
  recordOutcome(
    session: Session,
    outcome: Outcome,
    context: { readonly requestId: string; readonly at: Date },
  ): Promise<{ readonly entry: number }>;

  append(entry: Entry): Promise<{ readonly entry: number }>;

  /** Newest first. */
  sessions(query: {
    readonly agent: string | null;
    readonly limit: number;
    readonly before: string | null;
  }): Promise<readonly SessionRecord[]>;

  /** In log order, from `from`. */
  entries(query: { readonly from: number; readonly limit: number }): Promise<readonly StoredEntry[]>;

  /** Number of entries, which is the next index. */
  size(): Promise<number>;
}

export type { Entry, EntryBase, EntryKind, StoredEntry };
