/** The life of a request for a changed set: denied, not answered, taken back, and good once for one set in force. */
import { afterAll, beforeEach, expect, test } from "vitest";
import { canonicalJson } from "../../src/policy/digest.ts";
import { escalationDigest } from "../../src/escalation/digest.ts";
import {
  FIRST,
  IMMEDIATE,
  keep,
  requestOf,
  requests,
  SECOND,
  started,
  stop,
  THIRD,
  type Started,
} from "./world.ts";

let running: Started;
beforeEach(async () => {
  running = await started();
});
afterAll(stop);

const stateOf = async (id: string) => (await running.replica.store.escalations.find(id))?.state;

test("a denied set is not asked for again, not by a reload, not by a restart; another set is", async () => {
  const { replica, people } = running;
  const folder = { now: SECOND };
  const keeper = await keep(replica, folder);
  const id = requestOf(keeper);
  await people.decide("platform-one", "deny", id);
  await keeper.look();
  expect(keeper.held()).toEqual({ digest: SECOND.set.digest, request: { id, state: "denied" } });
  await keeper.reload();
  const restarted = await keep(replica, folder);
  expect(restarted.serving()).toBe(FIRST.set.digest);
  expect(await requests(replica)).toHaveLength(1);

  folder.now = THIRD;
  await restarted.reload();
  expect(requestOf(restarted)).not.toBe(id);
  expect(restarted.held()?.request?.state).toBe("pending");
});

test("a set that nobody decided in time is asked for again when the folder is read, and not by itself", async () => {
  const { world, replica } = running;
  const folder = { now: SECOND };
  const keeper = await keep(replica, folder);
  const id = requestOf(keeper);
  await world.query("UPDATE escalations SET expires_at = now() - interval '1 second' WHERE id = $1", [id]);
  await keeper.look();
  expect(keeper.held()?.request).toEqual({ id, state: "expired" });
  await keeper.look();
  expect(await requests(replica)).toHaveLength(1);
  await keeper.reload();
  expect(requestOf(keeper)).not.toBe(id);
  expect(keeper.held()?.request?.state).toBe("pending");
});

test("going back to the set in force takes the request back", async () => {
  const { replica, people } = running;
  const folder = { now: SECOND };
  const keeper = await keep(replica, folder);
  const id = requestOf(keeper);
  await people.decide("platform-one", "approve", id);
  folder.now = FIRST;
  expect(await keeper.reload()).toEqual({ outcome: "unchanged" });
  expect(await stateOf(id)).toBe("cancelled");
  expect(await people.decide("platform-two", "approve", id)).toMatchObject({ ok: false });
  expect(keeper.serving()).toBe(FIRST.set.digest);
  expect(keeper.held()).toBeNull();

  // Wanted once more, it is decided anew: the approval of then is gone.
  folder.now = SECOND;
  await keeper.reload();
  expect((await replica.store.escalations.find(requestOf(keeper)))?.decisions).toEqual([]);
});

test("going back while the broker is down takes the request back at the start, approved or not", async () => {
  const { replica, people } = running;
  const id = requestOf(await keep(replica, { now: SECOND }));
  await people.approve(id);
  const restarted = await keep(replica, { now: FIRST });
  expect(restarted.serving()).toBe(FIRST.set.digest);
  expect(await stateOf(id)).toBe("cancelled");
});

test("another change in the folder takes the earlier one's request back", async () => {
  const { replica } = running;
  const folder = { now: SECOND };
  const keeper = await keep(replica, folder);
  const id = requestOf(keeper);
  folder.now = THIRD;
  await keeper.reload();
  expect(await stateOf(id)).toBe("cancelled");
  expect(await stateOf(requestOf(keeper))).toBe("pending");
});

test("a set approved against another set in force is not put in force, and its request is taken back", async () => {
  const { replica, people } = running;
  const one = await keep(replica, { now: SECOND });
  const id = requestOf(one);
  // Another replica, whose folder holds something else; it withdraws nothing of what it does not know.
  const folder = { now: FIRST };
  const other = await keep(replica, folder, {
    escalations: { ...replica.store.escalations, list: async () => [] },
  });
  folder.now = THIRD;
  await other.reload();
  await people.approve(id);
  await people.approve(requestOf(other));
  const late = requestOf(other);
  await one.look();
  expect(one.serving()).toBe(SECOND.set.digest);
  await other.look();
  expect(other.serving()).toBe(SECOND.set.digest);
  expect(await stateOf(late)).toBe("cancelled");
  expect((await replica.store.activations.active())?.generation).toBe(2);
});

test("an approval is good once: after the way back, the same set needs people again", async () => {
  const { replica, people } = running;
  const folder = { now: SECOND };
  const keeper = await keep(replica, folder);
  for (const wanted of [SECOND, FIRST]) {
    folder.now = wanted;
    await keeper.reload();
    await people.approve(requestOf(keeper));
    await keeper.look();
    expect(keeper.serving()).toBe(wanted.set.digest);
  }
  folder.now = SECOND;
  await keeper.reload();
  expect(keeper.serving()).toBe(FIRST.set.digest);
  expect(keeper.held()?.request?.state).toBe("pending");
  expect((await keep(replica, folder)).serving()).toBe(FIRST.set.digest);
});

test("a request that states another rule than the one in force puts nothing in force, however many approved", async () => {
  const { replica, people } = running;
  const { store } = replica;
  // What would be asked for, but that others may decide too.
  const request: typeof store.escalations.request = (draft) => {
    const rule = { ...draft.content.rule, groups: ["platform", "orders"] };
    const content = { ...draft.content, rule };
    const canonical = canonicalJson(content);
    return store.escalations.request({ ...draft, content, canonical, digest: escalationDigest(canonical) });
  };
  const keeper = await keep(replica, { now: SECOND }, { escalations: { ...store.escalations, request } });
  const id = requestOf(keeper);
  await people.decide("platform-one", "approve", id);
  await people.decide("orders-lead", "approve", id);
  expect(await stateOf(id)).toBe("approved");
  await keeper.look();
  expect(keeper.serving()).toBe(FIRST.set.digest);
});

test("turned off by approval, it is off for a replica whose folder lags, which does not turn it on again", async () => {
  const { replica, people } = running;
  const lagging = await keep(replica, { now: FIRST });
  const keeper = await keep(replica, { now: IMMEDIATE });
  await people.approve(requestOf(keeper));
  await keeper.look();
  await lagging.look();
  await lagging.reload();
  expect(lagging.serving()).toBe(IMMEDIATE.set.digest);
  expect((await replica.store.activations.active())?.generation).toBe(2);
});

test("a denial after the set came in force changes nothing", async () => {
  const { replica, people } = running;
  const keeper = await keep(replica, { now: SECOND });
  const id = requestOf(keeper);
  await people.approve(id);
  await keeper.look();
  expect(await people.decide("platform-one", "deny", id, SECOND)).toMatchObject({ ok: false });
  expect(await stateOf(id)).toBe("consumed");
  expect(keeper.serving()).toBe(SECOND.set.digest);
});
