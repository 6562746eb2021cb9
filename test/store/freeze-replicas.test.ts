/** The kill switch on several brokers and one PostgreSQL: what only they can show. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAuditLog, type Store } from "../../src/adapters/postgres/audit-log.ts";
import type { FreezeTarget } from "../../src/identity/freeze.ts";
import { postgresInstalled, startPostgres, type Postgres } from "../support/postgres.ts";
import { aDraft, approved, consuming } from "./escalations.ts";
import {
  agentOf,
  ALL,
  delivered,
  fresh,
  frozen,
  issuedNow,
  living,
  OBSERVER,
  OPERATOR,
  outcomeNow,
  templateOf,
  thawing,
  wish,
} from "./freezes.ts";
import { CONTEXT, REFUSED } from "./records.ts";

const title = "a freeze on two brokers and one PostgreSQL";

describe.skipIf(!postgresInstalled)(postgresInstalled ? title : `${title} (needs PostgreSQL)`, () => {
  let cluster: Postgres;
  let one: Store;
  let two: Store;
  beforeAll(async () => {
    cluster = (await startPostgres()) as Postgres;
    const options = { url: cluster.url, folder: null, timeoutMs: 60_000 };
    [one, two] = await Promise.all([openAuditLog(options), openAuditLog(options)]);
  });
  afterAll(async () => {
    await Promise.all([one.close(), two.close()]);
    await cluster.stop();
  });
  const lift = async (target: FreezeTarget): Promise<void> => {
    const quorum = target.kind === "all" ? 2 : 1;
    for (const person of ["platform-engineer", "security-engineer"].slice(0, quorum))
      await one.freezes.thaw(target, thawing(person, { quorum }));
  };
  const targetsOf = (agent: string, template: string) => [agentOf(agent), templateOf(template), ALL];

  test("is seen by the broker whose belief of the log's head is older than the freeze", async () => {
    const [agent, template] = [fresh("agent"), fresh("template")];
    const { id } = await approved(two, { content: { agent, template } });
    for (const target of targetsOf(agent, template)) {
      // This is what the second broker knows of the head; then the first one freezes.
      await two.append(REFUSED);
      await frozen(one, target);
      const plain = await two.recordIntent(living({ agent, template }), CONTEXT);
      expect(plain).toEqual({ ok: false, error: { reason: "frozen", by: target } });
      await two.append(REFUSED);
      const session = living({ agent, template, escalation: id });
      const granted = await two.recordIntent(session, { ...CONTEXT, grant: consuming(id, session.id) });
      expect(granted).toEqual({ ok: false, error: { reason: "frozen", by: target } });
      expect(await two.escalations.request(aDraft({ content: { agent, template } }))).toMatchObject({
        ok: false,
        error: { reason: "frozen", by: target },
      });
      await lift(target);
      expect((await two.recordIntent(living({ agent, template }), CONTEXT)).ok).toBe(true);
    }
  });

  test("withholds on the one what the other was asked to freeze meanwhile", async () => {
    const [agent, template] = [fresh("agent"), fresh("template")];
    for (const target of targetsOf(agent, template)) {
      const session = living({ agent, template });
      await two.recordIntent(session, CONTEXT);
      await two.append(REFUSED);
      await frozen(one, target);
      expect(await two.recordOutcome(session, issuedNow(), outcomeNow())).toMatchObject({ delivered: false });
      await lift(target);
    }
  });

  test("by both at once is one", async () => {
    const target = agentOf(fresh("agent"));
    const made = await Promise.all([one, two].map((store) => store.freezes.freeze(wish(target))));
    expect(new Set(made.map((freeze) => freeze?.id)).size).toBe(1);
  });

  test("hands a role to one of the brokers that ask at once", async () => {
    await frozen(one, ALL, { roles: [OPERATOR, OBSERVER] });
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? one : two).freezes.claimRole(60)),
    );
    const rest = [await one.freezes.claimRole(60), await two.freezes.claimRole(60)];
    const roles = [...claims, ...rest].flatMap((due) => (due === null ? [] : [due.roleArn]));
    expect(roles.sort()).toEqual([OBSERVER, OPERATOR]);
    await lift(ALL);
  });

  test.each(["agent", "template", "all"] as const)(
    "freeze during a mint: of 200 mints on both while %s is frozen, every one that is delivered was so before it",
    async (kind) => {
      const [agent, template] = [fresh("agent"), fresh("template")];
      const target = kind === "all" ? ALL : kind === "agent" ? agentOf(agent) : templateOf(template);
      let begin = (): void => undefined;
      const halfway = new Promise<void>((resolve) => (begin = resolve));
      let count = 0;
      const mint = async (n: number) => {
        const store = n % 2 === 0 ? one : two;
        const session = living({ agent, template });
        const intent = await store.recordIntent(session, CONTEXT);
        if ((count += 1) === 60) begin();
        if (!intent.ok) return { n, refused: true as const };
        const outcome = await store.recordOutcome(session, issuedNow(), outcomeNow());
        return { n, refused: false as const, session: session.id, ...outcome };
      };
      // A few at a time on each, so that there are mints before, during and after the freeze.
      const lanes = Array.from({ length: 20 }, async (_, lane) => {
        const all = [];
        for (let n = 0; n < 10; n += 1) all.push(await mint(lane + n * 21));
        return all;
      });
      const freeze = halfway.then(() => frozen(two, target));
      const mints = (await Promise.all(lanes)).flat();
      const { entry } = await freeze;
      const done = mints.flatMap((result) => (result.refused ? [] : [result]));
      const deliveredOnes = done.filter((result) => result.delivered);
      expect(deliveredOnes.length).toBeGreaterThan(0);
      expect(mints.some(({ refused }) => refused)).toBe(true);
      expect(deliveredOnes.filter((result) => result.entry >= entry)).toEqual([]);
      expect(done.filter((result) => !result.delivered && result.entry <= entry)).toEqual([]);
      // The record says the same by itself.
      const later = await one.entries({ from: entry + 1, limit: 10_000 });
      const own = new Set(done.map(({ session }) => session));
      expect(
        later.filter(({ kind, session }) => kind === "session.issued" && own.has(session ?? "")),
      ).toEqual([]);
      while (await one.freezes.spread());
      if (kind !== "all") {
        const listed = new Set((await two.freezes.deniedSessions(10_000)).map(({ session }) => session));
        expect(deliveredOnes.filter(({ session }) => !listed.has(session))).toEqual([]);
      }
      await lift(target);
      await delivered(two, { agent, template });
    },
    120_000,
  );
});
