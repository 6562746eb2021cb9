/** A grant is used once, for exactly what was approved, while it is still approved. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Entry } from "../../src/audit/entry.ts";
import type { Escalation } from "../../src/escalation/escalation.ts";
import type { Broker } from "../../src/flows/admit.ts";
import type { GrantWish } from "../../src/policy/decide-escalation.ts";
import { err, ok } from "../../src/result.ts";
import { ASSUMED } from "../support/flow-fakes.ts";
import {
  changed,
  CHANGE_SET,
  decide,
  enrol,
  mint,
  policy,
  request,
  STACK,
  startWorld,
  value,
  type Approver,
  type Replica,
  type World,
} from "./world.ts";

let world: World;
let replica: Replica;
let broker: Broker;
let platform: Approver;
let security: Approver;
let granted: Escalation;

beforeAll(async () => {
  world = await startWorld();
  [replica] = world.replicas;
  broker = replica.broker;
  platform = await enrol(replica, "platform-engineer");
  security = await enrol(replica, "security-engineer");
});
afterAll(() => world.close());
beforeEach(async () => {
  world.setDatabaseClock(null);
  world.assumeRole = async () => ok(ASSUMED);
  world.denied.length = 0;
  await world.query("UPDATE escalations SET state = 'expired', open = NULL, denied_at = NULL", []);
  granted = await grant();
});

async function grant(): Promise<Escalation> {
  const { escalation } = value(await request(broker));
  await decide(replica, platform, "approve", escalation);
  return value(await decide(replica, security, "approve", escalation));
}

/** "Deny" of the security list: no STS call, an audited reason, a plain answer. */
async function expectRefused(
  work: () => ReturnType<typeof mint>,
  failure: Readonly<Record<string, unknown>>,
): Promise<void> {
  const [calls, size] = [world.sts.length, await replica.store.size()];
  expect(await work()).toMatchObject({ ok: false, error: failure });
  expect(world.sts.length).toBe(calls);
  const entries = await replica.store.entries({ from: size, limit: 10 });
  const refused = entries.filter(({ kind }) => kind === "request.refused");
  expect(refused.map((entry) => (entry as Extract<Entry, { kind: "request.refused" }>).detail.code)).toEqual([
    failure["code"],
  ]);
}

test("what STS is asked for is, to the byte, what was approved, with the escalation's tag", async () => {
  const { content } = granted;
  if (content.kind !== "session") throw new Error("no session");
  const { session } = value(await mint(broker, granted.id));
  const asked = world.sts.at(-1);
  expect([asked?.policy, asked?.policyArns, asked?.roleArn, asked?.durationSeconds]).toEqual([
    content.policy,
    content.policyArns,
    content.roleArn,
    content.durationSeconds,
  ]);
  expect(asked?.tags).toEqual([
    { key: "twokey:principal", value: "ai-agent" },
    { key: "twokey:session", value: session.id },
    { key: "twokey:escalation", value: granted.id },
  ]);
  expect(content.tags).toEqual(asked?.tags.filter(({ key }) => key !== "twokey:session"));
  expect(await replica.store.escalations.find(granted.id)).toMatchObject({
    state: "consumed",
    session: session.id,
  });
});

test("the same fields given again are what was approved", async () => {
  const same = { template: "production-stack-change", account: "111122223333", durationSeconds: 900 };
  const parameters = { change_set: [CHANGE_SET], stack: [STACK] };
  expect((await mint(broker, granted.id, { ...same, parameters })).ok).toBe(true);
});

describe("case 34: a grant", () => {
  const others: readonly (readonly [string, string, Partial<GrantWish>])[] = [
    ["account", "account", { account: "999988887777" }],
    ["template", "template", { template: "observe" }],
    ["duration", "duration", { durationSeconds: 901 }],
    ["shorter duration", "duration", { durationSeconds: 899 }],
    ["stack", "parameters.stack", { parameters: { stack: ["x"], change_set: [CHANGE_SET] } }],
    ["change set", "parameters.change_set", { parameters: { stack: [STACK], change_set: ["x"] } }],
    ["second stack", "parameters.stack", { parameters: { stack: [STACK, STACK], change_set: [CHANGE_SET] } }],
    ["missing parameter", "parameters.change_set", { parameters: { stack: [STACK] } }],
    [
      "further parameter",
      "parameters.region",
      { parameters: { stack: [STACK], change_set: [CHANGE_SET], region: ["x"] } },
    ],
  ];
  test.each(others)("case 34: used with another %s is a mismatch of %s", async (_name, field, wish) => {
    await expectRefused(() => mint(broker, granted.id, wish), { code: "grant_mismatch", field });
    expect((await mint(broker, granted.id)).ok).toBe(true);
  });

  test("case 34: used with another role: roles.escalated moved since, and it is refused", async () => {
    const accounts = policy.set.accounts.map((account) => ({
      ...account,
      roles: { ...account.roles, escalated: account.roles.operator },
    }));
    await expectRefused(() => mint({ ...broker, policy: changed({ accounts }) }, granted.id), {
      code: "policy_changed",
      field: "roleArn",
    });
  });
});

describe("case 35: published between approval and mint", () => {
  const guardrails = { ...policy.set.guardrails, nonProduction: ["staging"] };
  const rules = policy.set.approvals;
  test.each([
    ["stricter guardrails", changed({ guardrails }), "templateVersion"],
    ["a rule of three people", changed({ approvals: rules.map((rule) => ({ ...rule, quorum: 3 })) }), "rule"],
    [
      "a rule of other groups",
      changed({ approvals: rules.map((rule) => ({ ...rule, groups: ["x"] })) }),
      "rule",
    ],
    [
      "another owner",
      changed({
        registry: {
          ...policy.set.registry,
          agents: policy.set.registry.agents.map((agent) => ({ ...agent, owner: "platform-engineer" })),
        },
      }),
      "owner",
    ],
  ])("case 35: %s: decided again, and refused", async (_name, served, field) => {
    await expectRefused(() => mint({ ...broker, policy: served }, granted.id), {
      code: "policy_changed",
      field,
    });
    expect((await mint(broker, granted.id)).ok).toBe(true);
  });

  test("case 35: a compiled policy that differs in one statement is refused", async () => {
    const prepared = policy.templates.get("production-stack-change");
    if (prepared === undefined) throw new Error("no template");
    const statements = prepared.statements.slice(0, 1);
    const templates = new Map([
      ...policy.templates,
      [prepared.template.name, { ...prepared, statements, compiled: new Map() }],
    ]);
    await expectRefused(() => mint({ ...broker, policy: { ...policy, templates } }, granted.id), {
      code: "policy_changed",
      field: "policy",
    });
  });

  test("case 35: no rule, or the template closed to the agent: refused as if it were asked for now", async () => {
    const registry = {
      ...policy.set.registry,
      agents: policy.set.registry.agents.map((agent) => ({ ...agent, templates: ["observe"] })),
    };
    await expectRefused(() => mint({ ...broker, policy: changed({ approvals: [] }) }, granted.id), {
      code: "no_approval_rule",
    });
    await expectRefused(() => mint({ ...broker, policy: changed({ registry }) }, granted.id), {
      code: "template_not_open",
    });
    const people = policy.set.people.filter(({ id }) => id !== "orders-lead");
    await expectRefused(() => mint({ ...broker, policy: changed({ people }) }, granted.id), {
      code: "owner_not_resolved",
    });
  });
});

describe("case 32: an approver", () => {
  const without = (id: string) =>
    policy.set.people.map((person) => (person.id === id ? { ...person, groups: [] } : person));

  test("case 32: who lost the role after approving no longer counts, and the mint is refused", async () => {
    const people = without("platform-engineer");
    await expectRefused(() => mint({ ...broker, policy: changed({ people }) }, granted.id), {
      code: "approval_withdrawn",
      counts: 1,
      quorum: 2,
    });
  });

  test("case 32: who is not known any more, or whose account is another's now, no longer counts", async () => {
    const gone = policy.set.people.filter(({ id }) => id !== "platform-engineer");
    await expectRefused(() => mint({ ...broker, policy: changed({ people: gone }) }, granted.id), {
      code: "approval_withdrawn",
    });
    const moved = policy.set.people.map((person) =>
      person.id === "platform-engineer" ? { ...person, identities: [] } : person,
    );
    await expectRefused(() => mint({ ...broker, policy: changed({ people: moved }) }, granted.id), {
      code: "approval_withdrawn",
    });
  });

  test("case 32: whose passkey was removed after approving no longer counts", async () => {
    const extra = await enrol(replica, "platform-engineer");
    await world.query("UPDATE escalations SET state = 'expired', open = NULL", []);
    const { escalation } = value(await request(broker));
    await decide(replica, extra, "approve", escalation);
    value(await decide(replica, security, "approve", escalation));
    const context = { requestId: null, policyVersion: policy.set.digest, person: "platform-engineer" };
    await replica.store.humans.removePasskey(extra.passkey.credentialId, context);
    await expectRefused(() => mint(broker, escalation.id), { code: "approval_withdrawn", counts: 1 });
  });
});

describe("a grant that is none", () => {
  test("is told what it waits for", async () => {
    const other = { ...broker, randomBytes: broker.randomBytes };
    await world.query("UPDATE escalations SET state = 'expired', open = NULL", []);
    const { escalation } = value(await request(other));
    await expectRefused(() => mint(broker, escalation.id), { code: "authorization_pending", interval: 5 });
    await decide(replica, platform, "deny", escalation, { reason: "not on a Friday" });
    await expectRefused(() => mint(broker, escalation.id), {
      code: "access_denied",
      reason: "not on a Friday",
    });
  });

  test("is over at its end, by the database's clock", async () => {
    world.setDatabaseClock(granted.usableUntil);
    await expectRefused(() => mint(broker, granted.id), { code: "expired_token" });
  });

  test("case 49: is another agent's and not there, as one that never was", async () => {
    const other = { agent: "billing-ci" };
    await expectRefused(() => mint(broker, granted.id, {}, other), { code: "not_found" });
    await expectRefused(() => mint(broker, "esc-bbbbbbbbbbbbbbbbbbbbbbbb"), { code: "not_found" });
  });
});

describe("what STS said to a grant", () => {
  test("certainly no: the grant is there again, and is good for one session", async () => {
    world.assumeRole = async () => err({ certainty: "definite", code: "AccessDenied", message: "no" });
    expect(await mint(broker, granted.id)).toMatchObject({ error: { code: "sts_refused" } });
    world.assumeRole = async () => ok(ASSUMED);
    expect((await mint(broker, granted.id)).ok).toBe(true);
    await expectRefused(() => mint(broker, granted.id), { code: "grant_used" });
  });

  test("too large: there is no other form of what was approved", async () => {
    const calls = world.sts.length;
    world.assumeRole = async () =>
      err({ certainty: "definite", code: "PackedPolicyTooLarge", message: "no" });
    expect(await mint(broker, granted.id)).toMatchObject({ error: { code: "packed_policy_too_large" } });
    expect(world.sts.length).toBe(calls + 1);
  });

  test("nothing clear: the grant stays consumed", async () => {
    world.assumeRole = async () => err({ certainty: "unknown", code: "TimeoutError", message: "no answer" });
    expect(await mint(broker, granted.id)).toMatchObject({ error: { code: "sts_unknown" } });
    world.assumeRole = async () => ok(ASSUMED);
    await expectRefused(() => mint(broker, granted.id), { code: "grant_used" });
  });
});

describe("case 38: a denial", () => {
  test("case 38: after the mint freezes the session and revokes it in AWS", async () => {
    const { session } = value(await mint(broker, granted.id));
    const size = await replica.store.size();
    const denied = value(await decide(replica, security, "deny", granted));
    expect([denied.state, denied.decisions.at(-1)?.verdict]).toEqual(["consumed", "deny"]);
    expect((await replica.store.session(session.id))?.frozenAt).toBeInstanceOf(Date);
    expect(world.denied).toMatchObject([{ roleArn: session.roleArn, region: "us-east-1" }]);
    expect(JSON.parse(world.denied[0]?.document ?? "")).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Deny",
          Action: "*",
          Resource: "*",
          Condition: { StringEquals: { "aws:SourceIdentity": [session.id] } },
        },
      ],
    });
    const kinds = (await replica.store.entries({ from: size, limit: 10 })).map(({ kind }) => kind);
    expect(kinds).toEqual(["escalation.decided", "freeze.made", "role.denied"]);
  });

  test("case 38: while STS is asked withholds what STS issues", async () => {
    let denial: ReturnType<typeof decide> | null = null;
    world.assumeRole = async () => {
      denial = decide(replica, security, "deny", granted);
      await denial;
      return ok(ASSUMED);
    };
    expect(await mint(broker, granted.id)).toMatchObject({ ok: false, error: { code: "session_frozen" } });
    expect(world.denied).toHaveLength(1);
  });

  test("case 38: that AWS does not hear of is on record as failed, and stands", async () => {
    value(await mint(broker, granted.id));
    const deaf = { broker: { ...broker, denyOnRole: async () => ({ fault: "AccessDenied" }) } };
    expect((await decide(deaf, security, "deny", granted)).ok).toBe(true);
    const [entry] = await replica.store.entries({ from: (await replica.store.size()) - 1, limit: 1 });
    expect(entry).toMatchObject({
      kind: "role.denied",
      detail: { state: "failed", message: "AccessDenied" },
    });
  });

  test("case 38: at the same moment as the approval that would make the quorum: denied, and nothing is minted", async () => {
    await world.query("UPDATE escalations SET state = 'expired', open = NULL", []);
    const { escalation } = value(await request(broker));
    await decide(replica, platform, "approve", escalation);
    const [approved, denied] = await Promise.all([
      decide(replica, security, "approve", escalation),
      decide(replica, platform, "deny", escalation),
    ]);
    expect(denied.ok).toBe(true);
    expect((await replica.store.escalations.find(escalation.id))?.state).toBe("denied");
    expect(approved.ok ? approved.value.state : approved.error.code).toMatch(
      /^(?:approved|escalation_closed)$/,
    );
    await expectRefused(() => mint(broker, escalation.id), { code: "access_denied" });
  });
});

test("an Idempotency-Key never mints twice from a grant either", async () => {
  const key = { idempotencyKey: "deploy-7" };
  const { session } = value(await mint(broker, granted.id, {}, key));
  await expectRefused(() => mint(broker, granted.id, {}, key), { code: "grant_used", session: session.id });
  expect(world.sts.filter(({ sourceIdentity }) => sourceIdentity === session.id)).toHaveLength(1);
});
