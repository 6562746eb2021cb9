/** The contract of audit/log.ts, the same on every engine. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAuditLog, type Store } from "../../src/adapters/postgres/audit-log.ts";
import type { StoredEntry } from "../../src/audit/log.ts";
import { postgresInstalled, startPostgres, type Postgres } from "../support/postgres.ts";
import { AT, aSession, CONTEXT, FAILED, ISSUED, LATER, REFUSED, withKey } from "./records.ts";

interface Engine {
  readonly name: string;
  readonly available: boolean;
  open(): Promise<Store>;
  stop(): Promise<void>;
}

let cluster: Postgres | null = null;
const engines: readonly Engine[] = [
  {
    name: "PGlite",
    available: true,
    open: () => openAuditLog({ url: null, folder: null }),
    stop: async () => undefined,
  },
  {
    name: postgresInstalled ? "PostgreSQL" : "PostgreSQL (skipped: needs PostgreSQL)",
    available: postgresInstalled,
    open: async () => {
      cluster = await startPostgres();
      return openAuditLog({ url: cluster?.url ?? null, folder: null });
    },
    stop: async () => cluster?.stop(),
  },
];

describe.each(engines)("the audit log on $name", (engine) => {
  describe.skipIf(!engine.available)("keeps its contract", () => {
    let log: Store;
    beforeAll(async () => {
      log = await engine.open();
    });
    afterAll(async () => {
      await log.close();
      await engine.stop();
    });

    const entryAt = async (index: number): Promise<StoredEntry | undefined> =>
      (await log.entries({ from: index, limit: 1 }))[0];
    const recordOf = async (id: string) =>
      (await log.sessions({ agent: null, limit: 1_000, before: null })).find((one) => one.session.id === id);

    test("an intent is read back whole, in state intent, with its entry", async () => {
      const session = aSession({ escalation: "esc-1", parameters: { stack: ["a", "b"] } });
      const answer = await log.recordIntent(session, CONTEXT);
      const index = answer.ok ? answer.value.entry : -1;
      expect(await recordOf(session.id)).toEqual({
        session,
        state: "intent",
        accessKeyId: null,
        expiresAt: null,
        frozenAt: null,
      });
      const { requestedAt, ...detail } = session;
      expect(await entryAt(index)).toEqual({
        index,
        kind: "session.intent",
        at: requestedAt,
        requestId: "req-1",
        agent: "deploy-agent",
        owner: "orders-lead",
        person: null,
        session: session.id,
        escalation: "esc-1",
        policyVersion: "b".repeat(64),
        detail,
      });
    });

    test("an issued outcome moves the session and is read back whole", async () => {
      const session = aSession();
      await log.recordIntent(session, CONTEXT);
      const { entry } = await log.recordOutcome(session, ISSUED, LATER);
      expect(await recordOf(session.id)).toEqual({
        session,
        state: "issued",
        accessKeyId: "ASIAEXAMPLE",
        expiresAt: new Date("2026-03-01T10:15:00.789Z"),
        frozenAt: null,
      });
      const { state, ...detail } = ISSUED;
      expect(state).toBe("issued");
      expect(await entryAt(entry)).toEqual({
        index: entry,
        kind: "session.issued",
        at: LATER.at,
        requestId: "req-2",
        agent: "deploy-agent",
        owner: "orders-lead",
        person: null,
        session: session.id,
        escalation: null,
        policyVersion: "b".repeat(64),
        detail,
      });
    });

    test.each(["failed", "unknown"] as const)("an outcome `%s` keeps its code and message", async (state) => {
      const session = aSession();
      await log.recordIntent(session, CONTEXT);
      const { entry } = await log.recordOutcome(session, { ...FAILED, state } as typeof FAILED, LATER);
      expect(await recordOf(session.id)).toMatchObject({ state, accessKeyId: null, expiresAt: null });
      expect(await entryAt(entry)).toMatchObject({
        kind: `session.${state}`,
        detail: { code: "AccessDenied", message: "not authorized" },
      });
    });

    test("an entry of another kind is read back whole", async () => {
      const { entry } = await log.append(REFUSED);
      expect(await entryAt(entry)).toEqual({ index: entry, ...REFUSED });
    });

    test("200 concurrent mixed writes take consecutive indexes, each caller told its own", async () => {
      const before = await log.size();
      const sessions = Array.from({ length: 100 }, () => aSession());
      const written = await Promise.all([
        ...sessions.map(async (session, n) => {
          const intent = await log.recordIntent(session, n % 2 === 0 ? withKey(session.id) : CONTEXT);
          const outcome = await log.recordOutcome(session, ISSUED, LATER);
          return [intent.ok ? intent.value.entry : -1, outcome.entry].map((index) => [index, session.id]);
        }),
        ...Array.from({ length: 100 }, async (_, n) => {
          const { entry } = await log.append({ ...REFUSED, session: `append-${n}` });
          return [[entry, `append-${n}`]];
        }),
      ]);
      const told = new Map(written.flat() as [number, string][]);
      const entries = await log.entries({ from: before, limit: 1_000 });
      expect(entries.map((entry) => entry.index)).toEqual(Array.from({ length: 300 }, (_, n) => before + n));
      expect(new Map(entries.map((entry) => [entry.index, entry.session]))).toEqual(told);
      expect(await log.size()).toBe(before + 300);
    });

    test("an idempotency key used again is refused, says whether the body was the same, and takes no index", async () => {
      const first = aSession();
      await log.recordIntent(first, withKey("key-1", "d".repeat(64)));
      const before = await log.size();
      const same = await log.recordIntent(aSession(), withKey("key-1", "d".repeat(64)));
      const other = await log.recordIntent(aSession(), withKey("key-1", "e".repeat(64)));
      const used = { reason: "idempotency_key_used", session: first.id };
      expect(same).toEqual({ ok: false, error: { ...used, sameBody: true } });
      expect(other).toEqual({ ok: false, error: { ...used, sameBody: false } });
      expect(await log.size()).toBe(before);
    });

    test("a refused intent leaves no session behind", async () => {
      await log.recordIntent(aSession(), withKey("key-2"));
      const refused = aSession();
      await log.recordIntent(refused, withKey("key-2"));
      expect(await recordOf(refused.id)).toBeUndefined();
    });

    test("the same idempotency key of another agent is another key", async () => {
      await log.recordIntent(aSession(), withKey("key-3"));
      expect((await log.recordIntent(aSession({ agent: "other-agent" }), withKey("key-3"))).ok).toBe(true);
    });

    test("of 20 intents at once with one key exactly one is recorded, and its neighbours are", async () => {
      const before = await log.size();
      const racing = Array.from({ length: 20 }, () => aSession());
      const [answers, neighbours] = await Promise.all([
        Promise.all(racing.map((session) => log.recordIntent(session, withKey("key-4")))),
        Promise.all([log.append(REFUSED), log.recordIntent(aSession(), withKey("key-5"))]),
      ]);
      const winner = racing[answers.findIndex((answer) => answer.ok)];
      expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
      for (const answer of answers) {
        if (!answer.ok) expect(answer.error).toMatchObject({ session: winner?.id });
      }
      expect(neighbours).toHaveLength(2);
      expect(await log.size()).toBe(before + 3);
    });

    test("a second outcome for one session is rejected and not recorded", async () => {
      const session = aSession();
      await log.recordIntent(session, CONTEXT);
      await log.recordOutcome(session, FAILED, LATER);
      const before = await log.size();
      await expect(log.recordOutcome(session, ISSUED, LATER)).rejects.toThrow();
      expect(await log.size()).toBe(before);
      expect(await recordOf(session.id)).toMatchObject({ state: "failed", accessKeyId: null });
    });

    test("of two outcomes at once for one session one is recorded, and their neighbours are", async () => {
      const session = aSession();
      await log.recordIntent(session, CONTEXT);
      const before = await log.size();
      const [one, two, neighbour] = await Promise.allSettled([
        log.recordOutcome(session, ISSUED, LATER),
        log.recordOutcome(session, FAILED, LATER),
        log.append(REFUSED),
      ]);
      expect([one.status, two.status].sort()).toEqual(["fulfilled", "rejected"]);
      expect(neighbour.status).toBe("fulfilled");
      expect(await log.size()).toBe(before + 2);
    });

    test("an outcome without an intent is rejected and not recorded", async () => {
      const before = await log.size();
      await expect(log.recordOutcome(aSession(), ISSUED, LATER)).rejects.toThrow();
      expect(await log.size()).toBe(before);
    });

    test("a row the database refuses is rejected alone", async () => {
      const session = aSession();
      await log.recordIntent(session, CONTEXT);
      const before = await log.size();
      const [left, again, right] = await Promise.allSettled([
        log.append(REFUSED),
        log.recordIntent(session, CONTEXT),
        log.recordIntent(aSession(), CONTEXT),
      ]);
      expect([left.status, again.status, right.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(await log.size()).toBe(before + 2);
    });

    test("hostile text is kept exactly and harms no neighbour", async () => {
      const hostile = "nul \0 lone \ud800 quote ' \" \\u0000 \\ {} \u202e end";
      const session = aSession({
        agent: `agent\0\udfff`,
        task: { id: hostile, intent: "observe", summary: hostile },
      });
      const [intent] = await Promise.all([
        log.recordIntent(session, { ...withKey(hostile), requestId: hostile }),
        log.recordIntent(aSession(), CONTEXT),
      ]);
      expect((await recordOf(session.id))?.session).toEqual(session);
      expect(await entryAt(intent.ok ? intent.value.entry : -1)).toMatchObject({
        requestId: hostile,
        agent: "agent\0\udfff",
        detail: { task: { summary: hostile } },
      });
    });

    test("an idempotency key may be of any length and characters, and stays distinct", async () => {
      const keys = ["k".repeat(100_000), `${"k".repeat(100_000)}x`, "\0", "\ud800", "\ud801", "\ufffd"];
      const answers = await Promise.all(keys.map((key) => log.recordIntent(aSession(), withKey(key))));
      expect(answers.map((answer) => answer.ok)).toEqual(keys.map(() => true));
    });

    test("sessions come newest first, page by page, while new ones are written", async () => {
      const agent = "paging-agent";
      // All asked at the same instant: the order is that of the log, not of a clock.
      const ids: string[] = [];
      for (let n = 0; n < 7; n += 1) {
        const session = aSession({ agent, requestedAt: AT });
        ids.unshift(session.id);
        await log.recordIntent(session, CONTEXT);
      }
      const seen: string[] = [];
      for (let before: string | null = null; seen.length < 7;) {
        const page = await log.sessions({ agent, limit: 3, before });
        seen.push(...page.map((one) => one.session.id));
        before = seen.at(-1) ?? null;
        await log.recordIntent(aSession({ agent }), CONTEXT);
      }
      expect(seen).toEqual(ids);
    });

    test("another agent's sessions are not listed, and its session ids page nothing", async () => {
      const mine = aSession({ agent: "my-agent" });
      const theirs = aSession({ agent: "their-agent" });
      await log.recordIntent(mine, CONTEXT);
      await log.recordIntent(theirs, CONTEXT);
      const list = async (before: string | null) =>
        (await log.sessions({ agent: "my-agent", limit: 10, before })).map((one) => one.session.id);
      expect(await list(null)).toEqual([mine.id]);
      expect(await list(theirs.id)).toEqual([]);
      expect(await list("tks-none")).toEqual([]);
    });

    test("entries come in log order from where they are asked", async () => {
      const { entry } = await log.append(REFUSED);
      await log.append(REFUSED);
      await log.append(REFUSED);
      const page = await log.entries({ from: entry + 1, limit: 2 });
      expect(page.map((one) => one.index)).toEqual([entry + 1, entry + 2]);
      expect(await log.entries({ from: entry + 1_000, limit: 2 })).toEqual([]);
    });

    test("it is ready while it can write", async () => {
      expect(await log.ready()).toBe(true);
    });
  });
});
