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
}

/** Contract: one read, bounded however large the record is. Rejects when the record cannot be read. */
export type ReadFigures = () => Promise<RecordFigures>;
