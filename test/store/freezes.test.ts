/** The contract of FreezeStore where it is about the record, the same on every engine. */
import { describe, expect, test } from "vitest";
import type { FreezeTarget } from "../../src/identity/freeze.ts";
import { onEveryEngine } from "./engines.ts";
import { aDraft, approved, consuming } from "./escalations.ts";
import {
  agentOf,
  ALL,
  delivered,
  fresh,
  frozen,
  issuedNow,
  living,
  OPERATOR,
  outcomeNow,
  sessionOf,
  templateOf,
  thawing,
  wish,
} from "./freezes.ts";
import { CONTEXT, FAILED, withKey } from "./records.ts";

onEveryEngine("a freeze", (opened) => {
  const last = async () =>
    (await opened.log.entries({ from: (await opened.log.size()) - 1, limit: 1 })).at(0);
  const thaw = (target: FreezeTarget, person: string, quorum: 1 | 2 = 1, administrators?: string[]) =>
    opened.log.freezes.thaw(
      target,
      thawing(person, { quorum, ...(administrators !== undefined && { administrators }) }),
    );
  const activeTargets = async () => (await opened.log.freezes.active()).map(({ target }) => target);

  /** Something to freeze with an agent and a template of its own, and how it is lifted again. */
  const kinds = ["agent", "template", "all"] as const;
  const scene = (kind: (typeof kinds)[number]) => {
    const [agent, template] = [fresh("agent"), fresh("template")];
    const target: FreezeTarget = kind === "all" ? ALL : { kind, name: kind === "agent" ? agent : template };
    const lift = async (): Promise<void> => {
      if (kind === "all") await thaw(target, "platform-engineer", 2);
      expect(await thaw(target, "security-engineer", kind === "all" ? 2 : 1)).toMatchObject({ ok: true });
    };
    return { agent, template, target, lift };
  };

  test("is one entry and one notice, whoever makes it", async () => {
    const agent = fresh("agent");
    const size = await opened.log.size();
    const made = await frozen(opened.log, agentOf(agent), { by: "person", person: "anna", owner: "otto" });
    expect(made).toMatchObject({ target: agentOf(agent), entry: size, firstKey: null });
    expect(await opened.log.size()).toBe(size + 1);
    expect(await last()).toMatchObject({
      kind: "freeze.made",
      agent,
      owner: "otto",
      person: "anna",
      requestId: "req-freeze",
      at: made.frozenAt,
      detail: { id: made.id, target: agentOf(agent), reason: "it went wrong", by: "person" },
    });
    expect(
      await opened.db.query("SELECT kind, detail FROM notices WHERE entry = $1::bigint", [size]),
    ).toMatchObject([{ kind: "freeze.made", detail: expect.stringContaining(agent) as string }]);
    await thaw(agentOf(agent), "platform-engineer");
  });

  test("of what is frozen is the one that is there, and writes nothing", async () => {
    const target = agentOf(fresh("agent"));
    const first = await frozen(opened.log, target);
    const size = await opened.log.size();
    const again = await frozen(opened.log, target, { reason: "another" });
    expect(again).toEqual(first);
    expect(await opened.log.size()).toBe(size);
    expect((await activeTargets()).filter((one) => one.name === target.name)).toHaveLength(1);
    await thaw(target, "platform-engineer");
  });

  test("at once from many is one", async () => {
    const target = templateOf(fresh("template"));
    const made = await Promise.all(Array.from({ length: 10 }, () => frozen(opened.log, target)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    await thaw(target, "platform-engineer");
  });

  test("holds a reason as it was written, hostile or not", async () => {
    const target = agentOf(fresh("agent"));
    const reason = "<b>‮'; DROP TABLE freezes; --";
    await frozen(opened.log, target, { reason });
    expect((await opened.log.freezes.active()).find(({ target: t }) => t.name === target.name)?.reason).toBe(
      reason,
    );
    await thaw(target, "platform-engineer");
  });

  describe.each(kinds)("of %s", (kind) => {
    test("refuses its intents and those of no other", async () => {
      const { agent, template, target, lift } = scene(kind);
      await frozen(opened.log, target);
      const size = await opened.log.size();
      const intents = await Promise.all([
        opened.log.recordIntent(living({ agent, template }), CONTEXT),
        opened.log.recordIntent(living({ agent, template }), withKey(fresh("key"))),
      ]);
      for (const intent of intents)
        expect(intent).toEqual({ ok: false, error: { reason: "frozen", by: target } });
      expect(await opened.log.size()).toBe(size);
      const other = await opened.log.recordIntent(living({ agent: fresh("agent") }), CONTEXT);
      expect(other.ok).toBe(kind !== "all");
      await lift();
      expect((await opened.log.recordIntent(living({ agent, template }), CONTEXT)).ok).toBe(true);
    });

    test("refuses the use of a grant, which stays", async () => {
      const { agent, template, target, lift } = scene(kind);
      const { id } = await approved(opened.log, { content: { agent, template } });
      await frozen(opened.log, target);
      const use = () => {
        const session = living({ agent, template, escalation: id });
        return opened.log.recordIntent(session, { ...CONTEXT, grant: consuming(id, session.id) });
      };
      expect(await use()).toEqual({ ok: false, error: { reason: "frozen", by: target } });
      expect(await opened.log.escalations.find(id)).toMatchObject({ state: "approved" });
      await lift();
      expect((await use()).ok).toBe(true);
    });

    test("refuses a request to the people who decide", async () => {
      const { agent, template, target, lift } = scene(kind);
      await frozen(opened.log, target);
      const ask = () => opened.log.escalations.request(aDraft({ content: { agent, template } }));
      expect(await ask()).toMatchObject({ ok: false, error: { reason: "frozen", by: target } });
      await lift();
      expect((await ask()).ok).toBe(true);
    });

    test("withholds an outcome that comes after it, and writes it as never delivered", async () => {
      const { agent, template, target, lift } = scene(kind);
      const session = living({ agent, template });
      await opened.log.recordIntent(session, CONTEXT);
      await frozen(opened.log, target);
      const outcome = await opened.log.recordOutcome(session, issuedNow(), outcomeNow());
      expect(outcome.delivered).toBe(false);
      expect(await last()).toMatchObject({
        kind: "session.unknown",
        session: session.id,
        detail: { code: "Frozen" },
      });
      expect(await opened.log.session(session.id)).toMatchObject({ state: "unknown", accessKeyId: null });
      await lift();
    });

    test("writes a failure that comes after it as what it was", async () => {
      const { agent, template, target, lift } = scene(kind);
      const session = living({ agent, template });
      await opened.log.recordIntent(session, CONTEXT);
      await frozen(opened.log, target);
      await opened.log.recordOutcome(session, FAILED, outcomeNow());
      expect(await opened.log.session(session.id)).toMatchObject({ state: "failed" });
      await lift();
    });
  });

  describe.each(["agent", "template"] as const)("of %s", (kind) => {
    test("puts its sessions on the list of what AWS denies: delivered before, and in flight", async () => {
      const { agent, template, target, lift } = scene(kind);
      const before = await delivered(opened.log, { agent, template });
      const inFlight = living({ agent, template });
      await opened.log.recordIntent(inFlight, CONTEXT);
      const failed = living({ agent, template });
      await opened.log.recordIntent(failed, CONTEXT);
      await opened.log.recordOutcome(failed, FAILED, outcomeNow());
      const other = await delivered(opened.log, { agent: fresh("agent"), template: fresh("template") });
      await frozen(opened.log, target);
      while (await opened.log.freezes.spread());
      const listed = (await opened.log.freezes.deniedSessions(10_000)).map(({ session }) => session);
      expect(listed).toEqual(expect.arrayContaining([before.id, inFlight.id]));
      // STS certainly issued none for the one, and the other is no agent's of it.
      expect(listed).not.toContain(failed.id);
      expect(listed).not.toContain(other.id);
      await lift();
    });

    test("thawed leaves its older sessions denied, and not the newer", async () => {
      const { agent, template, target, lift } = scene(kind);
      const older = await delivered(opened.log, { agent, template });
      await frozen(opened.log, target);
      await lift();
      const newer = await delivered(opened.log, { agent, template });
      // Thawed before the list was made, which changes nothing.
      while (await opened.log.freezes.spread());
      const listed = (await opened.log.freezes.deniedSessions(10_000)).map(({ session }) => session);
      expect(listed).toContain(older.id);
      expect(listed).not.toContain(newer.id);
    });
  });

  test("of a template and more than one page of sessions lists them all", async () => {
    const template = fresh("template");
    const sessions = Array.from({ length: 1_050 }, () => living({ template }));
    await Promise.all(sessions.map((session) => opened.log.recordIntent(session, CONTEXT)));
    await frozen(opened.log, templateOf(template));
    while (await opened.log.freezes.spread());
    const listed = new Set((await opened.log.freezes.deniedSessions(10_000)).map(({ session }) => session));
    expect(sessions.filter(({ id }) => !listed.has(id))).toEqual([]);
    await thaw(templateOf(template), "platform-engineer");
  }, 60_000);

  describe("of a session", () => {
    test("withholds it while STS is asked, and no neighbour", async () => {
      const [agent, template] = [fresh("agent"), fresh("template")];
      const [one, two] = [living({ agent, template }), living({ agent, template })];
      await Promise.all([one, two].map((session) => opened.log.recordIntent(session, CONTEXT)));
      await frozen(opened.log, sessionOf(one.id));
      const outcomes = await Promise.all(
        [one, two].map((session) => opened.log.recordOutcome(session, issuedNow(), outcomeNow())),
      );
      expect(outcomes.map((outcome) => outcome.delivered)).toEqual([false, true]);
      expect((await opened.log.recordIntent(living({ agent, template }), CONTEXT)).ok).toBe(true);
    });

    test("is about its agent, owner and escalation", async () => {
      const { id, agent } = await delivered(opened.log, { agent: fresh("agent") });
      await frozen(opened.log, sessionOf(id));
      expect(await last()).toMatchObject({ kind: "freeze.made", session: id, agent, owner: "orders-lead" });
      expect((await opened.log.session(id))?.frozenAt).toEqual((await last())?.at);
    });

    test("that is unknown, or that STS certainly did not issue, is nothing to freeze", async () => {
      const failed = living();
      await opened.log.recordIntent(failed, CONTEXT);
      await opened.log.recordOutcome(failed, FAILED, outcomeNow());
      const size = await opened.log.size();
      for (const id of ["tks-none", failed.id])
        expect(await opened.log.freezes.freeze(wish(sessionOf(id)))).toBeNull();
      expect(await opened.log.size()).toBe(size);
    });

    test("thawed may be used again, in the record and in AWS", async () => {
      const { id } = await delivered(opened.log, { agent: fresh("agent") });
      await frozen(opened.log, sessionOf(id));
      const listed = async () =>
        (await opened.log.freezes.deniedSessions(10_000)).map(({ session }) => session);
      expect(await listed()).toContain(id);
      expect(await thaw(sessionOf(id), "platform-engineer")).toEqual({
        ok: true,
        value: { state: "thawed" },
      });
      expect((await opened.log.session(id))?.frozenAt).toBeNull();
      expect(await listed()).not.toContain(id);
    });

    test.each(["before its agent", "after its agent"])(
      "frozen %s and thawed stays denied in AWS with its agent",
      async (order) => {
        const agent = fresh("agent");
        const { id } = await delivered(opened.log, { agent });
        const freezeAgent = async (): Promise<void> => {
          await frozen(opened.log, agentOf(agent));
          while (await opened.log.freezes.spread());
        };
        if (order.startsWith("after")) await freezeAgent();
        await frozen(opened.log, sessionOf(id));
        if (order.startsWith("before")) await freezeAgent();
        await thaw(sessionOf(id), "platform-engineer");
        expect((await opened.log.freezes.deniedSessions(10_000)).map(({ session }) => session)).toContain(id);
        await thaw(agentOf(agent), "platform-engineer");
      },
    );

    test("that is over is frozen no more", async () => {
      const { id } = await delivered(opened.log, { agent: fresh("agent") });
      await frozen(opened.log, sessionOf(id));
      expect(await activeTargets()).toContainEqual(sessionOf(id));
      await opened.db.query("UPDATE denied_sessions SET until = clock_timestamp() WHERE session = $1", [id]);
      expect(await activeTargets()).not.toContainEqual(sessionOf(id));
    });
  });
});

onEveryEngine("a thaw", (opened) => {
  const last = async () =>
    (await opened.log.entries({ from: (await opened.log.size()) - 1, limit: 1 })).at(0);
  const thaw = (person: string, administrators = ["platform-engineer", "security-engineer"]) =>
    opened.log.freezes.thaw(ALL, thawing(person, { quorum: 2, administrators }));
  const firstKey = async () => (await opened.log.freezes.active())[0]?.firstKey;
  const intent = async () => (await opened.log.recordIntent(living(), CONTEXT)).ok;

  test("of what is not frozen is refused and written nowhere", async () => {
    const size = await opened.log.size();
    for (const target of [ALL, agentOf("nobody"), sessionOf("tks-none")])
      expect(await opened.log.freezes.thaw(target, thawing("platform-engineer"))).toEqual({
        ok: false,
        error: "not_frozen",
      });
    expect(await opened.log.size()).toBe(size);
  });

  test("of one agent leaves another frozen", async () => {
    const [one, two] = [fresh("agent"), fresh("agent")];
    await frozen(opened.log, agentOf(one));
    await frozen(opened.log, agentOf(two));
    await opened.log.freezes.thaw(agentOf(one), thawing("platform-engineer"));
    expect((await opened.log.recordIntent(living({ agent: one }), CONTEXT)).ok).toBe(true);
    expect((await opened.log.recordIntent(living({ agent: two }), CONTEXT)).ok).toBe(false);
    await opened.log.freezes.thaw(agentOf(two), thawing("platform-engineer"));
  });

  test("of everything takes two different administrators, each an entry", async () => {
    await frozen(opened.log, ALL, { roles: [OPERATOR] });
    expect(await thaw("platform-engineer")).toEqual({ ok: true, value: { state: "first_key" } });
    expect(await firstKey()).toBe("platform-engineer");
    expect(await last()).toMatchObject({ detail: { keys: ["platform-engineer"], state: "first_key" } });
    const size = await opened.log.size();
    expect(await thaw("platform-engineer")).toEqual({ ok: false, error: "same_person" });
    expect([await opened.log.size(), await intent()]).toEqual([size, false]);
    expect(await thaw("security-engineer")).toEqual({ ok: true, value: { state: "thawed" } });
    expect(await last()).toMatchObject({
      kind: "freeze.thawed",
      person: "security-engineer",
      detail: { keys: ["platform-engineer", "security-engineer"], state: "thawed" },
    });
    expect(await intent()).toBe(true);
  });

  test("of everything by two at once is one first key and one thaw", async () => {
    await frozen(opened.log, ALL);
    const both = await Promise.all([thaw("platform-engineer"), thaw("security-engineer")]);
    expect(both.map((answer) => (answer.ok ? answer.value.state : answer.error)).sort()).toEqual([
      "first_key",
      "thawed",
    ]);
  });

  test("of everything: a first key is worth nothing after an hour, by the database's clock", async () => {
    await frozen(opened.log, ALL);
    await thaw("platform-engineer");
    const age = (span: string) =>
      opened.db.query(`UPDATE freezes SET first_key_at = clock_timestamp() - interval '${span}'`, []);
    await age("61 minutes");
    expect(await firstKey()).toBeNull();
    expect(await thaw("security-engineer")).toEqual({ ok: true, value: { state: "first_key" } });
    await age("59 minutes");
    expect(await thaw("platform-engineer")).toEqual({ ok: true, value: { state: "thawed" } });
  });

  test("of everything: the first key of somebody who is no administrator any more does not count", async () => {
    await frozen(opened.log, ALL);
    await thaw("platform-engineer");
    expect(await thaw("security-engineer", ["security-engineer", "another"])).toEqual({
      ok: true,
      value: { state: "first_key" },
    });
    expect(await intent()).toBe(false);
    expect(await thaw("another", ["security-engineer", "another"])).toEqual({
      ok: true,
      value: { state: "thawed" },
    });
  });

  test("of a later freeze of everything has no use for the keys of an earlier", async () => {
    await frozen(opened.log, ALL);
    await thaw("platform-engineer");
    await thaw("security-engineer");
    await frozen(opened.log, ALL);
    expect(await firstKey()).toBeNull();
    expect(await thaw("security-engineer")).toEqual({ ok: true, value: { state: "first_key" } });
    await thaw("platform-engineer");
  });
});
