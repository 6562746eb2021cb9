/** A grant and its session: the contract of audit/log.ts where it meets escalations, the same on every engine. */
import { describe, expect, test } from "vitest";
import { err } from "../../src/result.ts";
import { onEveryEngine } from "./engines.ts";
import { approved, consuming, decided, happen, requested } from "./escalations.ts";
import { aSession, CONTEXT, FAILED, ISSUED, LATER, REFUSED, UNKNOWN, withKey } from "./records.ts";

onEveryEngine("a grant", (opened) => {
  const consume = async (escalation: string, key: string | null = null) => {
    const session = aSession({ escalation });
    const context = key === null ? CONTEXT : withKey(key);
    const grant = consuming(escalation, session.id);
    const intent = await opened.log.recordIntent(session, { ...context, grant });
    return { session, intent };
  };
  const find = (id: string) => opened.log.escalations.find(id);
  const deny = (id: string) => happen(opened.log, id, decided("security-oncall", "deny"));
  const kinds = async (from: number) =>
    (await opened.log.entries({ from, limit: 100 })).map(({ kind }) => kind);

  test("is consumed with the intent: the change first, then the intent, in one transaction", async () => {
    const { id } = await approved(opened.log);
    const from = await opened.log.size();
    const { session, intent } = await consume(id);
    expect(intent).toEqual({ ok: true, value: { entry: from + 1 } });
    expect(await kinds(from)).toEqual(["escalation.changed", "session.intent"]);
    expect(await find(id)).toMatchObject({ state: "consumed", session: session.id });
    expect(await opened.log.session(session.id)).toMatchObject({ session, state: "intent", frozenAt: null });
  });

  test("case 36: used 50 times at once has one session", async () => {
    const { id } = await approved(opened.log);
    const from = await opened.log.size();
    const all = await Promise.all(Array.from({ length: 50 }, () => consume(id)));
    expect(all.filter(({ intent }) => intent.ok)).toHaveLength(1);
    const winner = all.find(({ intent }) => intent.ok)?.session.id;
    for (const { intent } of all) {
      if (intent.ok) continue;
      expect(intent.error).toMatchObject({
        reason: "grant_machine",
        fault: { reason: "closed", state: "consumed" },
        escalation: { id, session: winner },
      });
    }
    expect(await opened.log.size()).toBe(from + 2);
  });

  test("that does not exist, is not approved, or is over gives no session", async () => {
    const pending = await requested(opened.log);
    const late = await approved(opened.log);
    await opened.db.query("UPDATE escalations SET usable_until = clock_timestamp() WHERE id = $1", [late.id]);
    expect((await consume("esc-none")).intent).toEqual({ ok: false, error: { reason: "grant_not_found" } });
    expect((await consume(pending.id)).intent).toMatchObject({
      error: { reason: "grant_machine", fault: { reason: "not_approved" } },
    });
    const { session, intent } = await consume(late.id);
    expect(intent).toMatchObject({
      error: { reason: "grant_machine", fault: { reason: "closed", state: "expired" } },
    });
    expect(await opened.log.session(session.id)).toBeNull();
  });

  test("that the flow refuses stays, and its words come back", async () => {
    const { id } = await approved(opened.log);
    const from = await opened.log.size();
    const session = aSession({ escalation: id });
    const choose = () => err("policy_changed");
    const refused = await opened.log.recordIntent(session, {
      ...withKey("grant-refused"),
      grant: { escalation: id, choose },
    });
    expect(refused).toEqual({ ok: false, error: { reason: "grant_refused", failure: "policy_changed" } });
    expect(await opened.log.size()).toBe(from);
    expect((await consume(id, "grant-refused")).intent.ok).toBe(true);
  });

  test("an Idempotency-Key used before is answered first and leaves the grant", async () => {
    const [one, two] = [await approved(opened.log), await approved(opened.log)];
    const first = await consume(one.id, "grant-key");
    const used = { reason: "idempotency_key_used", session: first.session.id, sameBody: true };
    expect((await consume(two.id, "grant-key")).intent).toEqual({ ok: false, error: used });
    expect((await consume(one.id, "grant-key")).intent).toEqual({ ok: false, error: used });
    expect(await find(two.id)).toMatchObject({ state: "approved" });
    const plain = await opened.log.recordIntent(aSession(), withKey("grant-key"));
    expect(plain).toEqual({ ok: false, error: used });
  });

  test("comes back with a definite failure, and makes another session", async () => {
    const { id, usableUntil } = await approved(opened.log);
    const { session } = await consume(id);
    const from = await opened.log.size();
    const outcome = await opened.log.recordOutcome(session, FAILED, LATER);
    expect(outcome).toEqual({ entry: from, delivered: true });
    expect(await kinds(from)).toEqual(["session.failed", "escalation.changed"]);
    expect(await find(id)).toMatchObject({ state: "approved", session: null, usableUntil });
    expect((await consume(id)).intent.ok).toBe(true);
  });

  test("comes back over where its time ended meanwhile, which is announced", async () => {
    const { id } = await approved(opened.log);
    const { session } = await consume(id);
    await opened.db.query("UPDATE escalations SET usable_until = clock_timestamp() WHERE id = $1", [id]);
    await opened.log.recordOutcome(session, FAILED, LATER);
    expect(await find(id)).toMatchObject({ state: "expired" });
    const notices = await opened.db.query("SELECT kind FROM notices WHERE escalation = $1 ORDER BY entry", [
      id,
    ]);
    expect(notices.at(-1)?.["kind"]).toBe("escalation.expired");
  });

  test.each([ISSUED, UNKNOWN])("stays consumed where the outcome is $state", async (outcome) => {
    const { id } = await approved(opened.log);
    const { session } = await consume(id);
    expect(await opened.log.recordOutcome(session, outcome, LATER)).toMatchObject({ delivered: true });
    expect(await find(id)).toMatchObject({ state: "consumed", session: session.id });
  });

  test("a second outcome gives nothing back", async () => {
    const { id } = await approved(opened.log);
    const { session } = await consume(id);
    await opened.log.recordOutcome(session, ISSUED, LATER);
    const from = await opened.log.size();
    await expect(opened.log.recordOutcome(session, FAILED, LATER)).rejects.toThrow();
    expect(await find(id)).toMatchObject({ state: "consumed" });
    expect(await opened.log.size()).toBe(from);
  });

  describe("denied after the mint", () => {
    test("what STS issued meanwhile is written as unknown and not delivered", async () => {
      const { id } = await approved(opened.log);
      const { session } = await consume(id);
      await deny(id);
      const { entry, delivered } = await opened.log.recordOutcome(session, ISSUED, LATER);
      expect(delivered).toBe(false);
      expect((await opened.log.entries({ from: entry, limit: 1 }))[0]).toMatchObject({
        kind: "session.unknown",
        escalation: id,
        detail: { code: "Frozen" },
      });
      expect(await opened.log.session(session.id)).toMatchObject({ state: "unknown", accessKeyId: null });
    });

    test("its neighbours in the same group are delivered", async () => {
      const [frozen, fine] = [await approved(opened.log), await approved(opened.log)];
      const [one, two] = [await consume(frozen.id), await consume(fine.id)];
      await deny(frozen.id);
      const outcomes = await Promise.all([
        opened.log.recordOutcome(one.session, ISSUED, LATER),
        opened.log.recordOutcome(two.session, ISSUED, LATER),
        opened.log.append(REFUSED),
      ]);
      expect(outcomes.slice(0, 2)).toMatchObject([{ delivered: false }, { delivered: true }]);
    });

    test("what was delivered already is frozen", async () => {
      const { id } = await approved(opened.log);
      const { session } = await consume(id);
      await opened.log.recordOutcome(session, ISSUED, LATER);
      expect(await deny(id)).toMatchObject({ ok: true, value: { freeze: true } });
      expect(await opened.log.session(session.id)).toMatchObject({
        state: "issued",
        frozenAt: expect.any(Date) as Date,
      });
    });

    test("a definite failure brings no grant back", async () => {
      const { id } = await approved(opened.log);
      const { session } = await consume(id);
      await deny(id);
      await opened.log.recordOutcome(session, FAILED, LATER);
      expect(await find(id)).toMatchObject({ state: "denied" });
      expect((await consume(id)).intent.ok).toBe(false);
    });

    test("of a denial and an outcome at once, whichever is first: frozen before it is never delivered", async () => {
      for (let n = 0; n < 10; n += 1) {
        const { id } = await approved(opened.log);
        const { session } = await consume(id);
        const [outcome, denial] = await Promise.all([
          opened.log.recordOutcome(session, ISSUED, LATER),
          deny(id),
        ]);
        const entries = await opened.log.entries({ from: 0, limit: 10_000 });
        const frozenAt = entries.find(
          (entry) => entry.kind === "freeze.made" && entry.session === session.id,
        );
        expect(denial).toMatchObject({ ok: true, value: { freeze: true } });
        expect(outcome.delivered).toBe(outcome.entry < (frozenAt?.index ?? NaN));
      }
    });
  });

  test("case 38: approve and deny at once is denied, whichever comes first", async () => {
    for (let n = 0; n < 10; n += 1) {
      const { id } = await requested(opened.log);
      await happen(opened.log, id, decided("orders-second"));
      await Promise.all([happen(opened.log, id, decided("platform-oncall")), deny(id)]);
      expect(await find(id)).toMatchObject({ state: "denied" });
    }
  });
});
