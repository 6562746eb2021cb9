/**
 * Port: rows that stop being of use, and may be deleted when they are old enough. Stands for flows/prune-record.ts;
 * adapters/postgres keeps them. The tables named here are all that a prune may touch: entries, sessions, escalations,
 * decisions, passkeys, policy sets and freezes are history and stay for ever.
 */

/** In the order they are pruned: a delivery goes before the notice it delivered. */
export const PRUNED_TABLES = [
  "deliveries",
  "notices",
  "idempotency",
  "escalation_keys",
  "invitations",
  "checkpoints",
  "denied_sessions",
] as const;

export type PrunedTable = (typeof PRUNED_TABLES)[number];
export type PrunedCounts = Readonly<Record<PrunedTable, number>>;

/** Nothing younger is pruned. Channels tell what is a day old at most, and people ask about last week. */
export const SHORTEST_RETENTION_DAYS = 30;

export interface Pruning {
  readonly table: PrunedTable;
  /** What is younger stays. */
  readonly olderThan: Date;
  /** Told of each page how many rows more were looked at. */
  readonly onRows: (rows: number) => void;
}

/** Contract. A table is read and written a page at a time, each in a short transaction of its own. */
export interface Retention {
  /** By the database's clock, as the times in the rows are. */
  daysAgo(days: number): Promise<Date>;
  /** Rows that may go. Changes nothing. */
  count(pruning: Pruning): Promise<number>;
  /** Deletes at most so many rows that may go, and answers how many; each is looked at again when it is deleted. */
  remove(pruning: Pruning, atMost: number): Promise<number>;
}
