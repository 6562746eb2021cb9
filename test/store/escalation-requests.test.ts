/** Asking for an escalation: the contract of escalation/store.ts, the same on every engine. */
import { describe, expect, test } from "vitest";
import { escalationCode } from "../../src/escalation/code.ts";
import { onEveryEngine } from "./engines.ts";
import {
  aDraft,
  approved,
  decided,
  encoded,
  happen,
  policyContent,
  requested,
  VERSION,
} from "./escalations.ts";

const LIMITS = { maxPending: 3, coolDownSeconds: 3_600 };

onEveryEngine("a request for an escalation", (opened) => {
  const ask = (changes?: Parameters<typeof aDraft>[0]) => opened.log.escalations.request(aDraft(changes));
  const noticesOf = async (id: string) =>
    (await opened.db.query("SELECT kind FROM notices WHERE escalation = $1 ORDER BY entry", [id])).map(
      (row) => row["kind"],
    );
  const entriesOf = (id: string) =>
    opened.log.search({
      kinds: null,
      agent: null,
      person: null,
      session: null,
      escalation: id,
      text: null,
      before: null,
      limit: 100,
    });
  const over = (id: string) =>
    opened.db.query("UPDATE escalations SET expires_at = clock_timestamp() WHERE id = $1", [id]);

  test("is kept whole, with its entry and its notice, and waits by the database's clock", async () => {
    const draft = aDraft({ content: { reason: 'nul \0 quote " \u202e' } });
    const answer = await opened.log.escalations.request(draft);
    const [row] = await opened.db.query("SELECT requested_at, expires_at FROM escalations WHERE id = $1", [
      draft.content.id,
    ]);
    const { content, canonical, digest } = draft;
    const escalation = {
      id: content.id,
      content,
      canonical,
      digest,
      state: "pending",
      requestedAt: row?.["requested_at"],
      expiresAt: new Date((row?.["requested_at"] as Date).getTime() + 3_600_000),
      usableUntil: null,
      decisions: [],
      session: null,
    };
    expect(answer).toEqual({ ok: true, value: { escalation, outcome: "created" } });
    expect(await opened.log.escalations.find(content.id)).toEqual(escalation);
    expect(row?.["expires_at"]).toEqual(escalation.expiresAt);
    expect(await entriesOf(content.id)).toEqual([
      {
        index: expect.any(Number) as number,
        kind: "escalation.requested",
        at: escalation.requestedAt,
        requestId: "req-1",
        agent: "deploy-agent",
        owner: "orders-lead",
        person: null,
        session: null,
        escalation: content.id,
        policyVersion: VERSION,
        detail: { digest, code: escalationCode(digest), expiresAt: escalation.expiresAt, content: canonical },
      },
    ]);
    expect(await noticesOf(content.id)).toEqual(["escalation.requested"]);
  });

  test("of a policy set has no agent and is nobody's token", async () => {
    const content = policyContent();
    const draft = {
      content,
      ...encoded(content),
      joinKey: content.id,
      request: null,
      policyVersion: VERSION,
    };
    expect(await opened.log.escalations.request(draft)).toMatchObject({
      ok: true,
      value: { outcome: "created" },
    });
    expect(await opened.log.escalations.request(draft)).toMatchObject({
      ok: true,
      value: { outcome: "joined" },
    });
    expect((await entriesOf(content.id)).map(({ kind, agent, owner }) => [kind, agent, owner])).toEqual([
      ["escalation.joined", null, null],
      ["escalation.requested", null, null],
    ]);
  });

  describe("made again", () => {
    const again = { tokenId: "jti-again", idempotencyKey: "key-again", bodyDigest: "1".repeat(64) };

    test("case 10: with the same token, Idempotency-Key and body it is the first one", async () => {
      const first = await requested(opened.log, { request: again });
      const size = await opened.log.size();
      const second = await ask({ request: again });
      expect(second).toEqual({ ok: true, value: { escalation: first, outcome: "repeated" } });
      expect(await opened.log.size()).toBe(size);
    });

    test.each([
      ["another key", { ...again, idempotencyKey: "key-other" }],
      ["no key", { ...again, idempotencyKey: null }],
      ["another body", { ...again, bodyDigest: "2".repeat(64) }],
    ])("case 10: with the same token and %s it is refused", async (_, request) => {
      expect(await ask({ request })).toEqual({ ok: false, error: { reason: "token_replayed" } });
    });

    test("case 10: without a key a token asks once, for the same thing too", async () => {
      const request = { tokenId: "jti-once" };
      expect((await ask({ request })).ok).toBe(true);
      expect(await ask({ request })).toEqual({ ok: false, error: { reason: "token_replayed" } });
    });

    test("with a fresh token and the same key it is the first one, and the token is spent", async () => {
      const request = { idempotencyKey: "key-fresh", bodyDigest: "3".repeat(64) };
      const first = await requested(opened.log, { request });
      const fresh = { ...request, tokenId: "jti-fresh" };
      expect(await ask({ request: fresh })).toMatchObject({
        ok: true,
        value: { outcome: "repeated", escalation: { id: first.id } },
      });
      expect(await ask({ request: { tokenId: "jti-fresh" } })).toMatchObject({
        ok: false,
        error: { reason: "token_replayed" },
      });
    });

    test("with the same key and another body it is refused and spends nothing", async () => {
      const first = await requested(opened.log, { request: { idempotencyKey: "key-body" } });
      const other = { idempotencyKey: "key-body", bodyDigest: "4".repeat(64), tokenId: "jti-body" };
      const error = { reason: "idempotency_key_used", escalation: first.id };
      expect(await ask({ request: other })).toEqual({ ok: false, error });
      expect((await ask({ request: { tokenId: "jti-body" } })).ok).toBe(true);
    });

    test("another agent's key and token id are its own", async () => {
      const request = { tokenId: "jti-theirs", idempotencyKey: "key-theirs" };
      await requested(opened.log, { request });
      const other = await ask({ request, content: { agent: "other-agent" } });
      expect(other).toMatchObject({ ok: true, value: { outcome: "created" } });
    });
  });

  describe("for what waits already", () => {
    test("joins it: one escalation, one notice, an entry for each asking, and its token and key are spent", async () => {
      const first = await requested(opened.log, { joinKey: "join-1" });
      const request = { tokenId: "jti-join", idempotencyKey: "key-join" };
      const second = await ask({ joinKey: "join-1", request });
      expect(second).toEqual({ ok: true, value: { escalation: first, outcome: "joined" } });
      expect((await entriesOf(first.id)).map(({ kind }) => kind)).toEqual([
        "escalation.joined",
        "escalation.requested",
      ]);
      expect(await noticesOf(first.id)).toEqual(["escalation.requested"]);
      expect(await ask({ request })).toMatchObject({
        ok: true,
        value: { outcome: "repeated", escalation: first },
      });
    });

    test("20 at once make one", async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask({ joinKey: "join-20" })));
      const ids = answers.map((answer) => (answer.ok ? answer.value.escalation.id : null));
      expect(new Set(ids).size).toBe(1);
      expect(answers.filter((answer) => answer.ok && answer.value.outcome === "created")).toHaveLength(1);
    });

    test("makes a new one where the first is decided", async () => {
      const grant = await approved(opened.log, { joinKey: "join-decided" });
      const next = await requested(opened.log, { joinKey: "join-decided" });
      expect(next.id).not.toBe(grant.id);
    });

    test("makes a new one where the first is over, which is written down first", async () => {
      const first = await requested(opened.log, { joinKey: "join-over" });
      await over(first.id);
      const next = await requested(opened.log, { joinKey: "join-over" });
      expect(next.id).not.toBe(first.id);
      expect((await entriesOf(first.id)).map(({ kind }) => kind)).toEqual([
        "escalation.changed",
        "escalation.requested",
      ]);
      expect(await noticesOf(first.id)).toEqual(["escalation.requested", "escalation.expired"]);
    });
  });

  describe("of an agent that wears people down", () => {
    test("case 46: past the limit is refused with what waits, the newest first, and tells nobody", async () => {
      const content = { agent: "eager-agent" };
      const asking = { content, request: { limits: LIMITS } };
      const answers = [];
      for (let n = 0; n < 50; n += 1) answers.push(await ask(asking));
      const made = answers.flatMap((answer) => (answer.ok ? [answer.value.escalation.id] : []));
      expect(made).toHaveLength(3);
      expect(answers.at(-1)).toEqual({
        ok: false,
        error: { reason: "too_many_pending", pending: made.toReversed() },
      });
      const kept = await opened.log.escalations.list({
        agent: "eager-agent",
        states: null,
        limit: 100,
        before: null,
      });
      expect(kept.map(({ id }) => id)).toEqual(made.toReversed());
    });

    test("what is over does not count, nor what is decided", async () => {
      const asking = { content: { agent: "patient-agent" }, request: { limits: LIMITS } };
      const [first, second] = [await requested(opened.log, asking), await requested(opened.log, asking)];
      await requested(opened.log, asking);
      await over(first.id);
      await happen(opened.log, second.id, { kind: "cancelled", by: "agent" });
      await requested(opened.log, asking);
      await requested(opened.log, asking);
      expect(await ask(asking)).toMatchObject({ ok: false, error: { reason: "too_many_pending" } });
    });

    test("after a denial it waits, for that template, by the database's clock", async () => {
      const asking = { content: { agent: "denied-agent" }, request: { limits: LIMITS } };
      const { id } = await requested(opened.log, asking);
      const denied = await happen(opened.log, id, decided("orders-second", "deny"));
      const at = denied.ok ? denied.value.escalation.decisions[0]?.at : undefined;
      const until = new Date((at?.getTime() ?? NaN) + 3_600_000);
      expect(await ask(asking)).toEqual({ ok: false, error: { reason: "cooling_down", until } });
      const other = { content: { agent: "denied-agent", template: "production-restart" } };
      expect((await ask({ ...asking, ...other })).ok).toBe(true);
      await opened.db.query(
        "UPDATE escalations SET denied_at = denied_at - interval '1 hour' WHERE id = $1",
        [id],
      );
      expect((await ask(asking)).ok).toBe(true);
    });

    test("a refused request leaves nothing and spends nothing", async () => {
      const asking = {
        content: { agent: "refused-agent" },
        request: { limits: { ...LIMITS, maxPending: 0 } },
      };
      const size = await opened.log.size();
      const request = { ...asking.request, tokenId: "jti-refused", idempotencyKey: "key-refused" };
      const draft = aDraft({ ...asking, request });
      expect((await opened.log.escalations.request(draft)).ok).toBe(false);
      expect(await opened.log.size()).toBe(size);
      expect(await opened.log.escalations.find(draft.content.id)).toBeNull();
      const allowed = { ...request, limits: LIMITS };
      expect(await ask({ ...asking, request: allowed })).toMatchObject({
        ok: true,
        value: { outcome: "created" },
      });
    });
  });

  test("a request whose id is taken is rejected, and the next is kept", async () => {
    const { id } = await requested(opened.log);
    await expect(ask({ content: { id } })).rejects.toThrow();
    await requested(opened.log);
    expect(await happen(opened.log, id, { kind: "cancelled", by: "agent" })).toMatchObject({ ok: true });
  });
});
