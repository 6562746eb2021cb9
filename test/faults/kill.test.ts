/**
 * kill -9 of the broker at every failpoint under load, again and again on one database. After each kill the record is
 * held against what clients have in their hands and what STS issued.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresInstalled } from "../support/postgres.ts";
import { stsError } from "../support/stub-sts.ts";
import { AMOUNT, killsOfEach, LONG } from "./amounts.ts";
import { bundleBroker, type BrokerProcess, type Program, type Spare } from "./broker-process.ts";
import { FAILPOINTS, type Armed, type Failpoint } from "./failpoints.ts";
import { load, sendTo, type Person } from "./load.ts";
import { leaks, secretFinder } from "./secrets.ts";
import { BROKER_KEYS, startFaultWorld, type FaultWorld } from "./world.ts";

const THROTTLED = stsError(400, "Throttling", "Rate exceeded");

const WHOLE_LOG = `
  SELECT min(idx)::integer AS first, (max(idx) + 1 - count(*))::integer AS gaps,
    (max(idx) + 1 - (SELECT size FROM log_head))::integer AS beyond
  FROM entries`;

describe.skipIf(!postgresInstalled)("a broker that is killed with SIGKILL", () => {
  let world: FaultWorld;
  let program: Program;
  let spare: Spare;
  let people: readonly Person[];
  let running: BrokerProcess;
  let secretsIn: ReturnType<typeof secretFinder>;
  /** Without a durable intent when STS was asked. */
  const early: string[] = [];
  beforeAll(async () => {
    [world, program] = await Promise.all([startFaultWorld({ minters: 4, escalators: 4 }), bundleBroker()]);
    spare = program.spare();
    secretsIn = secretFinder(world);
    world.sts.before = async ({ session }) => {
      const found = await world.record.query("SELECT 1 FROM sessions WHERE id = $1", [session]);
      if (found.length === 0) early.push(session);
    };
    running = await start(null);
    people = await world.enrol(() => running.url);
    running.child.kill("SIGTERM");
    expect(await running.ended).toBe(0);
    // It alone saw the invitations, and made the cookies.
    world.seen.logs.push(running.output());
  });
  afterAll(async () => {
    await program.close();
    await world.close();
  });

  const start = async (armed: Armed | null): Promise<BrokerProcess> => {
    const ready = spare;
    // Loads its code while the other one works.
    spare = program.spare();
    return ready.start({ config: world.config, awsCredentials: BROKER_KEYS, armed });
  };

  /** Every third call of a grant is throttled, and the first of each where the give-back is what is looked at. */
  function throttle(point: Failpoint): void {
    const asked = new Set<string>();
    let count = 0;
    world.sts.instead = ({ escalation }) => {
      if (escalation === null) return null;
      const first = !asked.has(escalation);
      asked.add(escalation);
      count += 1;
      return (point.startsWith("give-back") ? first : count % 3 === 0) ? THROTTLED : null;
    };
  }

  const hits = new Map<Failpoint, number>();
  const places = new Map<string, number>();

  test(
    `leaves no credential without its record, at every failpoint ${killsOfEach} times (${AMOUNT})`,
    async () => {
      for (let kill = 0; kill < killsOfEach * FAILPOINTS.length; kill += 1) {
        const point = FAILPOINTS[kill % FAILPOINTS.length] as Failpoint;
        const round = Math.floor(kill / FAILPOINTS.length);
        throttle(point);
        // The broker's own start is a transaction too.
        const pass = (point.startsWith("change.begin") ? 3 : 0) + (round % 4);
        running = await start({ point, pass, place: round % 16 });
        await load(sendTo(running.url), { workers: world.workers, people, seen: world.seen });
        expect(await running.ended).toBe("SIGKILL");
        await world.record.quiet();
        const words = running.lastWords();
        expect([point, await world.faults(), early]).toEqual([words?.died, [], []]);
        expect(secretsIn(running.output())).toEqual([]);
        hits.set(point, (hits.get(point) ?? 0) + 1);
        const place = `${point.split(".")[0]} ${words?.at ?? ""}`;
        places.set(place, (places.get(place) ?? 0) + 1);
      }
      report();
      expect(Math.min(...FAILPOINTS.map((point) => hits.get(point) ?? 0))).toBe(killsOfEach);
    },
    LONG,
  );

  function report(): void {
    const { seen, mints, sts } = world;
    const line = ([name, count]: [string, number]): string => `  ${String(count).padStart(6)}  ${name}`;
    const { length: kills } = [...hits.values()].flatMap((count) => Array.from({ length: count }));
    console.log(
      [
        `\n${kills} kills, by failpoint:`,
        ...[...hits].map(line),
        "by place:",
        ...[...places].sort(([a], [b]) => a.localeCompare(b)).map(line),
        `STS calls ${sts.calls.length}, issued ${mints().length}, delivered ${seen.delivered.length}, ` +
          `of grants ${seen.delivered.filter(({ escalation }) => escalation !== null).length}, ` +
          `decisions ${seen.decided.length}, unaudited credentials 0`,
      ].join("\n"),
    );
  }

  test("works on with the same database as if nothing had been", async () => {
    running = await start(null);
    const before = world.seen.delivered.length;
    world.sts.instead = () => null;
    const { seen } = world;
    await load(sendTo(running.url), { workers: world.workers, people, seen }, () => {
      const fresh = seen.delivered.slice(before);
      return fresh.filter(({ escalation }) => escalation !== null).length >= 4 && fresh.length >= 20;
    });
    expect(await world.faults()).toEqual([]);
    expect(await world.record.query(WHOLE_LOG)).toEqual([{ first: 0, gaps: 0, beyond: 0 }]);
  });

  test("case 50: no secret stands in a log, the database, the metrics or a problem", async () => {
    world.seen.logs.push(running.output());
    expect(await leaks(world, running.url)).toEqual([]);
    running.child.kill("SIGTERM");
    expect(await running.ended).toBe(0);
  });
});
