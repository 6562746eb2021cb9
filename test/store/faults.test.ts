/**
 * Every write fails twice: once not written, and once written but reported as failed. Either way the caller must
 * hear that the record is not certain, and the log must stay sound.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { auditLogOn, type Store } from "../../src/adapters/postgres/audit-log.ts";
import { migrate } from "../../src/adapters/postgres/schema.ts";
import { openPglite } from "../../src/adapters/postgres/sql.ts";
import { faulty, LOST, type Fault } from "./faulty.ts";
import { aSession, CONTEXT, FAILED, ISSUED, LATER, REFUSED, withKey } from "./records.ts";

const NOT_WRITTEN: readonly Fault[] = [
  { at: "write", when: "before" },
  { at: "begin" },
  ...[1, 2, 3].flatMap((number): Fault[] => [
    { at: "statement", number, when: "before" },
    { at: "statement", number, when: "after" },
  ]),
  { at: "commit", when: "before" },
];
const WRITTEN: readonly Fault[] = [
  { at: "write", when: "after" },
  { at: "commit", when: "after" },
];

let db: ReturnType<typeof faulty>;
let log: Store;
let before: number;
beforeAll(async () => {
  db = faulty(await openPglite(null));
  await migrate(db);
  log = auditLogOn(db);
});
beforeEach(async () => {
  before = await log.size();
});
afterAll(async () => {
  await log.close();
});

// One group with every kind of write in it: three statements (head, keys, rows).
async function writeAll() {
  const ready = aSession();
  await log.recordIntent(ready, CONTEXT);
  const session = aSession();
  const attempt = () =>
    Promise.allSettled([
      log.recordIntent(session, withKey(session.id)),
      log.recordOutcome(ready, ISSUED, LATER),
      log.append(REFUSED),
    ]);
  return { ready, session, attempt };
}
const statesOf = async (...ids: string[]) => {
  const all = await log.sessions({ agent: null, limit: 1_000, before: null });
  return ids.map((id) => all.find((one) => one.session.id === id)?.state ?? null);
};

describe("a write that was not made", () => {
  test.each(NOT_WRITTEN)("%j rejects every caller, leaves nothing, and can be tried again", async (fault) => {
    const { ready, session, attempt } = await writeAll();
    db.fail(fault);
    expect(await attempt()).toEqual(Array(3).fill({ status: "rejected", reason: LOST }));
    expect(await log.size()).toBe(before + 1);
    expect(await statesOf(ready.id, session.id)).toEqual(["intent", null]);
    expect((await attempt()).map((each) => each.status)).toEqual(Array(3).fill("fulfilled"));
    expect(await log.size()).toBe(before + 4);
  });
});

describe("a write that was made but reported as failed", () => {
  test.each(WRITTEN)("%j rejects every caller, is there once, and cannot be made again", async (fault) => {
    const { ready, session, attempt } = await writeAll();
    db.fail(fault);
    expect(await attempt()).toEqual(Array(3).fill({ status: "rejected", reason: LOST }));
    expect(await log.size()).toBe(before + 4);
    expect(await statesOf(ready.id, session.id)).toEqual(["issued", "intent"]);
    expect(await log.recordIntent(session, withKey(session.id))).toEqual({
      ok: false,
      error: { reason: "idempotency_key_used", session: session.id, sameBody: true },
    });
    await expect(log.recordOutcome(ready, FAILED, LATER)).rejects.toThrow();
    expect(await log.size()).toBe(before + 4);
    expect(await statesOf(ready.id)).toEqual(["issued"]);
  });
});

test("a connection lost while a faulty row is sought fails the rest at once, without a try for each", async () => {
  let transactions = 0;
  const flaky = auditLogOn({
    ...db,
    transaction: async (run) => {
      transactions += 1;
      if (transactions === 2) throw LOST;
      return db.transaction(run);
    },
  });
  const group = await Promise.allSettled([
    flaky.append(REFUSED),
    flaky.recordOutcome(aSession(), ISSUED, LATER),
    flaky.append(REFUSED),
  ]);
  expect(group).toEqual(Array(3).fill({ status: "rejected", reason: LOST }));
  expect(transactions).toBe(2);
});

test("closing writes what was accepted, refuses the rest, and only then closes the database", async () => {
  let closed = false;
  const closing = auditLogOn({
    ...db,
    transaction: async (run) => {
      expect(closed).toBe(false);
      return db.transaction(run);
    },
    close: async () => {
      closed = true;
    },
  });
  const writing = Promise.all(Array.from({ length: 300 }, () => closing.append(REFUSED)));
  const close = closing.close();
  await expect(closing.append(REFUSED)).rejects.toThrow("closed");
  await close;
  expect(closed).toBe(true);
  expect(await writing).toHaveLength(300);
  expect(await log.size()).toBe(before + 300);
});

test("after any fault the log's indexes are those from 0 to its size", async () => {
  const entries = await log.entries({ from: 0, limit: 10_000 });
  expect(entries.map((entry) => entry.index)).toEqual(Array.from({ length: before }, (_, n) => n));
});
