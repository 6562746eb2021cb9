/** The contract of FreezeStore where it is about AWS: wanted, claimed, told, settled; the same on every engine. */
import { beforeEach, describe, expect, test } from "vitest";
import type { DenialOutcome, DueDenial } from "../../src/session/freeze-store.ts";
import { onEveryEngine } from "./engines.ts";
import { agentOf, ALL, delivered, fresh, frozen, OBSERVER, OPERATOR, sessionOf, VERSION } from "./freezes.ts";

const LEASE = 60;
const DOCUMENT = '{"Version":"2012-10-17"}';

onEveryEngine("what AWS is to deny", (opened) => {
  const claim = (seconds = LEASE) => opened.log.freezes.claimRole(seconds);
  const claimed = async (seconds = LEASE): Promise<DueDenial> => {
    const due = await claim(seconds);
    if (due === null) throw new Error("nothing is due");
    return due;
  };
  const settle = (due: DueDenial, outcome: Partial<DenialOutcome> = {}) =>
    opened.log.freezes.settleRole(
      due,
      {
        document: DOCUMENT,
        form: "sessions",
        sessions: due.sessions.length,
        until: new Date(Date.now() + 3_600_000),
        fault: null,
        ...outcome,
      },
      VERSION,
    );
  const last = async () =>
    (await opened.log.entries({ from: (await opened.log.size()) - 1, limit: 1 })).at(0);
  const roles = () => opened.log.freezes.roles();
  /** What waits for its time is due now. */
  const hurry = () => opened.db.query("UPDATE role_denials SET due_at = clock_timestamp()", []);
  const freezeOne = async (roleArn = OPERATOR) => {
    const session = await delivered(opened.log, { agent: fresh("agent"), roleArn });
    await frozen(opened.log, sessionOf(session.id));
    return session;
  };
  beforeEach(async () => {
    await opened.db.query("DELETE FROM role_denials", []);
    await opened.db.query("DELETE FROM denied_sessions", []);
  });

  test("is nothing where nothing is frozen", async () => {
    expect([await claim(), await roles()]).toEqual([null, []]);
  });

  test("is told by role with its sessions, and waits until AWS took it", async () => {
    const [one, two] = [await freezeOne(), await freezeOne()];
    const other = await freezeOne(OBSERVER);
    expect((await roles()).map(({ roleArn, state, since }) => [roleArn, state, since])).toEqual([
      [OBSERVER, "waiting", null],
      [OPERATOR, "waiting", null],
    ]);
    const due = [await claimed(), await claimed()];
    const byRole = new Map(due.map((one) => [one.roleArn, one.sessions.map(({ session }) => session)]));
    expect(new Set(byRole.get(OPERATOR))).toEqual(new Set([one.id, two.id]));
    expect(byRole.get(OBSERVER)).toEqual([other.id]);
    // The policy outlives the session, and STS issued it before the freeze was a minute old.
    for (const { sessions } of due)
      for (const { issuedBefore, until } of sessions) {
        expect(until.getTime()).toBeGreaterThan(Date.now() + 900_000);
        expect(issuedBefore.getTime()).toBeLessThan(Date.now() + 60_000);
      }
  });

  test("is claimed by one at a time, however many ask at once", async () => {
    await freezeOne();
    const claims = await Promise.all(Array.from({ length: 10 }, () => claim()));
    expect(claims.filter((one) => one !== null)).toHaveLength(1);
  });

  test("that a broker claimed and crashed over is due again when its lease is over, and not before", async () => {
    const { id } = await freezeOne();
    await claimed(LEASE);
    expect(await claim()).toBeNull();
    await opened.db.query(
      "UPDATE role_denials SET lease_until = clock_timestamp() - interval '1 second'",
      [],
    );
    const due = await claimed();
    expect(due.sessions.map(({ session }) => session)).toEqual([id]);
    await settle(due);
    expect(await roles()).toMatchObject([{ state: "in_force" }]);
  });

  test("is in force once it was settled, with its entry, and due no more", async () => {
    await freezeOne();
    await settle(await claimed());
    expect(await roles()).toEqual([
      {
        roleArn: OPERATOR,
        state: "in_force",
        form: "sessions",
        since: (await last())?.at,
        message: null,
      },
    ]);
    expect(await last()).toMatchObject({
      kind: "role.denied",
      policyVersion: VERSION,
      detail: { roleArn: OPERATOR, state: "in_force", form: "sessions", sessions: 1, message: null },
    });
    await hurry();
    expect(await claim()).toBeNull();
  });

  test("that changes while a broker tells AWS is due again", async () => {
    await freezeOne();
    const due = await claimed();
    const late = await freezeOne();
    await settle(due);
    expect(await roles()).toMatchObject([{ state: "waiting", since: null }]);
    const again = await claimed();
    expect(again.sessions.map(({ session }) => session)).toContain(late.id);
    expect(again.document).toBe(DOCUMENT);
  });

  test("that AWS refused is failed with its word, one entry for many tries, and tried again later each time", async () => {
    await freezeOne();
    const size = await opened.log.size();
    const waits: number[] = [];
    for (let tries = 0; tries < 12; tries += 1) {
      await hurry();
      const due = await claimed();
      expect(due.attempts).toBe(tries);
      await settle(due, { fault: "AccessDenied: no" });
      expect(await claim()).toBeNull();
      const [row] = await opened.db.query(
        "SELECT extract(epoch FROM due_at - clock_timestamp())::float8 AS wait FROM role_denials",
        [],
      );
      waits.push(Number(row?.["wait"]));
    }
    expect(await roles()).toMatchObject([{ state: "failed", since: null, message: "AccessDenied: no" }]);
    expect(await opened.log.size()).toBe(size + 1);
    expect(await last()).toMatchObject({
      kind: "role.denied",
      detail: { state: "failed", message: "AccessDenied: no" },
    });
    expect(waits[0]).toBeLessThanOrEqual(1);
    expect(waits.every((wait, index) => wait >= (waits[index - 1] ?? 0) - 1)).toBe(true);
    expect(Math.max(...waits)).toBeLessThanOrEqual(300);
    expect(Math.max(...waits)).toBeGreaterThan(200);
    await hurry();
    await settle(await claimed());
    expect(await roles()).toMatchObject([{ state: "in_force", message: null }]);
  });

  test("that was refused is due at once when more is wanted", async () => {
    await freezeOne();
    await settle(await claimed(), { fault: "AccessDenied: no" });
    expect(await claim()).toBeNull();
    await freezeOne();
    expect((await claimed()).attempts).toBe(0);
  });

  test("what is over is due once more, without its sessions, and is told no more", async () => {
    await freezeOne();
    await settle(await claimed(), { until: new Date(Date.now() - 1_000) });
    await opened.db.query("UPDATE denied_sessions SET until = clock_timestamp()", []);
    const due = await claimed();
    expect([due.sessions, due.document]).toEqual([[], DOCUMENT]);
    await settle(due, { document: null, form: "nobody", until: null });
    expect([await roles(), await claim()]).toEqual([[], null]);
  });

  describe("a freeze of everything", () => {
    test("denies everyone of every role it names, until no session of before can live", async () => {
      const made = await frozen(opened.log, ALL, { roles: [OPERATOR, OBSERVER] });
      const due = [await claimed(), await claimed()];
      expect(due.map(({ roleArn }) => roleArn).sort()).toEqual([OBSERVER, OPERATOR]);
      for (const { everyoneBefore, everyoneUntil, sessions } of due) {
        // An answer of STS that was under way may be as late as this.
        expect(everyoneBefore?.getTime()).toBeGreaterThanOrEqual(made.frozenAt.getTime() + 15_000);
        expect(everyoneUntil?.getTime()).toBeGreaterThanOrEqual(made.frozenAt.getTime() + 3_600_000);
        expect(sessions).toEqual([]);
      }
    });
  });

  test("of a freeze of an agent without sessions is nothing", async () => {
    await frozen(opened.log, agentOf(fresh("agent")));
    expect(await opened.log.freezes.spread()).toBe(true);
    expect([await opened.log.freezes.spread(), await claim()]).toEqual([false, null]);
  });
});
