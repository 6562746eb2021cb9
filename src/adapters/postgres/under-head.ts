/**
 * One change of state with its entries and notices, in one transaction under the head's lock: all changes on all
 * replicas happen one after the other. What decides them is read after the lock was had. Must never answer from a
 * transaction that was not confirmed.
 */
import { randomBytes } from "node:crypto";
import type { Entry } from "../../audit/entry.ts";
import type { NoticeKind } from "../../escalation/outbox.ts";
import { base32 } from "../../session/name.ts";
import { entryRow } from "./rows.ts";
import type { Database, Queries } from "./sql.ts";
import { ATTEMPTS, isConflict, lockHead, writeAt, type HeadBelief, type Operation } from "./write-group.ts";

/** What a change may do besides its own statements. */
export interface Writing {
  /** The database's clock, read after the lock was had; whole milliseconds. */
  readonly now: Date;
  /** Writes an entry when the change is done, and says now which index it will have. */
  readonly record: (entry: Entry, rest?: Omit<Operation, "entry">) => number;
  /** Leaves a notice for the channels, about the last recorded entry. */
  readonly announce: (
    kind: NoticeKind,
    escalation: string | null,
    detail?: Readonly<Record<string, string>>,
  ) => void;
  /** Commits although nothing is recorded; see UnderHead. */
  readonly keep: () => void;
}

/**
 * Runs a change. Where it recorded nothing and did not say `keep`, it is rolled back: nothing changes without an
 * entry. `run` may run again after a serialisation failure, so it keeps nothing outside.
 */
export type UnderHead = <T>(run: (tx: Queries, writing: Writing) => Promise<T>) => Promise<T>;

/** The database's clock. Not now(): that is when the transaction began, which may be long before it had its lock. */
const CLOCK = "SELECT date_trunc('milliseconds', clock_timestamp()) AS now";

const WRITE_NOTICES = `
  INSERT INTO notices (id, kind, escalation, detail, at, entry)
  SELECT id, kind, escalation, detail, at, entry
  FROM json_to_recordset($1::text::json)
    AS r (id text, kind text, escalation text, detail text, at timestamptz, entry bigint)`;

export async function underHead<T>(
  db: Database,
  belief: HeadBelief,
  run: (tx: Queries, writing: Writing) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const done = await db.transaction(
        (tx) => runOnce(tx, run),
        ({ kept }) => kept,
      );
      belief.size = done.size + done.recorded;
      return done.value;
    } catch (error) {
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
    }
  }
}

interface Done<T> {
  readonly value: T;
  /** Of the log before. */
  readonly size: number;
  readonly recorded: number;
  readonly kept: boolean;
}

async function runOnce<T>(tx: Queries, run: (tx: Queries, writing: Writing) => Promise<T>): Promise<Done<T>> {
  const size = await lockHead(tx);
  const [clock] = await tx.query(CLOCK, []);
  const now = clock?.["now"] as Date;
  const operations: Operation[] = [];
  const notices: Readonly<Record<string, unknown>>[] = [];
  const said = { keep: false };
  const value = await run(tx, {
    now,
    record: (entry, rest = {}) => size + operations.push({ entry: entryRow(entry), ...rest }) - 1,
    announce: (kind, escalation, detail = {}) => {
      const id = `ntc-${base32(randomBytes(15))}`;
      const entry = size + operations.length - 1;
      notices.push({ id, kind, escalation, detail: JSON.stringify(detail), at: now, entry });
    },
    keep: () => {
      said.keep = true;
    },
  });
  await writeAt(tx, size, operations, operations);
  if (notices.length > 0) await tx.query(WRITE_NOTICES, [JSON.stringify(notices)]);
  return { value, size, recorded: operations.length, kept: said.keep || operations.length > 0 };
}
