/** The database's disk is full: nothing is minted without a record, and freed space is all the repair it takes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresInstalled, startPostgres } from "../support/postgres.ts";
import { bundleBroker, type BrokerProcess, type Program } from "./broker-process.ts";
import { load, sendTo, type Person } from "./load.ts";
import { mountSmallDisk, type SmallDisk } from "./small-disk.ts";
import { leaks } from "./secrets.ts";
import { BROKER_KEYS, startFaultWorld, type FaultWorld } from "./world.ts";

const MEGABYTES = 96;
/** Small segments, so that the log soon needs room it has not. */
const SMALL = { initdb: ["--wal-segsize=1"], settings: ["min_wal_size=2MB", "max_wal_size=4MB"] };
/** Refusals that are enough to say that the disk is full. */
const ENOUGH = 20;

const disk = postgresInstalled ? mountSmallDisk(MEGABYTES) : null;

if (disk === null && process.env["TWOKEY_TEST_ALL"] !== undefined) {
  test("a small disk can be mounted and PostgreSQL is installed, where every test must run", () => {
    expect.fail("mount -t tmpfs needs root, and the full disk needs PostgreSQL: one of them is missing here");
  });
}

describe.skipIf(disk === null)("a PostgreSQL whose disk is full", () => {
  let world: FaultWorld;
  let program: Program;
  let running: BrokerProcess;
  let people: readonly Person[];
  beforeAll(async () => {
    const { folder: parent } = disk as SmallDisk;
    const postgres = (await startPostgres({ parent, ...SMALL })) ?? undefined;
    if (postgres === undefined) throw new Error("PostgreSQL is installed but was not started");
    const options = { minters: 4, escalators: 2, postgres };
    [world, program] = await Promise.all([startFaultWorld(options), bundleBroker()]);
    const { config } = world;
    running = await program.spare().start({ config, awsCredentials: BROKER_KEYS, armed: null });
    people = await world.enrol(() => running.url);
  });
  afterAll(async () => {
    await program.close();
    await world.close();
    disk?.close();
  });

  const refusals = (): number =>
    world.seen.problems.filter((text) => text.includes("record_unavailable")).length;
  const work = (enough: () => boolean): Promise<void> =>
    load(sendTo(running.url), { workers: world.workers, people, seen: world.seen }, enough);
  const moreDelivered = (count: number): (() => boolean) => {
    const before = world.seen.delivered.length;
    return () => world.seen.delivered.length >= before + count;
  };

  test("nothing is minted without a record while it is full, and all works again once there is room", async () => {
    await work(moreDelivered(20));
    disk?.fill();
    await work(() => refusals() >= ENOUGH);
    const { length: calls } = world.sts.calls;
    const { length: delivered } = world.seen.delivered;

    disk?.empty();
    // Where it could not even write down that it fell, it ended, and its supervisor starts it again.
    if (!world.postgres.running()) await world.postgres.restart();
    await work(moreDelivered(20));
    expect(world.seen.delivered.length).toBeGreaterThan(delivered);
    expect(world.sts.calls.length).toBeGreaterThan(calls);
    expect(await world.faults()).toEqual([]);
  });

  test("case 50: no secret stands in a log, the database, the metrics or a problem", async () => {
    world.seen.logs.push(running.output());
    expect(await leaks(world, running.url)).toEqual([]);
    running.child.kill("SIGTERM");
    expect(await running.ended).toBe(0);
  });
});
