/** What holds when the broker dies between two steps, and when the kept files are not what was approved. */
import { afterAll, beforeEach, expect, test } from "vitest";
import type { Entry } from "../../src/audit/entry.ts";
import { checkSet } from "../../src/policy/check-set.ts";
import { asFiles, FILES } from "../policy-set/fixture.ts";
import {
  entriesOf,
  FIRST,
  keep,
  requestOf,
  SECOND,
  started,
  stop,
  table,
  THIRD,
  tryKeep,
  type Started,
} from "./world.ts";

let running: Started;
beforeEach(async () => {
  running = await started();
});
afterAll(stop);

test("a crash between the use of the approval and the swap: the swap is made after the restart", async () => {
  const { replica, people } = running;
  const { store } = replica;
  const activations = {
    ...store.activations,
    activate: () => Promise.reject(new Error("the process died")),
  };
  const keeper = await keep(replica, { now: SECOND }, { activations });
  const id = requestOf(keeper);
  await people.approve(id);
  expect(await keeper.look()).toMatchObject({ outcome: "not_recorded" });
  expect((await store.escalations.find(id))?.state).toBe("consumed");
  expect(keeper.serving()).toBe(FIRST.set.digest);
  expect((await keep(replica, { now: SECOND })).serving()).toBe(SECOND.set.digest);
});

test("a crash after the swap: the set is served after the restart, and its load is recorded", async () => {
  const { replica, people } = running;
  let broken = false;
  const audit = {
    append: (entry: Entry) =>
      broken ? Promise.reject(new Error("the process died")) : replica.store.append(entry),
  };
  const keeper = await keep(replica, { now: SECOND }, { audit });
  const id = requestOf(keeper);
  await people.approve(id);
  broken = true;
  expect(await keeper.look()).toMatchObject({ outcome: "not_recorded" });
  expect(keeper.serving()).toBe(FIRST.set.digest);
  broken = false;
  expect(await keeper.look()).toMatchObject({ outcome: "served" });
  expect((await entriesOf(replica, "policy.loaded")).at(-1)).toMatchObject({ escalation: id });
});

test("a swap that was made though its answer was lost is found done", async () => {
  const { replica, people } = running;
  const { activations } = replica.store;
  let lost = false;
  const losing: typeof activations = {
    ...activations,
    activate: async (...swap) => {
      const done = await activations.activate(...swap);
      if (lost) return done;
      lost = true;
      throw new Error("the answer was lost");
    },
  };
  const keeper = await keep(replica, { now: SECOND }, { activations: losing });
  await people.approve(requestOf(keeper));
  expect(await keeper.look()).toMatchObject({ outcome: "not_recorded" });
  expect(await keeper.look()).toMatchObject({ outcome: "served" });
  expect((await activations.active())?.generation).toBe(2);
});

/** What the database holds of a set, as somebody with access to it would change it. */
const tamper = (digest: string, find: string, put: string) =>
  running.world.query("UPDATE policy_sets SET files = replace(files, $2, $3) WHERE digest = $1", [
    digest,
    find,
    put,
  ]);

test("kept files that are not those of the digest in force are not served, and the broker does not start", async () => {
  const { replica } = running;
  await tamper(FIRST.set.digest, "quorum: 2, groups: [platform]", "quorum: 2, groups: [platform, orders]");
  expect(await tryKeep(replica, { now: SECOND })).toEqual({
    ok: false,
    error: [expect.stringContaining(`are not the policy set in force (${FIRST.set.digest})`)],
  });
  // Whoever has the very set that is in force needs no kept files.
  expect((await keep(replica, { now: FIRST })).serving()).toBe(FIRST.set.digest);
});

test("a set in force that cannot be read any more keeps the broker from starting, with the reason", async () => {
  const { replica } = running;
  await tamper(FIRST.set.digest, "cloudformation:ListStacks", "cloudformation:ListStakcs");
  const started = await tryKeep(replica, { now: SECOND });
  expect(started.ok ? [] : started.error).toEqual([
    expect.stringContaining("cannot be served by this version"),
    expect.stringMatching(/^templates\/look\.yaml:\d+: .*ListStakcs/),
  ]);
});

test("a running broker stays with its set when the new one cannot be read from the record", async () => {
  const { replica, people } = running;
  const lagging = await keep(replica, { now: FIRST });
  const keeper = await keep(replica, { now: SECOND });
  await people.approve(requestOf(keeper));
  await keeper.look();
  await tamper(SECOND.set.digest, "cloudformation:DescribeStacks", "cloudformation:ListStacks");
  expect(await lagging.look()).toMatchObject({ outcome: "unloadable", again: false });
  expect(await lagging.look()).toMatchObject({ outcome: "unloadable", again: true });
  expect(lagging.serving()).toBe(FIRST.set.digest);
});

test("new action data give the same files another digest: they are still approved, and others still are not", async () => {
  const { replica, people } = running;
  const newer = { ...table, version: "another" };
  const upgraded = (digest: string) => {
    const files = [FIRST, SECOND, THIRD].find(({ set }) => set.digest === digest)?.files ?? asFiles(FILES);
    const checked = checkSet(files, newer);
    if (!checked.ok) throw new Error(JSON.stringify(checked.error));
    return checked.value;
  };
  const [first, second] = [upgraded(FIRST.set.digest), upgraded(SECOND.set.digest)];
  expect(first.set.digest).not.toBe(FIRST.set.digest);
  const same = await keep(replica, { now: first });
  expect([same.serving(), same.held()]).toEqual([first.set.digest, null]);
  const changed = await keep(replica, { now: second });
  expect(changed.serving()).toBe(first.set.digest);
  await people.approve(requestOf(changed));
  await changed.look();
  expect(changed.serving()).toBe(second.set.digest);
});
