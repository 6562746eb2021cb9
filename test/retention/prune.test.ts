/** What a prune may delete and what it may not, on every engine; that it is recorded first; that nothing is told twice. */
import { expect, test } from "vitest";
import { retention } from "../../src/adapters/postgres/retention.ts";
import { PRUNED_TABLES, type PrunedCounts } from "../../src/audit/retention.ts";
import { pruneRecord, type PruneWish } from "../../src/flows/prune-record.ts";
import { onEveryEngine } from "../store/engines.ts";
import { happen, requested } from "../store/escalations.ts";
import { aSession, withKey } from "../store/records.ts";

const NONE: PrunedCounts = {
  deliveries: 0,
  notices: 0,
  idempotency: 0,
  escalation_keys: 0,
  invitations: 0,
  checkpoints: 0,
  denied_sessions: 0,
};

/** Named by what must become of them. */
const ROWS: readonly string[] = [
  `INSERT INTO escalations (id, kind, state, canonical, digest, requested_at, expires_at, usable_seconds, entry)
     SELECT id, 'session', state, '{}', id, now() - age, now() - age, 900, 0 FROM (VALUES
       ('esc-closed', 'consumed', interval '40 days'),
       ('esc-open', 'pending', interval '40 days'),
       ('esc-young', 'denied', interval '20 days')) AS r (id, state, age)`,
  `INSERT INTO notices (id, kind, escalation, detail, at, entry)
     SELECT id, 'escalation.requested', escalation, '{}', now() - age, entry FROM (VALUES
       ('goes-told', 'esc-closed', interval '40 days', 1),
       ('goes-nobody-asked', 'esc-closed', interval '40 days', 2),
       ('goes-given-up', NULL, interval '40 days', 3),
       ('stays-open', 'esc-open', interval '40 days', 4),
       ('stays-still-due', NULL, interval '40 days', 5),
       ('stays-newest', NULL, interval '40 days', 6),
       ('stays-young', NULL, interval '29 days', 7)) AS r (id, escalation, age, entry)`,
  `INSERT INTO deliveries (channel, notice, escalation, state, attempts, due_at, entry)
     SELECT channel, notice, escalation, state, 1, now() + interval '1 day', entry FROM (VALUES
       ('goes', 'goes-told', 'esc-closed', 'delivered', 1),
       ('goes', 'goes-given-up', NULL, 'given_up', 3),
       ('goes', 'stays-open', 'esc-open', 'delivered', 4),
       ('goes', 'stays-still-due', NULL, 'waiting', 5),
       ('goes', 'stays-young', NULL, 'delivered', 7),
       ('other', 'goes-told', 'esc-closed', 'delivered', 1),
       ('other', 'stays-newest', NULL, 'delivered', 6)) AS r (channel, notice, escalation, state, entry)`,
  `INSERT INTO idempotency (agent, key_digest, body_digest, session, created_at) VALUES
       ('a', 'goes', '', 'tks-1', now() - interval '40 days'), ('a', 'stays', '', 'tks-2', now() - interval '29 days')`,
  `INSERT INTO escalation_keys (agent, key_digest, body_digest, escalation) VALUES
       ('a', 'goes', '', 'esc-closed'), ('a', 'stays', '', 'esc-young')`,
  `INSERT INTO invitations (token_digest, person, expires_at, spent_at) VALUES
       ('goes-over', 'p', now() - interval '40 days', NULL),
       ('goes-spent', 'p', now() + interval '1 day', now() - interval '40 days'),
       ('stays-young', 'p', now() - interval '20 days', NULL),
       ('stays-good', 'p', now() + interval '1 day', NULL)`,
  `INSERT INTO denied_sessions (session, role_arn, issued_before, until) VALUES
       ('goes', 'r', now(), now() - interval '40 days'), ('stays-young', 'r', now(), now() - interval '2 days'),
       ('stays', 'r', now(), now() + interval '1 hour')`,
];

/** What is left of them. */
const LEFT = {
  deliveries: ["goes/stays-open", "goes/stays-still-due", "goes/stays-young", "other/stays-newest"],
  notices: ["stays-newest", "stays-open", "stays-still-due", "stays-young"],
  idempotency: ["stays"],
  escalation_keys: ["stays"],
  invitations: ["stays-good", "stays-young"],
  denied_sessions: ["stays", "stays-young"],
};
const GOING: PrunedCounts = {
  deliveries: 3,
  notices: 3,
  idempotency: 1,
  escalation_keys: 1,
  invitations: 2,
  checkpoints: 0,
  denied_sessions: 1,
};

const NAMES: Readonly<Record<string, string>> = {
  deliveries: "channel || '/' || notice",
  notices: "id",
  idempotency: "key_digest",
  escalation_keys: "key_digest",
  invitations: "token_digest",
  denied_sessions: "session",
};

onEveryEngine("a prune", (opened) => {
  const prune = (changes: Partial<PruneWish> = {}) =>
    pruneRecord({
      retention: opened.log.retention,
      append: (entry) => opened.log.append(entry),
      days: 30,
      dryRun: false,
      onProgress: () => undefined,
      ...changes,
    });
  const fill = async (): Promise<void> => {
    for (const table of [...Object.keys(NAMES), "escalations"])
      await opened.db.write(`DELETE FROM ${table}`, []);
    for (const statement of ROWS) await opened.db.write(statement, []);
  };
  const namesIn = async (table: string): Promise<readonly string[]> =>
    (await opened.db.query(`SELECT ${NAMES[table] ?? ""} AS name FROM ${table} ORDER BY name`, [])).map(
      (row) => row["name"] as string,
    );
  const everything = async (): Promise<Readonly<Record<string, readonly string[]>>> => {
    const found: Record<string, readonly string[]> = {};
    for (const table of Object.keys(NAMES)) found[table] = await namesIn(table);
    return found;
  };
  const lastEntry = async () =>
    (await opened.log.entries({ from: (await opened.log.size()) - 1, limit: 1 }))[0];

  test("deletes what is old and of no more use, and nothing else", async () => {
    await fill();
    const { counts, removed, entry } = await prune();
    expect(await everything()).toEqual(LEFT);
    expect(removed).toEqual(GOING);
    expect(counts).toEqual(GOING);
    expect(entry).toBe((await opened.log.size()) - 1);
  });

  test("is one entry that says what is to go and since when", async () => {
    await fill();
    const [now] = await opened.db.query("SELECT clock_timestamp() AS at", []);
    const { olderThan } = await prune({ days: 35 });
    expect(await lastEntry()).toMatchObject({
      kind: "record.pruned",
      person: null,
      agent: null,
      detail: { olderThan, counts: GOING, by: "operator" },
    });
    const age = (now?.["at"] as Date).getTime() - olderThan.getTime();
    expect(Math.abs(age - 35 * 86_400_000)).toBeLessThan(3_600_000 * 2);
  });

  test("deletes nothing before its entry is there, and nothing at all where it cannot be written", async () => {
    await fill();
    const before = await everything();
    const failing = prune({
      append: async () => {
        expect(await everything()).toEqual(before);
        throw new Error("the record is gone");
      },
    });
    await expect(failing).rejects.toThrow("the record is gone");
    expect(await everything()).toEqual(before);
  });

  test("as a dry run counts the same, deletes nothing and records nothing", async () => {
    await fill();
    const [before, size] = [await everything(), await opened.log.size()];
    expect(await prune({ dryRun: true })).toMatchObject({ counts: GOING, removed: NONE, entry: null });
    expect([await everything(), await opened.log.size()]).toEqual([before, size]);
  });

  test("that finds nothing records nothing", async () => {
    await fill();
    await prune();
    const size = await opened.log.size();
    expect(await prune()).toMatchObject({ counts: NONE, removed: NONE, entry: null });
    expect(await opened.log.size()).toBe(size);
  });

  test("never deletes more than its entry says, though more became old meanwhile", async () => {
    await fill();
    const { removed } = await prune({
      append: async (entry) => {
        await opened.db.write(
          `INSERT INTO idempotency (agent, key_digest, body_digest, session, created_at)
           SELECT 'b', 'late-' || n, '', 'tks', now() - interval '50 days' FROM generate_series(1, 1200) n`,
          [],
        );
        return opened.log.append(entry);
      },
    });
    expect(removed).toEqual(GOING);
    expect(await namesIn("idempotency")).toHaveLength(1_201);
    expect((await prune()).removed).toEqual({ ...NONE, idempotency: 1_200 });
    expect(await namesIn("idempotency")).toEqual(["stays"]);
  });

  test("of less than 30 days is refused", async () => {
    await fill();
    const before = await everything();
    for (const days of [29, 0, -1, NaN]) await expect(prune({ days })).rejects.toThrow(RangeError);
    expect(await everything()).toEqual(before);
  });

  test("leaves of the checkpoints the first, the newest, the last of each day and the young ones", async () => {
    await fill();
    await opened.db.write("DELETE FROM checkpoints", []);
    // Of two days in UTC that are one day elsewhere, and of today.
    await opened.db.write(
      `INSERT INTO checkpoints (size, note, at) SELECT size, 'note', at::timestamptz FROM (VALUES
         (1, '2020-01-01 10:00:00+00'), (2, '2020-01-01 11:00:00+00'), (3, '2020-01-01 23:59:59+00'),
         (4, '2020-01-02 00:00:01+00'), (5, '2020-01-04 08:00:00+00'), (6, '2020-01-04 09:00:00+00'))
         AS r (size, at)`,
      [],
    );
    const sizes = async () =>
      (await opened.db.query("SELECT size FROM checkpoints ORDER BY size", [])).map((row) =>
        Number(row["size"]),
      );
    expect((await prune()).removed.checkpoints).toBe(2);
    expect(await sizes()).toEqual([1, 3, 4, 6]);
    await opened.db.write(
      "INSERT INTO checkpoints (size, note, at) VALUES (7, 'note', now() - interval '1 day'), (8, 'note', now() - interval '1 day')",
      [],
    );
    expect((await prune()).removed.checkpoints).toBe(0);
    await opened.db.write("DELETE FROM checkpoints", []);
  });

  test("lets an Idempotency-Key be used again, and not before", async () => {
    await fill();
    const key = withKey("deploy-7");
    expect(await opened.log.recordIntent(aSession({ requestedAt: new Date() }), key)).toMatchObject({
      ok: true,
    });
    await prune();
    expect(await opened.log.recordIntent(aSession({ requestedAt: new Date() }), key)).toMatchObject({
      ok: false,
      error: { reason: "idempotency_key_used" },
    });
    await opened.db.write("UPDATE idempotency SET created_at = created_at - interval '2000 days'", []);
    await prune();
    expect(await opened.log.recordIntent(aSession({ requestedAt: new Date() }), key)).toMatchObject({
      ok: true,
    });
  });

  const claim = async (channel: string) =>
    (await opened.log.outbox.claim(channel, 100, 60)).map((delivery) => delivery);
  const age = (days: number) =>
    opened.db.write(`UPDATE notices SET at = at - make_interval(days => ${days})`, []);

  test("makes no channel tell old news again, even where the clock goes back, or miss any", async () => {
    await fill();
    await opened.db.write("DELETE FROM notices", []);
    await opened.db.write("DELETE FROM deliveries", []);
    for (let n = 0; n < 3; n += 1) {
      const { id } = await requested(opened.log);
      await happen(opened.log, id, { kind: "cancelled", by: "agent" });
    }
    for (const delivery of await claim("slack")) await opened.log.outbox.delivered(delivery, null);
    // Another channel has still to tell them, so they stay.
    expect(await claim("mail")).toHaveLength(6);
    await age(40);
    expect((await prune()).removed).toMatchObject({ deliveries: 5, notices: 0 });
    await age(-40);
    expect(await claim("slack")).toEqual([]);
    const { id } = await requested(opened.log);
    const told = await claim("slack");
    expect(told.map(({ notice }) => notice.escalation)).toEqual([id]);
  });

  test("leaves an open escalation its thread", async () => {
    await fill();
    const { id } = await requested(opened.log);
    for (const delivery of await claim("chat")) await opened.log.outbox.delivered(delivery, "thread-1");
    await requested(opened.log);
    for (const delivery of await claim("chat")) await opened.log.outbox.delivered(delivery, null);
    await age(40);
    await prune();
    await happen(opened.log, id, { kind: "cancelled", by: "agent" });
    expect(await claim("chat")).toMatchObject([{ thread: "thread-1", notice: { escalation: id } }]);
  });

  test("deletes what writers claim under the head's lock alone, and holds that for nothing else", async () => {
    await fill();
    const olderThan = await opened.log.retention.daysAgo(30);
    const lockless = retention(opened.db, () => Promise.reject(new Error("under the head")));
    const refused: string[] = [];
    for (const table of PRUNED_TABLES) {
      const removing = lockless.remove({ table, olderThan, onRows: () => undefined }, 10);
      await removing.catch(() => refused.push(table));
    }
    expect(refused).toEqual(["idempotency", "escalation_keys", "invitations"]);
  });

  test("names no table of the record", () => {
    const kept = ["entries", "sessions", "escalations", "decisions", "passkeys", "policy_sets", "freezes"];
    expect(PRUNED_TABLES.filter((table) => kept.includes(table))).toEqual([]);
    expect([...PRUNED_TABLES].sort()).toEqual(Object.keys(NONE).sort());
  });
});
