/** Two replicas on one PostgreSQL: one request, one swap, and the same set served by both. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { postgresInstalled, startPostgres, type Postgres } from "../support/postgres.ts";
import { startWorld } from "../escalation/world.ts";
import { entriesOf, FIRST, keep, people, requestOf, requests, SECOND, THIRD } from "./world.ts";

let postgres: Postgres | null = null;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres?.stop();
});

async function two() {
  if (postgres === null) throw new Error("PostgreSQL did not start");
  const world = await startWorld(await postgres.database(), 2);
  const [one, other] = world.replicas;
  if (other === undefined) throw new Error("one replica");
  return { world, one, other };
}

test.skipIf(!postgresInstalled)(
  "both take up what two people approved, and it is put in force once",
  async () => {
    const { one, other, ...started } = await two();
    const folder = { now: FIRST };
    const keepers = await Promise.all([keep(one, folder), keep(other, folder)]);
    expect((await one.store.activations.active())?.generation).toBe(1);

    folder.now = SECOND;
    await Promise.all(keepers.map((keeper) => keeper.reload()));
    expect(keepers.map(({ serving }) => serving())).toEqual([FIRST.set.digest, FIRST.set.digest]);
    expect(await requests(one)).toHaveLength(1);
    const id = requestOf(keepers[0]);
    expect(requestOf(keepers[1])).toBe(id);

    await (await people(other)).approve(id);
    await Promise.all(keepers.map((keeper) => keeper.look()));
    expect(keepers.map(({ serving }) => serving())).toEqual([SECOND.set.digest, SECOND.set.digest]);
    expect(await one.store.activations.active()).toMatchObject({ generation: 2, escalation: id });
    const used = (await entriesOf(one, "escalation.changed")).filter(({ escalation }) => escalation === id);
    expect(used).toHaveLength(1);
    await started.world.close();
  },
);

test.skipIf(!postgresInstalled)(
  "a replica whose folder lags serves what is in force from the kept files, and asks nobody",
  async () => {
    const { one, other, ...started } = await two();
    const lagging = await keep(other, { now: FIRST });
    const keeper = await keep(one, { now: SECOND });
    await (await people(one)).approve(requestOf(keeper));
    await keeper.look();
    expect(await lagging.look()).toMatchObject({ outcome: "served", digest: SECOND.set.digest });
    expect(lagging.current().files).toEqual(SECOND.files);
    expect(lagging.held()).toEqual({ digest: FIRST.set.digest, request: null });
    await lagging.look();
    expect(await requests(one)).toHaveLength(1);
    await started.world.close();
  },
);

test.skipIf(!postgresInstalled)("of many swaps from one set in force, one is made", async () => {
  const { one, other, ...started } = await two();
  await keep(one, { now: FIRST });
  const swaps = Array.from({ length: 40 }, (_, index) => {
    const { set, files, table } = index % 2 === 0 ? SECOND : THIRD;
    const { activations } = index % 4 < 2 ? one.store : other.store;
    return activations.activate(
      { digest: set.digest, files, actionData: table.version, escalation: `esc-${index}` },
      1,
    );
  });
  const made = (await Promise.all(swaps)).flatMap((done, index) => (done ? [`esc-${index}`] : []));
  expect(made).toHaveLength(1);
  expect(await other.store.activations.active()).toMatchObject({ generation: 2, escalation: made[0] });
  await started.world.close();
});
