/** Who may decide, with what evidence, and until when. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Entry } from "../../src/audit/entry.ts";
import type { Escalation } from "../../src/escalation/escalation.ts";
import type { Person } from "../../src/identity/registry.ts";
import {
  changed,
  CHANGE_SET,
  decide,
  enrol,
  LOGIN,
  policy,
  request,
  send,
  sign,
  STACK,
  startWorld,
  value,
  viewerOf,
  type Approver,
  type Replica,
  type World,
} from "./world.ts";

let world: World;
let replica: Replica;
let platform: Approver;
let security: Approver;
let owner: Approver;
/** Waits for two of `platform`. */
let waiting: Escalation;

beforeAll(async () => {
  world = await startWorld();
  [replica] = world.replicas;
  platform = await enrol(replica, "platform-engineer");
  security = await enrol(replica, "security-engineer");
  owner = await enrol(replica, "orders-lead");
});
afterAll(() => world.close());
beforeEach(async () => {
  world.setDatabaseClock(null);
  // Nothing waits, and nothing was denied a short while ago.
  await world.query("UPDATE escalations SET state = 'expired', open = NULL, denied_at = NULL", []);
  waiting = value(await request(replica.broker)).escalation;
});

const stateOf = async (id = waiting.id) => (await replica.store.escalations.find(id))?.state;

/** "Deny" of the security list: nothing changed, and the reason is on record. */
async function expectRefused(
  work: () => ReturnType<typeof decide>,
  failure: Readonly<Record<string, unknown>>,
): Promise<void> {
  const [before, size] = [await replica.store.escalations.find(waiting.id), await replica.store.size()];
  expect(await work()).toMatchObject({ ok: false, error: failure });
  expect((await replica.store.escalations.find(waiting.id))?.decisions).toEqual(before?.decisions);
  const entries = await replica.store.entries({ from: size, limit: 10 });
  const refusals = entries.filter(({ kind }) => kind === "human.refused");
  expect(refusals.map((entry) => (entry as Extract<Entry, { kind: "human.refused" }>).detail.code)).toEqual([
    failure["code"],
  ]);
}

test("two different people approve with their passkeys, and the evidence is kept with the decision", async () => {
  expect(value(await decide(replica, platform, "approve", waiting)).state).toBe("pending");
  const approved = value(await decide(replica, security, "approve", waiting));
  expect(approved.state).toBe("approved");
  expect(approved.decisions.map(({ person, verdict }) => [person, verdict])).toEqual([
    ["platform-engineer", "approve"],
    ["security-engineer", "approve"],
  ]);
  expect(approved.decisions[0]).toMatchObject({
    account: { issuer: LOGIN, subject: "platform-engineer" },
    evidence: {
      kind: "passkey",
      credentialId: platform.passkey.credentialId,
      origin: "https://twokey.example.com",
      rpId: "twokey.example.com",
    },
  });
});

test("one denial is final, and its reason is kept for the agent", async () => {
  await decide(replica, platform, "approve", waiting);
  const denied = value(await decide(replica, security, "deny", waiting, { reason: "not on a Friday" }));
  expect([denied.state, denied.decisions.at(-1)?.reason]).toEqual(["denied", "not on a Friday"]);
  await expectRefused(() => decide(replica, security, "approve", waiting), {
    code: "escalation_closed",
    state: "denied",
  });
});

describe("case 28: the agent's owner", () => {
  test("case 28: approves and is refused", async () => {
    await expectRefused(() => decide(replica, owner, "approve", waiting), { code: "owner_cannot_approve" });
  });

  test("case 28: approves as a member of the deciding group and is refused all the same", async () => {
    const people = policy.set.people.map((person) =>
      person.id === "orders-lead" ? { ...person, groups: ["platform"] } : person,
    );
    const broker = { ...replica.broker, policy: changed({ people }) };
    await expectRefused(() => decide({ broker }, owner, "approve", waiting), {
      code: "owner_cannot_approve",
    });
  });

  test("denies, which is always heard", async () => {
    expect(value(await decide(replica, owner, "deny", waiting)).state).toBe("denied");
  });
});

/** The shipped people with another way in for the platform engineer. */
const withSecondAccount = (of: string): readonly Person[] =>
  policy.set.people.map((person) =>
    person.id === of
      ? { ...person, identities: [...person.identities, { issuer: LOGIN, subject: "second" }] }
      : person,
  );
const second = { issuer: LOGIN, subject: "second" };

test("case 29: two accounts of one person count once", async () => {
  const broker = { ...replica.broker, policy: changed({ people: withSecondAccount("platform-engineer") }) };
  const other = await enrol({ broker }, "platform-engineer", second);
  expect(value(await decide({ broker }, platform, "approve", waiting)).state).toBe("pending");
  await expectRefused(() => decide({ broker }, other, "approve", waiting), { code: "already_decided" });
  expect(await stateOf()).toBe("pending");
});

test("an account that is two people's has no vote", async () => {
  const people = withSecondAccount("platform-engineer");
  const other = await enrol(
    { broker: { ...replica.broker, policy: changed({ people }) } },
    "platform-engineer",
    second,
  );
  const both = people.map((person) =>
    person.id === "security-engineer" ? { ...person, identities: [...person.identities, second] } : person,
  );
  const broker = { ...replica.broker, policy: changed({ people: both }) };
  await expectRefused(() => decide({ broker }, other, "approve", waiting), { code: "passkey_refused" });
  // Signed in by the shared account, with a passkey that is clearly one person's.
  const viewer = viewerOf(broker, "platform-engineer", second);
  const approver = { viewer, passkey: platform.passkey };
  await expectRefused(() => decide({ broker }, approver, "approve", waiting), { code: "not_a_person" });
});

test("somebody of no deciding group has no vote", async () => {
  const people = policy.set.people.map((person) =>
    person.id === "platform-engineer" ? { ...person, groups: ["orders"] } : person,
  );
  const broker = { ...replica.broker, policy: changed({ people }) };
  await expectRefused(() => decide({ broker }, platform, "approve", waiting), {
    code: "not_an_approver",
    groups: ["platform"],
  });
});

describe("the assertion", () => {
  test("case 37: for request A is no good for request B", async () => {
    const other = value(
      await request(replica.broker, { wish: { ...WISH_OTHER }, reason: "something else" }),
    ).escalation;
    const ballot = await sign(replica, platform, "approve", other);
    await expectRefused(() => send(replica, platform, ballot, { escalation: waiting.id }), {
      code: "passkey_refused",
      reason: "the challenge is not for this decision",
    });
    // Even with a challenge of B, what was signed is A.
    const own = await sign(replica, platform, "approve", waiting);
    await expectRefused(() => send(replica, platform, own, { assertion: () => ballot.assertion }), {
      code: "passkey_refused",
    });
  });

  test("to approve is no good to deny, nor the other way round", async () => {
    const ballot = await sign(replica, platform, "deny", waiting);
    await expectRefused(() => send(replica, platform, ballot, { verdict: "approve", reason: null }), {
      code: "passkey_refused",
    });
    const approve = await sign(replica, platform, "approve", waiting);
    await expectRefused(() => send(replica, platform, approve, { assertion: () => ballot.assertion }), {
      code: "passkey_refused",
    });
  });

  test("is good once", async () => {
    const ballot = await sign(replica, platform, "approve", waiting);
    value(await send(replica, platform, ballot));
    await expectRefused(() => send(replica, platform, ballot), { code: "passkey_refused" });
  });

  test("sent twice at the same moment decides once", async () => {
    const ballot = await sign(replica, platform, "deny", waiting);
    const answers = await Promise.all([send(replica, platform, ballot), send(replica, platform, ballot)]);
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect((await replica.store.escalations.find(waiting.id))?.decisions).toHaveLength(1);
  });

  test("of another approver's passkey is refused", async () => {
    const ballot = await sign(replica, { ...platform, passkey: security.passkey }, "approve", waiting);
    await expectRefused(() => send(replica, platform, ballot), { code: "passkey_refused" });
    const theirs = await sign(replica, security, "approve", waiting);
    await expectRefused(() => send(replica, platform, theirs), { code: "passkey_refused" });
  });

  test("of a passkey that was removed, or that nobody enrolled, is refused", async () => {
    const gone = await enrol(replica, "platform-engineer");
    const context = { requestId: null, policyVersion: policy.set.digest, person: "platform-engineer" };
    await replica.store.humans.removePasskey(gone.passkey.credentialId, context);
    await expectRefused(() => decide(replica, gone, "approve", waiting), {
      code: "passkey_refused",
      reason: "the passkey was removed",
    });
    await expectRefused(
      () =>
        decide(replica, platform, "approve", waiting, { assertion: (honest) => ({ ...honest, id: "AAAA" }) }),
      { code: "passkey_refused" },
    );
  });

  test("of a passkey that is too new decides nothing yet, by the database's clock", async () => {
    const fresh = await enrol(replica, "platform-engineer", undefined, 86_400);
    // The broker's own clock is a week ahead and changes nothing.
    const broker = { ...replica.broker, clock: () => new Date(Date.now() + 7 * 86_400_000) };
    await expectRefused(() => decide({ broker }, fresh, "approve", waiting), { code: "passkey_too_new" });
  });
});

const WISH_OTHER = {
  template: "production-stack-change",
  parameters: { stack: [STACK.replace("/1", "/9")], change_set: [CHANGE_SET] },
  account: null,
  durationSeconds: null,
  task: { id: null, intent: "destroy", summary: "something else" },
} as const;

describe("case 39: a decision", () => {
  test("case 39: 1 ms before the end is taken", async () => {
    const ballot = await sign(replica, platform, "approve", waiting);
    await world.query("UPDATE challenges SET expires_at = $1::timestamptz", ["2100-01-01T00:00:00Z"]);
    world.setDatabaseClock(new Date(waiting.expiresAt.getTime() - 1));
    expect((await send(replica, platform, ballot)).ok).toBe(true);
  });

  test.each([0, 1])("case 39: %i ms after the end is 410, by the database's clock", async (ms) => {
    const ballot = await sign(replica, platform, "approve", waiting);
    await world.query("UPDATE challenges SET expires_at = $1::timestamptz", ["2100-01-01T00:00:00Z"]);
    world.setDatabaseClock(new Date(waiting.expiresAt.getTime() + ms));
    // A broker whose clock is five minutes behind is none the wiser, and nobody asks it.
    const broker = { ...replica.broker, clock: () => new Date(Date.now() - 300_000) };
    await expectRefused(() => send({ broker }, platform, ballot), { code: "expired_token" });
    expect(await stateOf()).toBe("expired");
  });
});

describe("the reason", () => {
  test.each([null, "", "x".repeat(2001), "a\u001b[2Jb", "\u0000"])(
    "of a denial is text: not %j",
    async (reason) => {
      await expectRefused(() => decide(replica, platform, "deny", waiting, { reason }), {
        code: "invalid_request",
      });
    },
  );

  test("of 2,000 characters is kept whole", async () => {
    const reason = "ü".repeat(2000);
    expect(value(await decide(replica, platform, "deny", waiting, { reason })).decisions[0]?.reason).toBe(
      reason,
    );
  });
});

test("an escalation that is not there is not found", async () => {
  const ballot = await sign(replica, platform, "approve", waiting);
  const escalation = "esc-bbbbbbbbbbbbbbbbbbbbbbbb";
  await expectRefused(() => send(replica, platform, ballot, { escalation }), { code: "not_found" });
});

test("case 33: a request that differs in anything is another escalation, and approvals stay where they were given", async () => {
  value(await decide(replica, platform, "approve", waiting));
  const edited = value(await request(replica.broker, { wish: WISH_OTHER })).escalation;
  expect(edited.id).not.toBe(waiting.id);
  expect(edited.digest).not.toBe(waiting.digest);
  expect(edited.decisions).toEqual([]);
  // Should the stored content be edited behind the broker's back, the digest people signed is another one.
  const stored = await replica.store.escalations.find(waiting.id);
  expect(stored?.canonical).toBe(waiting.canonical);
});
