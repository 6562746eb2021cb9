/**
 * STS fails while it is asked for a grant, over real connections to a local AWS that keeps its ledger: after a certain
 * failure the grant is there again, after any doubt it is not, and STS is never asked a second time by itself.
 */
import { createServer, type AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { RunningBroker } from "../../src/wire.ts";
import { postgresInstalled } from "../support/postgres.ts";
import { stsError, type Answer } from "../support/stub-sts.ts";
import { askGranted, asking, brokerOn, type Asking, type Escalation } from "./in-process.ts";
import type { Person } from "./load.ts";
import { startProxy, type Fault, type Proxy } from "./proxy.ts";
import { leaks } from "./secrets.ts";
import { startFaultWorld, type FaultWorld } from "./world.ts";

const DEADLINE_MS = 1_000;

interface Doubt {
  readonly name: string;
  /** On the wire, on the way to STS. */
  readonly wire?: Fault;
  /** By STS itself. */
  readonly sts?: Answer;
  /** Sessions that STS issues all the same. */
  readonly issues: 0 | 1;
}

const DOUBTS: readonly Doubt[] = [
  {
    name: "its reply is lost with the connection",
    wire: { kind: "lost-reply", bytes: 0, then: "cut" },
    issues: 1,
  },
  {
    name: "its reply is lost and the connection stays open",
    wire: { kind: "lost-reply", bytes: 0, then: "silence" },
    issues: 1,
  },
  { name: "its reply breaks off", wire: { kind: "lost-reply", bytes: 400, then: "cut" }, issues: 1 },
  { name: "it half-closes before its reply", wire: { kind: "half-close" }, issues: 1 },
  { name: "the connection is reset under the request", wire: { kind: "cut" }, issues: 0 },
  { name: "it answers 503", sts: stsError(503, "ServiceUnavailable"), issues: 0 },
  { name: "it answers 500", sts: stsError(500, "InternalFailure"), issues: 0 },
  // Held for as long as the connection is: longer than any stall.
  { name: "it stalls past the deadline", sts: () => undefined, issues: 0 },
];

describe.skipIf(!postgresInstalled)("a grant's call of STS", () => {
  let world: FaultWorld;
  let proxy: Proxy;
  let broker: RunningBroker;
  let people: readonly Person[];
  let agent: Asking;
  beforeAll(async () => {
    world = await startFaultWorld({ minters: 0, escalators: 1 });
    proxy = await startProxy({ port: Number(new URL(world.sts.url).port), host: "127.0.0.1" });
    const sts = { ...world.config.sts, endpoint: `http://127.0.0.1:${proxy.port}`, deadlineMs: DEADLINE_MS };
    broker = await brokerOn(world, { sts });
    people = await world.enrol(() => broker.url);
    agent = asking(world, () => broker.url);
  });
  afterEach(async () => {
    world.sts.instead = () => null;
    expect(await world.faults()).toEqual([]);
  });
  afterAll(async () => {
    await broker.close();
    await proxy.close();
    await world.close();
  });

  const granted = () => askGranted(agent, people);
  const query = async (text: string, id: string): Promise<readonly unknown[]> =>
    (await world.record.query(text, [id])).map((row) => Object.values(row)[0]);
  const states = ({ id }: Escalation) => query("SELECT state FROM sessions WHERE escalation = $1", id);
  const state = ({ id }: Escalation) => query("SELECT state FROM escalations WHERE id = $1", id);
  const kinds = ({ id }: Escalation) =>
    query("SELECT kind FROM entries WHERE escalation = $1 AND kind LIKE 'session.%' ORDER BY idx", id);
  const ofGrant =
    (escalation: Escalation) =>
    (one: { readonly escalation: string | null }): boolean =>
      one.escalation === escalation.id;
  const issuedTo = ({ id }: Escalation) =>
    world.mints().filter(({ tags }) => tags.some(({ value }) => value === id));

  test.each(DOUBTS)(
    "$name: nothing is delivered, the entry says unknown, the grant stays consumed, and STS was asked at most once",
    async ({ wire, sts, issues }) => {
      const escalation = await granted();
      if (sts !== undefined) world.sts.instead = () => sts;
      const failed = wire === undefined ? null : proxy.fail("AssumeRole", wire);
      const answer = await agent.use(escalation);
      expect([answer.status, answer.json["code"]]).toEqual([504, "sts_unknown"]);
      await failed;
      expect(await kinds(escalation)).toEqual(["session.intent", "session.unknown"]);
      expect([await states(escalation), await state(escalation)]).toEqual([["unknown"], ["consumed"]]);

      world.sts.instead = () => null;
      const again = await agent.use(escalation);
      expect([again.status, again.json["code"]]).toEqual([409, "grant_used"]);
      // STS got the request where it got through, and no other.
      expect(world.sts.calls.filter(ofGrant(escalation))).toHaveLength(wire?.kind === "cut" ? 0 : 1);
      expect(issuedTo(escalation)).toHaveLength(issues);
    },
  );

  test.each([
    [400, "Throttling", 503, "sts_throttled"],
    [429, "TooManyRequestsException", 503, "sts_throttled"],
    [403, "AccessDenied", 502, "sts_refused"],
  ])("STS says %i %s: the grant is there again and makes one session", async (by, code, status, problem) => {
    const escalation = await granted();
    const refusal = stsError(by, code);
    world.sts.instead = () => refusal;
    const answer = await agent.use(escalation);
    expect([answer.status, answer.json["code"]]).toEqual([status, problem]);
    expect([await states(escalation), await state(escalation)]).toEqual([["failed"], ["approved"]]);

    world.sts.instead = () => null;
    expect((await agent.use(escalation)).status).toBe(200);
    expect(await kinds(escalation)).toEqual([
      "session.intent",
      "session.failed",
      "session.intent",
      "session.issued",
    ]);
    expect(issuedTo(escalation)).toHaveLength(1);
  });

  test("a refused connection: the grant is there again and makes one session", async () => {
    const escalation = await granted();
    const sts = { ...world.config.sts, endpoint: `http://127.0.0.1:${await nobodysPort()}` };
    const cutOff = await brokerOn(world, { sts });
    const answer = await asking(world, () => cutOff.url).use(escalation);
    await cutOff.close();
    expect([answer.status, answer.json["code"]]).toEqual([502, "sts_refused"]);
    expect([await states(escalation), await state(escalation)]).toEqual([["failed"], ["approved"]]);
    expect((await agent.use(escalation)).status).toBe(200);
  });

  test("case 50: no secret stands in a log, the database, the metrics or a problem", async () => {
    expect(await leaks(world, broker.url)).toEqual([]);
  });
});

/** A port that was free a moment ago, on which nobody listens. */
async function nobodysPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
