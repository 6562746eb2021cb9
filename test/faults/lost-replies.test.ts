/**
 * The network between the broker and PostgreSQL fails at the worst moments, over real connections: what the database
 * did is done once, what was not confirmed is not delivered, and the broker goes on by itself.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { RunningBroker } from "../../src/wire.ts";
import { postgresInstalled } from "../support/postgres.ts";
import { askGranted, asking, brokerOn, type Asking, type Escalation } from "./in-process.ts";
import type { Person } from "./load.ts";
import { startProxy, type Fault, type Proxy } from "./proxy.ts";
import { leaks } from "./secrets.ts";
import { startFaultWorld, type FaultWorld } from "./world.ts";

const LOST_REPLY: Fault = { kind: "lost-reply", bytes: 0, then: "cut" };
/** Short, so that an answer that never comes is given up soon. */
const TIMEOUT_MS = 2_000;

describe.skipIf(!postgresInstalled)("between the broker and PostgreSQL", () => {
  let world: FaultWorld;
  let proxy: Proxy;
  let broker: RunningBroker;
  let people: readonly Person[];
  let agent: Asking;
  beforeAll(async () => {
    world = await startFaultWorld({ minters: 0, escalators: 1 });
    const socket = new URL(world.postgres.url).searchParams.get("host") ?? "";
    proxy = await startProxy({ path: `${socket}/.s.PGSQL.5432` });
    const url = `postgres://twokey@127.0.0.1:${proxy.port}/postgres`;
    const store = { url, folder: null, timeoutMs: TIMEOUT_MS };
    broker = await brokerOn(world, { store });
    people = await world.enrol(() => broker.url);
    agent = asking(world, () => broker.url);
  });
  afterEach(async () => {
    // Whatever failed before: the same broker mints again, and the record is sound.
    expect((await agent.look()).status).toBe(200);
    expect(await world.faults()).toEqual([]);
  });
  afterAll(async () => {
    await broker.close();
    await proxy.close();
    await world.close();
  });

  const granted = () => askGranted(agent, people);
  const state = async ({ id }: Escalation): Promise<unknown> =>
    (await world.record.query("SELECT state FROM escalations WHERE id = $1", [id]))[0]?.["state"];
  const newest = async (): Promise<unknown> =>
    (await world.record.query("SELECT state FROM sessions ORDER BY entry DESC LIMIT 1"))[0]?.["state"];
  const said = ({ status, json }: { readonly status: number; readonly json: object }) => [
    status,
    "code" in json ? json.code : null,
  ];
  const UNAVAILABLE = [503, "record_unavailable"];

  test("an intent whose confirmation is lost: STS is not asked, though the intent is on record", async () => {
    const { length: calls } = world.sts.calls;
    const lost = proxy.fail("session.intent", LOST_REPLY);
    expect(said(await agent.look())).toEqual(UNAVAILABLE);
    await lost;
    expect(await newest()).toBe("intent");
    expect(world.sts.calls).toHaveLength(calls);
  });

  test("an intent that never reached the database: STS is not asked, and nothing is on record", async () => {
    const { length: calls } = world.sts.calls;
    const [before] = await world.record.query("SELECT count(*) FROM sessions");
    const cut = proxy.fail("session.intent", { kind: "cut" });
    expect(said(await agent.look())).toEqual(UNAVAILABLE);
    await cut;
    expect(await world.record.query("SELECT count(*) FROM sessions")).toEqual([before]);
    expect(world.sts.calls).toHaveLength(calls);
  });

  test.each<Fault>([LOST_REPLY, { ...LOST_REPLY, then: "silence" }, { kind: "half-close" }])(
    "an outcome whose confirmation is lost (%j): the credentials are withheld, and the outcome is there once",
    async (fault) => {
      const { length: issued } = world.mints();
      const lost = proxy.fail("session.issued", fault);
      expect(said(await agent.look())).toEqual(UNAVAILABLE);
      await lost;
      expect(await newest()).toBe("issued");
      expect(world.mints()).toHaveLength(issued + 1);
    },
  );

  test("a grant whose consumption's COMMIT is answered to nobody: consumed, and STS is never asked for it", async () => {
    const escalation = await granted();
    const { length: calls } = world.sts.calls;
    const lost = proxy.fail("COMMIT", LOST_REPLY);
    expect(said(await agent.use(escalation))).toEqual(UNAVAILABLE);
    await lost;
    expect(await state(escalation)).toBe("consumed");
    expect(said(await agent.use(escalation))).toEqual([409, "grant_used"]);
    expect(world.sts.calls).toHaveLength(calls);
  });

  test("a grant whose consumption's COMMIT never reached the database: it is there, and makes one session", async () => {
    const escalation = await granted();
    const cut = proxy.fail("COMMIT", { kind: "cut" });
    expect(said(await agent.use(escalation))).toEqual(UNAVAILABLE);
    await cut;
    // Waits until the database has taken back what it was not told to keep.
    await world.record.query("SELECT size FROM log_head WHERE id = 1 FOR UPDATE");
    expect(await state(escalation)).toBe("approved");
    expect((await agent.use(escalation)).status).toBe(200);
    expect(said(await agent.use(escalation))).toEqual([409, "grant_used"]);
  });

  test("a decision whose COMMIT is answered to nobody counts once, and its person hears of doubt", async () => {
    const escalation = await agent.ask();
    const [first, second] = people;
    const decide = async (person: Person | undefined) => {
      const { status, body } = (await person?.approver.decide(escalation, "approve")) ?? {
        status: 0,
        body: {},
      };
      return said({ status, json: body });
    };
    const lost = proxy.fail("COMMIT", LOST_REPLY);
    expect(await decide(first)).toEqual(UNAVAILABLE);
    await lost;
    expect(await decide(first)).toEqual([409, "already_decided"]);
    expect(await state(escalation)).toBe("pending");
    expect(await decide(second)).toEqual([200, null]);
    expect(await state(escalation)).toBe("approved");
    expect((await agent.use(escalation)).status).toBe(200);
  });

  test("a slow database is waited for, and the answer is as ever", async () => {
    let go: () => void = () => undefined;
    const until = new Promise<void>((resolve) => {
      go = resolve;
    });
    const delayed = proxy.fail("session.issued", { kind: "delay", until });
    const answer = agent.look();
    // STS has answered by the time the outcome is on its way to the database.
    const { length: issued } = world.mints();
    while (world.mints().length === issued) await new Promise(setImmediate);
    go();
    await delayed;
    expect((await answer).status).toBe(200);
  });

  test("every connection cut at once: agents and people are told 503 at most, and the next request works", async () => {
    proxy.cutAll();
    expect([200, 503]).toContain((await agent.look()).status);
    const escalation = await agent.ask();
    proxy.cutAll();
    const { status } = await (people[0] as Person).approver.decide(escalation, "approve");
    expect([200, 503]).toContain(status);
  });

  test("case 50: no secret stands in a log, the database, the metrics or a problem", async () => {
    expect(await leaks(world, broker.url)).toEqual([]);
  });
});
