/** What happens to an escalation: the contract of escalation/store.ts, the same on every engine. */
import { describe, expect, test } from "vitest";
import type { ChangeContext } from "../../src/escalation/store.ts";
import { err, ok } from "../../src/result.ts";
import { onEveryEngine } from "./engines.ts";
import {
  APPROVERS,
  approved,
  CHANGE,
  consuming,
  decided,
  happen,
  requested,
  VERSION,
} from "./escalations.ts";
import { aSession, CONTEXT } from "./records.ts";

onEveryEngine("an escalation", (opened) => {
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
  const clock = async () =>
    (await opened.db.query("SELECT date_trunc('milliseconds', clock_timestamp()) AS now", []))[0]?.[
      "now"
    ] as Date;
  const end = (id: string, column: "expires_at" | "usable_until") =>
    opened.db.query(`UPDATE escalations SET ${column} = clock_timestamp() WHERE id = $1`, [id]);

  test("is approved by two, each decision kept whole with the time it was written", async () => {
    const { id, digest } = await requested(opened.log);
    const before = await clock();
    const events = [decided("orders-second"), decided("platform-oncall")];
    for (const event of events) expect(await happen(opened.log, id, event)).toMatchObject({ ok: true });
    const found = await opened.log.escalations.find(id);
    const times = found?.decisions.map(({ at }) => at) ?? [];
    expect(found?.decisions).toEqual(events.map(({ decision }, n) => ({ ...decision, at: times[n] })));
    for (const at of times) expect(at.getTime()).toBeGreaterThanOrEqual(before.getTime());
    expect(found).toMatchObject({
      state: "approved",
      usableUntil: new Date((times[1]?.getTime() ?? NaN) + 900_000),
    });
    expect((await entriesOf(id)).slice(0, 2)).toEqual([
      {
        index: expect.any(Number) as number,
        kind: "escalation.decided",
        at: times[1],
        requestId: "req-2",
        agent: "deploy-agent",
        owner: "orders-lead",
        person: "platform-oncall",
        session: null,
        escalation: id,
        policyVersion: VERSION,
        detail: { digest, state: "approved", decision: events[1]?.decision, counting: APPROVERS },
      },
      expect.objectContaining({ person: "orders-second", at: times[0] }),
    ]);
    expect(await noticesOf(id)).toEqual(["escalation.requested", "escalation.approved"]);
  });

  test("denied by one is denied for good, and its words are kept exactly", async () => {
    const { id } = await approved(opened.log);
    await happen(opened.log, id, decided("security-oncall", "deny"));
    const found = await opened.log.escalations.find(id);
    expect(found).toMatchObject({ state: "denied" });
    expect(found?.decisions.at(-1)?.reason).toBe("not during the sale \u202e \0");
    expect(await happen(opened.log, id, decided("security-oncall"))).toEqual({
      ok: false,
      error: { reason: "machine", fault: { reason: "closed", state: "denied" } },
    });
    expect((await noticesOf(id)).at(-1)).toBe("escalation.denied");
  });

  test("cancelled is announced and recorded", async () => {
    const { id, digest } = await requested(opened.log);
    await happen(opened.log, id, { kind: "cancelled", by: "agent" });
    expect((await entriesOf(id))[0]).toMatchObject({
      kind: "escalation.changed",
      person: null,
      detail: { digest, from: "pending", to: "cancelled", event: "cancelled" },
    });
    expect((await noticesOf(id)).at(-1)).toBe("escalation.cancelled");
  });

  test("that does not exist is not found", async () => {
    expect(await happen(opened.log, "esc-none", decided("orders-second"))).toEqual({
      ok: false,
      error: { reason: "not_found" },
    });
    expect(await opened.log.escalations.find("esc-none")).toBeNull();
  });

  test("changes nothing where the flow refuses, whose words come back", async () => {
    const { id } = await requested(opened.log);
    const size = await opened.log.size();
    const refused = await opened.log.escalations.change(id, CHANGE, ({ state }) => err(`not while ${state}`));
    expect(refused).toEqual({ ok: false, error: { reason: "refused", failure: "not while pending" } });
    expect(await opened.log.size()).toBe(size);
  });

  test("changes nothing where the flow throws, and the next change is made", async () => {
    const { id } = await requested(opened.log);
    const size = await opened.log.size();
    const broken = opened.log.escalations.change(id, CHANGE, () => {
      throw new Error("a bug");
    });
    await expect(broken).rejects.toThrow("a bug");
    expect(await opened.log.size()).toBe(size);
    expect(await happen(opened.log, id, decided("orders-second"))).toMatchObject({ ok: true });
  });

  test("case 39: is over at its time by the database's clock, whatever the flow's clock says", async () => {
    const { id } = await requested(opened.log);
    await happen(opened.log, id, decided("orders-second"));
    await end(id, "expires_at");
    const late = await opened.log.escalations.change(id, CHANGE, ({ state }, now) => {
      expect(state).toBe("expired");
      expect(now).toBeInstanceOf(Date);
      return ok(decided("platform-oncall"));
    });
    expect(late).toEqual({
      ok: false,
      error: { reason: "machine", fault: { reason: "closed", state: "expired" } },
    });
    expect(await opened.log.escalations.find(id)).toMatchObject({ state: "expired", decisions: [{}] });
    expect((await entriesOf(id))[0]).toMatchObject({
      detail: { from: "pending", to: "expired", event: "expired" },
    });
    expect((await noticesOf(id)).at(-1)).toBe("escalation.expired");
  });

  describe("whose time is over", () => {
    test("is read as expired before anybody wrote it down, and listed so", async () => {
      const agent = "late-agent";
      await opened.log.escalations.expire();
      const waiting = await requested(opened.log, { content: { agent } });
      const late = await requested(opened.log, { content: { agent } });
      const unused = await approved(opened.log, { content: { agent } });
      const usable = await approved(opened.log, { content: { agent } });
      await end(late.id, "expires_at");
      await end(unused.id, "usable_until");
      const size = await opened.log.size();
      expect(await opened.log.escalations.find(late.id)).toMatchObject({ state: "expired" });
      const listed = async (states: readonly ("pending" | "approved" | "expired")[]) =>
        (await opened.log.escalations.list({ agent, states, limit: 10, before: null })).map(
          ({ id, state }) => [id, state],
        );
      expect(await listed(["pending"])).toEqual([[waiting.id, "pending"]]);
      expect(await listed(["approved"])).toEqual([[usable.id, "approved"]]);
      const expired = [
        [unused.id, "expired"],
        [late.id, "expired"],
      ];
      expect(await listed(["expired"])).toEqual(expired);
      expect(await opened.log.size()).toBe(size);

      expect(await opened.log.escalations.expire()).toBe(2);
      expect(await listed(["expired"])).toEqual(expired);
      expect((await noticesOf(unused.id)).at(-1)).toBe("escalation.expired");
      expect(await opened.log.escalations.expire()).toBe(0);
      expect(await opened.log.size()).toBe(size + 2);
    });

    test("is written down however many there are, once each", async () => {
      const ids = await Promise.all(
        Array.from({ length: 250 }, async () => (await requested(opened.log)).id),
      );
      await opened.db.query(
        "UPDATE escalations SET expires_at = clock_timestamp() WHERE id = ANY (ARRAY(SELECT json_array_elements_text($1::text::json)))",
        [JSON.stringify(ids)],
      );
      const counts = await Promise.all([opened.log.escalations.expire(), opened.log.escalations.expire()]);
      expect(counts[0] + counts[1]).toBe(250);
    });
  });

  describe("decided with a challenge", () => {
    const challenge = (nonce: string, lifetimeSeconds = 300, purpose: "decide" | "confirm" = "decide") =>
      opened.log.humans.challenge(
        { nonce, purpose, person: "orders-second", subject: "esc approve" },
        lifetimeSeconds,
      );
    const decide = async (id: string, context: Partial<ChangeContext>, person = "orders-second") =>
      opened.log.escalations.change(id, { ...CHANGE, ...context }, () => ok(decided(person)));
    const USED = { ok: false, error: { reason: "nonce_used" } };

    test("spends it: of two decisions with one challenge at once one is kept", async () => {
      await challenge("nonce-1");
      const [one, two] = [await requested(opened.log), await requested(opened.log)];
      const both = await Promise.all([one, two].map(({ id }) => decide(id, { nonce: "nonce-1" })));
      expect(both.filter((answer) => answer.ok)).toHaveLength(1);
      expect(both).toContainEqual(USED);
      expect(await opened.log.humans.findChallenge("nonce-1")).toBeNull();
    });

    test("keeps it where the flow refuses", async () => {
      await challenge("nonce-2");
      const { id } = await requested(opened.log);
      await opened.log.escalations.change(id, { ...CHANGE, nonce: "nonce-2" }, () => err("no"));
      expect(await decide(id, { nonce: "nonce-2" })).toMatchObject({ ok: true });
    });

    test.each([
      ["is over", () => challenge("nonce-over", 0), "nonce-over"],
      ["was made for something else", () => challenge("nonce-else", 300, "confirm"), "nonce-else"],
      ["was never made", async () => undefined, "nonce-never"],
    ])("that %s changes nothing", async (_, make, nonce) => {
      await make();
      const { id } = await requested(opened.log);
      const size = await opened.log.size();
      expect(await decide(id, { nonce })).toEqual(USED);
      expect(await opened.log.size()).toBe(size);
      expect(await opened.log.escalations.find(id)).toMatchObject({ decisions: [] });
    });

    test("moves the passkey's counter forward and never back; a removed key changes nothing", async () => {
      const credentialId = "key-counting";
      await opened.log.humans.challenge(
        { nonce: "n-enrol", purpose: "enrol", person: null, subject: null },
        300,
      );
      const account = { issuer: "twokey:invited", subject: "orders-second" };
      const key = {
        credentialId,
        publicKey: "pQ",
        account,
        person: "orders-second",
        label: "key",
        counter: 5,
        transports: [],
      };
      const context = { requestId: null, policyVersion: VERSION, person: "orders-second" };
      await opened.log.humans.enrol(
        key,
        { delaySeconds: 0, nonce: "n-enrol", spendInvitation: null },
        context,
      );
      const counterAfter = async (value: number, person: string) => {
        const { id } = await requested(opened.log);
        await decide(id, { counter: { credentialId, value } }, person);
        return (await opened.log.humans.passkey(credentialId))?.counter;
      };
      expect(await counterAfter(9, "orders-second")).toBe(9);
      expect(await counterAfter(7, "orders-second")).toBe(9);
      await opened.log.humans.removePasskey(credentialId, context);
      const { id } = await requested(opened.log);
      await challenge("nonce-removed");
      expect(await decide(id, { nonce: "nonce-removed", counter: { credentialId, value: 10 } })).toEqual(
        USED,
      );
      expect(await opened.log.escalations.find(id)).toMatchObject({ decisions: [] });
    });
  });

  test("case 38: denied after the mint is frozen in the same transaction, with its entry", async () => {
    const { id } = await approved(opened.log);
    const session = aSession({ escalation: id });
    await opened.log.recordIntent(session, { ...CONTEXT, grant: consuming(id, session.id) });
    const denied = await happen(opened.log, id, decided("security-oncall", "deny"));
    expect(denied).toMatchObject({ ok: true, value: { freeze: true, escalation: { session: session.id } } });
    const [last, decision] = await entriesOf(id);
    expect(last).toMatchObject({ kind: "freeze.made", person: "security-oncall", session: session.id });
    expect(decision).toMatchObject({ kind: "escalation.decided", index: (last?.index ?? NaN) - 1 });
    expect((await opened.log.session(session.id))?.frozenAt).toEqual(last?.at);
  });

  test("is listed newest first, page by page, and another agent's id pages nothing", async () => {
    const agent = "listing-agent";
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.unshift((await requested(opened.log, { content: { agent } })).id);
    const other = await requested(opened.log);
    const page = async (before: string | null, limit: number) =>
      (await opened.log.escalations.list({ agent, states: null, limit, before })).map(({ id }) => id);
    expect(await page(null, 3)).toEqual(ids.slice(0, 3));
    expect(await page(ids[2] ?? "", 3)).toEqual(ids.slice(3));
    expect(await page(other.id, 3)).toEqual([]);
    const everybody = await opened.log.escalations.list({
      agent: null,
      states: ["pending"],
      limit: 2,
      before: null,
    });
    expect(everybody.map(({ id }) => id)).toEqual([other.id, ids[0]]);
  });
});
