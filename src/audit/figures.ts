/**
 * Port: what whoever watches the broker is told of the record. Numbers only: never what stands in it, nor whose it is.
 * Stands for adapters/metrics; adapters/postgres reads it.
 */
export interface RecordFigures {
  /** Entries of the log. */
  readonly entries: number;
  /** Escalations that wait for people, 1,000 at most. */
  readonly pending: number;
  /** How long the oldest of them has waited, by the database's clock; null: none waits. */
  readonly oldestPendingSeconds: number | null;
  /** Agents and templates that are frozen, and everything. Single sessions are not counted. */
  readonly frozen: number;
  /** Roles whose policy in AWS is not yet what is frozen. */
  readonly denialsWaiting: number;
  /** Since the log was signed last, by the database's clock; null: it never was. */
  readonly checkpointAgeSeconds: number | null;
  /** Entries that were signed. */
  readonly checkpointEntries: number | null;
}

/** Contract: one read, bounded however large the record is. Rejects when the record cannot be read. */
export type ReadFigures = () => Promise<RecordFigures>;
