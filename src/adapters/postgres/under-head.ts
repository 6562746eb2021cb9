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
import type { FreezeTarget } from "../../identity/freeze.ts";
import { lockHead, type Head, type HeadBelief } from "./head.ts";
import type { Database, Queries } from "./sql.ts";
import { ATTEMPTS, isConflict, writeAt, type Operation } from "./write-group.ts";

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
  /** What is frozen now, but for single sessions. */
  readonly frozen: readonly FreezeTarget[];
  /** Freezes from this transaction on exactly this. Takes effect with the entry that records it. */
  readonly setFrozen: (frozen: readonly FreezeTarget[]) => void;
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
      // A change that was rolled back left the head where it was.
      belief.head = done.head;
      return done.value;
    } catch (error) {
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
    }
  }
}

interface Done<T> {
  readonly value: T;
  /** Of the log afterwards. */
  readonly head: Head;
  readonly kept: boolean;
}

const SET_FROZEN = "UPDATE log_head SET frozen = $1 WHERE id = 1";

async function runOnce<T>(tx: Queries, run: (tx: Queries, writing: Writing) => Promise<T>): Promise<Done<T>> {
  const head = await lockHead(tx);
  const { size } = head.frontier;
  const [clock] = await tx.query(CLOCK, []);
  const now = clock?.["now"] as Date;
  const operations: Operation[] = [];
  const notices: Readonly<Record<string, unknown>>[] = [];
  const said = { keep: false, frozen: head.frozen };
  const value = await run(tx, {
    now,
    frozen: head.frozen,
    setFrozen: (frozen) => {
      said.frozen = frozen;
    },
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
  const moved = await writeAt(tx, head, operations, operations);
  if (said.frozen !== head.frozen) {
    // A freeze that moved no head would be overlooked by whoever believes to know it.
    if (operations.length === 0) throw new Error("a freeze without an entry");
    await tx.query(SET_FROZEN, [JSON.stringify(said.frozen)]);
  }
  if (notices.length > 0) await tx.query(WRITE_NOTICES, [JSON.stringify(notices)]);
  const kept = said.keep || operations.length > 0;
  return { value, head: { ...moved, frozen: said.frozen }, kept };
}
