/**
 * PostgreSQL stops at once under load, as by `pg_ctl stop -m immediate`, and starts again on the same files, while the
 * broker lives on: nothing that was acknowledged is lost, and nobody repairs anything.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresInstalled } from "../support/postgres.ts";
import { AMOUNT, databaseCrashes, LONG } from "./amounts.ts";
import { bundleBroker, type BrokerProcess, type Program } from "./broker-process.ts";
import { load, sendTo, type Person } from "./load.ts";
import { leaks } from "./secrets.ts";
import { BROKER_KEYS, startFaultWorld, type FaultWorld } from "./world.ts";

describe.skipIf(!postgresInstalled)("a PostgreSQL that stops at once under load", () => {
  let world: FaultWorld;
  let program: Program;
  let running: BrokerProcess;
  let people: readonly Person[];
  beforeAll(async () => {
    [world, program] = await Promise.all([startFaultWorld({ minters: 4, escalators: 4 }), bundleBroker()]);
    const { config } = world;
    running = await program.spare().start({ config, awsCredentials: BROKER_KEYS, armed: null });
    people = await world.enrol(() => running.url);
  });
  afterAll(async () => {
    await program.close();
    await world.close();
  });

  /** Resolves at the `count`th call of STS from now, while it is still unanswered. */
  const afterCalls = (count: number): Promise<void> =>
    new Promise((resolve) => {
      let left = count;
      world.sts.before = async () => {
        left -= 1;
        if (left === 0) resolve();
      };
    });

  /** Decisions and sessions that were acknowledged, in how many ways. */
  const acknowledged = (): readonly number[] => {
    const { delivered, decided } = world.seen;
    const grants = delivered.filter(({ escalation }) => escalation !== null);
    return [delivered.length, decided.length, grants.length];
  };

  async function crashUnderLoad(afterSoMany: number): Promise<void> {
    let up: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      up = resolve;
    });
    let whenUp: readonly number[] | null = null;
    const moreOfEach = (): boolean =>
      whenUp !== null && acknowledged().every((count, index) => count > (whenUp?.[index] ?? Infinity));
    const crash = afterCalls(afterSoMany);
    const working = load(
      sendTo(running.url),
      { workers: world.workers, people, seen: world.seen, whenDown: () => started },
      moreOfEach,
    );
    await crash;
    await world.postgres.crash();
    await world.postgres.restart();
    whenUp = acknowledged();
    up();
    await working;
  }

  test(
    `loses no acknowledged decision or session, and the broker goes on by itself, ${databaseCrashes} times (${AMOUNT})`,
    async () => {
      for (let crash = 0; crash < databaseCrashes; crash += 1) {
        await crashUnderLoad(5 + (crash % 23));
        expect(await world.faults()).toEqual([]);
      }
      const [delivered, decided, grants] = acknowledged();
      console.log(
        `\n${databaseCrashes} immediate stops of PostgreSQL: ${delivered} sessions delivered (${grants} of grants), ` +
          `${decided} decisions acknowledged, 0 lost`,
      );
    },
    LONG,
  );

  test("case 50: no secret stands in a log, the database, the metrics or a problem", async () => {
    world.seen.logs.push(running.output());
    expect(await leaks(world, running.url)).toEqual([]);
  });

  test("the broker was one process all along, and stops cleanly", async () => {
    running.child.kill("SIGTERM");
    expect(await running.ended).toBe(0);
    expect(await world.faults()).toEqual([]);
  });
});
