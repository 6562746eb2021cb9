/**
 * Deletes rows that are of no more use:
 *
 *   the time → what may go is counted → one entry says what is to go → it goes, a page at a time
 *
 * No record, no deletion: where the entry is not certain nothing goes, and never more goes than it says. A run that
 * is cut short deleted less; the next one counts again and records again. Must never touch what the log proves.
 */
import type { Entry } from "../audit/entry.ts";
import {
  PRUNED_TABLES,
  SHORTEST_RETENTION_DAYS,
  type PrunedCounts,
  type PrunedTable,
  type Retention,
} from "../audit/retention.ts";

export interface PruneWish {
  readonly retention: Retention;
  readonly append: (entry: Entry) => Promise<{ readonly entry: number }>;
  readonly days: number;
  /** Counts, and that is all. */
  readonly dryRun: boolean;
  readonly onProgress: (progress: PruneProgress) => void;
}

export interface PruneProgress {
  readonly step: "count" | "delete";
  readonly table: PrunedTable;
  /** Of the table, looked at so far in this step. */
  readonly rows: number;
}

export interface Pruned {
  readonly olderThan: Date;
  /** What was found and, but for a dry run, recorded. */
  readonly counts: PrunedCounts;
  /** Index of the entry; null: there was nothing to delete, or it was a dry run. */
  readonly entry: number | null;
  /** What was deleted. */
  readonly removed: PrunedCounts;
}

export async function pruneRecord({
  retention,
  append,
  days,
  dryRun,
  onProgress,
}: PruneWish): Promise<Pruned> {
  if (!(days >= SHORTEST_RETENTION_DAYS)) throw new RangeError("younger rows are never pruned");
  const olderThan = await retention.daysAgo(days);
  const pruning = (step: PruneProgress["step"], table: PrunedTable) => {
    let rows = 0;
    const onRows = (more: number): void => {
      rows += more;
      onProgress({ step, table, rows });
    };
    return { table, olderThan, onRows };
  };
  const counts = await eachTable((table) => retention.count(pruning("count", table)));
  if (dryRun || PRUNED_TABLES.every((table) => counts[table] === 0)) {
    return { olderThan, counts, entry: null, removed: NOTHING };
  }
  const { entry } = await append(prunedEntry({ olderThan, counts, at: await retention.daysAgo(0) }));
  const removed = await eachTable((table) => retention.remove(pruning("delete", table), counts[table]));
  return { olderThan, counts, entry, removed };
}

const NOTHING = Object.fromEntries(PRUNED_TABLES.map((table) => [table, 0])) as PrunedCounts;

/** One after the other, in the order they must go. */
async function eachTable(work: (table: PrunedTable) => Promise<number>): Promise<PrunedCounts> {
  const done = new Map<PrunedTable, number>();
  for (const table of PRUNED_TABLES) done.set(table, await work(table));
  return Object.fromEntries(done) as PrunedCounts;
}

interface Facts {
  readonly olderThan: Date;
  readonly counts: PrunedCounts;
  readonly at: Date;
}

function prunedEntry({ olderThan, counts, at }: Facts): Entry {
  return {
    kind: "record.pruned",
    at,
    requestId: null,
    agent: null,
    owner: null,
    person: null,
    session: null,
    escalation: null,
    policyVersion: null,
    detail: { olderThan, counts, by: "operator" },
  };
}
