/** With `activation: approval`, a changed policy set is not served until two people approved it. */
import { afterAll, expect, test } from "vitest";
import {
  APPROVAL,
  entriesOf,
  FIRST,
  fresh,
  IMMEDIATE,
  keep,
  requestOf,
  requests,
  SECOND,
  setOf,
  started,
  stop,
  THIRD,
} from "./world.ts";

afterAll(stop);

test("where no set was ever in force, the folder's is trusted, put in force and recorded", async () => {
  const { replica } = await fresh();
  const keeper = await keep(replica, { now: FIRST });
  expect(keeper.trustedOnFirstUse).toBe(true);
  expect(keeper.serving()).toBe(FIRST.set.digest);
  expect(await replica.store.activations.active()).toEqual({
    digest: FIRST.set.digest,
    escalation: null,
    generation: 1,
  });
  const [loaded] = await entriesOf(replica, "policy.loaded");
  expect(loaded).toMatchObject({
    policyVersion: FIRST.set.digest,
    escalation: null,
    detail: { changes: null },
  });
  expect((await keep(replica, { now: FIRST })).trustedOnFirstUse).toBe(false);
});

test("a changed set is served after two approvals and not before, and the load names what approved it", async () => {
  const { replica, people } = await started();
  const folder = { now: FIRST };
  const keeper = await keep(replica, folder);
  folder.now = SECOND;
  expect(await keeper.reload()).toMatchObject({ outcome: "held", again: false });
  const id = requestOf(keeper);
  expect((await replica.store.escalations.find(id))?.content).toMatchObject({
    kind: "policy",
    from: FIRST.set.digest,
    to: SECOND.set.digest,
    changes: [expect.stringMatching(/^lost: template look: .*cloudformation:ListStacks/)],
    rule: { quorum: 2, groups: ["platform"], evidence: "passkey", pendingSeconds: 86_400 },
  });
  // What is approved is there to be served, whatever becomes of the folder.
  expect((await replica.store.activations.kept(SECOND.set.digest))?.files).toEqual(SECOND.files);
  expect(await people.decide("orders-lead", "approve", id)).toMatchObject({ ok: false });
  expect(await people.decide("platform-one", "approve", id)).toMatchObject({ ok: true });
  expect(await people.decide("platform-one", "approve", id)).toMatchObject({ ok: false });
  await keeper.look();
  await keeper.reload();
  expect(keeper.serving()).toBe(FIRST.set.digest);

  expect(await people.decide("platform-two", "approve", id)).toMatchObject({ ok: true });
  expect(await keeper.look()).toMatchObject({ outcome: "served", digest: SECOND.set.digest });
  expect(keeper.serving()).toBe(SECOND.set.digest);
  expect(keeper.held()).toBeNull();
  expect(await replica.store.activations.active()).toEqual({
    digest: SECOND.set.digest,
    escalation: id,
    generation: 2,
  });
  expect(await replica.store.escalations.find(id)).toMatchObject({
    state: "consumed",
    session: SECOND.set.digest,
  });
  expect((await entriesOf(replica, "policy.loaded")).at(-1)).toMatchObject({
    policyVersion: SECOND.set.digest,
    escalation: id,
  });
});

test("a restart does not go around it: the set in force is served from the kept files, and the request is the same", async () => {
  const { replica, people } = await started();
  const restarted = await keep(replica, { now: SECOND });
  expect(restarted.serving()).toBe(FIRST.set.digest);
  const again = await keep(replica, { now: SECOND });
  expect(again.serving()).toBe(FIRST.set.digest);
  expect(requestOf(again)).toBe(requestOf(restarted));
  expect(await requests(replica)).toHaveLength(1);

  await people.approve(requestOf(again));
  expect((await keep(replica, { now: SECOND })).serving()).toBe(SECOND.set.digest);
});

test("turning approval off needs the two keys of the rule that is turned off", async () => {
  const { replica, people } = await started();
  const folder = { now: IMMEDIATE };
  const keeper = await keep(replica, folder);
  expect(keeper.serving()).toBe(FIRST.set.digest);
  const id = requestOf(keeper);
  const content = (await replica.store.escalations.find(id))?.content;
  expect(content).toMatchObject({
    changes: [expect.stringMatching(/^gained: policy activation: WEAKER/)],
    rule: { quorum: 2, groups: ["platform"] },
  });
  await people.approve(id);
  await keeper.look();
  expect(keeper.serving()).toBe(IMMEDIATE.set.digest);
  // From here on a change is served at once.
  folder.now = setOf("", ["templates/look.yaml", "title: Look around", "title: Look"]);
  expect(await keeper.reload()).toMatchObject({ outcome: "served" });
  expect(keeper.serving()).toBe(folder.now.set.digest);
});

test("a new set's own rule judges nothing: the groups it names decide only once it is in force", async () => {
  const { replica, people } = await started();
  const wider = setOf(APPROVAL.replace("[platform]", "[platform, orders]"));
  const keeper = await keep(replica, { now: wider });
  const id = requestOf(keeper);
  expect(await people.decide("platform-one", "approve", id)).toMatchObject({ ok: true });
  expect(await people.decide("orders-lead", "approve", id, wider)).toMatchObject({ ok: false });
  await keeper.look();
  expect(keeper.serving()).toBe(FIRST.set.digest);
});

test("approvals that do not count by the set in force put nothing in force, whoever counted them", async () => {
  const { world, replica, people } = await started();
  const keeper = await keep(replica, { now: SECOND });
  const id = requestOf(keeper);
  await people.approve(id);
  // As if an approver's account were not theirs any more: only one of two approvals still counts.
  await world.query("UPDATE decisions SET body = replace(body, $1, $2) WHERE escalation = $3 AND place = 0", [
    '"subject":"platform-one"',
    '"subject":"platform-gone"',
    id,
  ]);
  expect((await replica.store.escalations.find(id))?.state).toBe("approved");
  await keeper.look();
  expect(keeper.serving()).toBe(FIRST.set.digest);
  expect(keeper.held()?.request).toEqual({ id, state: "approved" });
});

test("an approver's key that was removed since does not count", async () => {
  const { replica, people } = await started();
  const keeper = await keep(replica, { now: SECOND });
  await people.approve(requestOf(keeper));
  const [key] = await replica.store.humans.passkeys({ person: "platform-two" });
  const context = { requestId: null, policyVersion: FIRST.set.digest, person: "platform-one" };
  await replica.store.humans.removePasskey(key?.credentialId ?? "", context);
  await keeper.look();
  expect(keeper.serving()).toBe(FIRST.set.digest);
});

test("where changes are immediate nobody is asked, as before", async () => {
  const { replica } = await fresh();
  const folder = { now: IMMEDIATE };
  const keeper = await keep(replica, folder);
  folder.now = FIRST;
  expect(await keeper.reload()).toMatchObject({ outcome: "served" });
  expect(await requests(replica)).toEqual([]);
  // Now they need approval.
  folder.now = THIRD;
  expect(await keeper.reload()).toMatchObject({ outcome: "held" });
  expect(keeper.serving()).toBe(FIRST.set.digest);
});
