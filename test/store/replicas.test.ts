/** Escalations on several brokers and one PostgreSQL: what only they can show. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAuditLog, type Store } from "../../src/adapters/postgres/audit-log.ts";
import { postgresInstalled, startPostgres, type Postgres } from "../support/postgres.ts";
import { aDraft, approved, consuming, decided, happen, requested } from "./escalations.ts";
import { aSession, CONTEXT, ISSUED, LATER, REFUSED } from "./records.ts";

const title = "two brokers on one PostgreSQL";

describe.skipIf(!postgresInstalled)(postgresInstalled ? title : `${title} (needs PostgreSQL)`, () => {
  let cluster: Postgres;
  let one: Store;
  let two: Store;
  beforeAll(async () => {
    cluster = (await startPostgres()) as Postgres;
    [one, two] = await Promise.all([
      openAuditLog({ url: cluster.url, folder: null }),
      openAuditLog({ url: cluster.url, folder: null }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([one.close(), two.close()]);
    await cluster.stop();
  });
  const either = (n: number): Store => (n % 2 === 0 ? one : two);
  const holding = async <T>(work: (holder: pg.Client) => Promise<T>): Promise<T> => {
    const holder = new pg.Client(cluster.url);
    await holder.connect();
    await holder.query("BEGIN; SELECT size FROM log_head WHERE id = 1 FOR UPDATE");
    const value = await work(holder);
    await holder.query("ROLLBACK");
    await holder.end();
    return value;
  };
  const untilBlocked = async (holder: pg.Client): Promise<void> => {
    const text =
      "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    for (let blocked = 0; blocked === 0;) blocked = (await holder.query(text)).rowCount ?? 0;
  };

  test("case 36: one grant used 100 times at once through both has one session", async () => {
    const { id } = await approved(one);
    const all = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const session = aSession({ escalation: id });
        return either(n).recordIntent(session, { ...CONTEXT, grant: consuming(id, session.id) });
      }),
    );
    expect(all.filter((intent) => intent.ok)).toHaveLength(1);
    expect(
      (await two.sessions({ agent: null, limit: 1_000, before: null })).filter(
        ({ session }) => session.escalation === id,
      ),
    ).toHaveLength(1);
  });

  test("20 grants used 10 times each at once, among plain mints, have 20 sessions, and the log no gap", async () => {
    const grants = await Promise.all(Array.from({ length: 20 }, (_, n) => approved(either(n))));
    const uses = grants.flatMap(({ id }) => Array.from({ length: 10 }, () => id));
    const [intents] = await Promise.all([
      Promise.all(
        uses.map((id, n) => {
          const session = aSession({ escalation: id });
          return either(n).recordIntent(session, { ...CONTEXT, grant: consuming(id, session.id) });
        }),
      ),
      Promise.all(
        Array.from({ length: 50 }, async (_, n) => {
          const session = aSession();
          await either(n).recordIntent(session, CONTEXT);
          await either(n).recordOutcome(session, ISSUED, LATER);
        }),
      ),
    ]);
    expect(intents.filter((intent) => intent.ok)).toHaveLength(20);
    const entries = await one.entries({ from: 0, limit: 100_000 });
    expect(entries.map(({ index }) => index)).toEqual(entries.map((_, n) => n));
    expect(await two.size()).toBe(entries.length);
  });

  test("the second approval counted by both at once makes one grant of two people", async () => {
    for (let n = 0; n < 20; n += 1) {
      const { id } = await requested(one);
      const people = ["orders-second", "platform-oncall"];
      const answers = await Promise.all(people.map((person, at) => happen(either(at), id, decided(person))));
      const states = answers.map((answer) => (answer.ok ? answer.value.escalation.state : null));
      expect(states.sort()).toEqual(["approved", "pending"]);
      expect((await one.escalations.find(id))?.decisions.map(({ person }) => person).sort()).toEqual(people);
    }
  });

  test("one person's approval through both at once is one decision", async () => {
    const { id } = await requested(one);
    const both = await Promise.all([one, two].map((log) => happen(log, id, decided("orders-second"))));
    expect(both.filter((answer) => answer.ok)).toHaveLength(1);
    expect(await two.escalations.find(id)).toMatchObject({ state: "pending", decisions: [{}] });
  });

  test("case 38: approve through one and deny through the other at once is denied", async () => {
    for (let n = 0; n < 20; n += 1) {
      const { id } = await requested(one);
      await happen(one, id, decided("orders-second"));
      await Promise.all([
        happen(either(n), id, decided("platform-oncall")),
        happen(either(n + 1), id, decided("security-oncall", "deny")),
      ]);
      expect(await one.escalations.find(id)).toMatchObject({ state: "denied" });
    }
  });

  test("case 10: a token used on both at once makes one escalation", async () => {
    const request = { tokenId: "jti-both", idempotencyKey: "key-both" };
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => either(n).escalations.request(aDraft({ request }))),
    );
    const outcomes = answers.map((answer) => (answer.ok ? answer.value.outcome : answer.error.reason));
    expect(outcomes.sort()).toEqual(["created", ...Array<string>(9).fill("repeated")]);
  });

  test("case 39: a decision that waited for the lock is held against the clock after the wait", async () => {
    const { id } = await requested(one);
    await happen(one, id, decided("orders-second"));
    const waiting = await holding(async (holder) => {
      const answer = happen(one, id, decided("platform-oncall"));
      await untilBlocked(holder);
      // Over from here on: after the decision's transaction began, and before it had its lock.
      await holder.query("UPDATE escalations SET expires_at = clock_timestamp() WHERE id = $1", [id]);
      await holder.query("COMMIT");
      return { answer };
    });
    expect(await waiting.answer).toMatchObject({
      ok: false,
      error: { reason: "machine", fault: { state: "expired" } },
    });
    expect(await two.escalations.find(id)).toMatchObject({ state: "expired" });
  });

  describe("waiting for a change", () => {
    const LONG = 60_000;
    const wait = (log: Store, ms = LONG, signal = new AbortController().signal) =>
      log.escalations.changed(ms, signal);

    test("ends with this broker's own change", async () => {
      const { id } = await requested(one);
      const waiting = wait(one);
      await happen(one, id, { kind: "cancelled", by: "agent" });
      await waiting;
    });

    test("ends with another broker's change and entry", async () => {
      const { id } = await requested(one);
      const waiting = [wait(one), wait(one)];
      await happen(two, id, decided("orders-second"));
      await Promise.all(waiting);
      const next = wait(one);
      await two.append(REFUSED);
      await next;
    });

    test("never misses a change that came between reading and waiting", async () => {
      for (let n = 0; n < 3; n += 1) {
        const { id } = await requested(one);
        const others = wait(one);
        const before = await one.escalations.find(id);
        await happen(two, id, { kind: "cancelled", by: "agent" });
        // Others that wait have seen it by now.
        await others;
        if (before?.state === "pending") await wait(one);
        expect(await one.escalations.find(id)).toMatchObject({ state: "cancelled" });
      }
    });

    test("ends when its time is over, when the signal aborts, and at once where it has", async () => {
      await wait(one, 1);
      const stop = new AbortController();
      const waiting = wait(one, LONG, stop.signal);
      stop.abort();
      await waiting;
      await wait(one, LONG, stop.signal);
    });

    test("ends when the store closes, and then at once", async () => {
      const log = await openAuditLog({ url: cluster.url, folder: null });
      const waiting = wait(log);
      await log.close();
      await waiting;
      await wait(log);
    });
  });
});
