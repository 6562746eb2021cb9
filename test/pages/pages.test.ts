/** What the pages say to whom: placement in the queue, what a viewer may do, who sees people, the record as a story. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Escalation } from "../../src/escalation/escalation.ts";
import type { Broker } from "../../src/flows/admit.ts";
import type { Viewer } from "../../src/flows/admit-person.ts";
import { searchAudit, showStory } from "../../src/flows/show-audit.ts";
import { showEscalationPage } from "../../src/flows/show-escalation.ts";
import { showFrame } from "../../src/flows/show-frame.ts";
import { showPasskeys, showPeople } from "../../src/flows/show-people.ts";
import { showQueue } from "../../src/flows/show-queue.ts";
import { showSessions } from "../../src/flows/show-sessions.ts";
import {
  changed,
  decide,
  enrol,
  LOGIN,
  mint,
  policy,
  request,
  startWorld,
  STACK,
  value,
  viewerOf,
  type Replica,
  type World,
} from "../escalation/world.ts";

let world: World;
let replica: Replica;
let broker: Broker;

const TABLES = [
  "entries",
  "escalations",
  "decisions",
  "escalation_keys",
  "used_tokens",
  "sessions",
  "passkeys",
];

beforeAll(async () => {
  world = await startWorld();
});
beforeEach(async () => {
  for (const table of TABLES) await world.query(`DELETE FROM ${table}`, []);
  [replica] = world.replicas;
  ({ broker } = replica);
});
afterAll(async () => {
  await world.close();
});

const viewer = (id: string): Viewer => viewerOf(broker, id, { issuer: LOGIN, subject: id });
const asked = async (): Promise<Escalation> => value(await request(broker)).escalation;

async function placed(id: string): Promise<Readonly<Record<string, readonly (string | null)[]>>> {
  const queue = value(await showQueue(broker, viewer(id)));
  const of = (rows: typeof queue.mine) => rows.map(({ notMine }) => notMine);
  return { mine: of(queue.mine), others: of(queue.others), decided: of(queue.decided) };
}

test("a request waits for its approvers, not for its owner, and not for somebody who already approved it", async () => {
  const engineer = await enrol(replica, "platform-engineer");
  const escalation = await asked();
  expect(await placed("platform-engineer")).toEqual({ mine: [null], others: [], decided: [] });
  expect(await placed("orders-lead")).toEqual({
    mine: [],
    others: ["you own the agent: its owner may deny, and never approve"],
    decided: [],
  });
  value(await decide(replica, engineer, "approve", escalation));
  const waits = "you approved it: waits for another";
  expect(await placed("platform-engineer")).toEqual({ mine: [], others: [waits], decided: [waits] });
  expect(await placed("security-engineer")).toEqual({ mine: [null], others: [], decided: [] });
});

test("somebody in no group of the rule sees which group it waits for", async () => {
  const people = policy.set.people.map((person) =>
    person.id === "security-engineer" ? { ...person, groups: ["security"] } : person,
  );
  broker = { ...broker, policy: changed({ people }) };
  await asked();
  expect((await placed("security-engineer"))["others"]).toEqual(["waits for a member of platform"]);
});

test("a grant waits for its agent, and what is closed is only among what I decided", async () => {
  const [engineer, security] = [
    await enrol(replica, "platform-engineer"),
    await enrol(replica, "security-engineer"),
  ];
  const escalation = await asked();
  value(await decide(replica, engineer, "approve", escalation));
  value(await decide(replica, security, "approve", escalation));
  expect((await placed("platform-engineer"))["others"]).toEqual([
    "approved: waits for orders-ci to collect it",
  ]);
  value(await mint(broker, escalation.id));
  expect(await placed("platform-engineer")).toEqual({ mine: [], others: [], decided: ["consumed"] });
});

test("a row says what it is about, that it destroys, and how many approvals count", async () => {
  const { id } = await asked();
  const [row] = value(await showQueue(broker, viewer("platform-engineer"))).mine;
  expect(row).toMatchObject({
    id,
    kind: "session",
    title: "Execute one prepared change set on one production stack",
    agent: "orders-ci",
    owner: "orders-lead",
    account: "111122223333",
    reason: "the queue loses orders",
    destroys: true,
    approvals: 0,
    quorum: 2,
    decided: null,
  });
});

test("an escalation's page says what it could do, on what, what it adds, and who is asked", async () => {
  const { id } = await asked();
  const page = value(await showEscalationPage(broker, viewer("platform-engineer"), id));
  expect(page).toMatchObject({
    state: "pending",
    quorum: 2,
    groups: ["platform"],
    minted: null,
    policy: null,
    session: {
      agent: "orders-ci",
      owner: { id: "orders-lead", name: "Orders team lead" },
      account: { id: "111122223333", name: "demo" },
      current: true,
    },
  });
  expect(page.session?.could[0]).toEqual({
    effect: "destroys",
    text: "execute the change set twokey-fix on the stack orders-production",
    actions: ["cloudformation:ExecuteChangeSet"],
    resources: [STACK],
  });
  expect(page.session?.adds).toEqual([
    "It may execute the change set twokey-fix on the stack orders-production; no standing template of this agent allows that.",
  ]);
});

test("case 28: the agent's owner is not offered to approve, and may deny", async () => {
  const owner = await enrol(replica, "orders-lead");
  const { id } = await asked();
  const { mayApprove, mayDeny } = value(await showEscalationPage(broker, owner.viewer, id));
  expect(mayApprove).toEqual({ ok: false, why: "You own the agent: its owner may deny, and never approve." });
  expect(mayDeny).toEqual({ ok: true });
});

test("without a passkey that counts nothing can be decided, and the page says what is missing", async () => {
  const { id } = await asked();
  const none = value(await showEscalationPage(broker, viewer("platform-engineer"), id));
  const why = "You have no passkey yet: enrol one under Passkeys.";
  expect([none.mayApprove, none.mayDeny]).toEqual([
    { ok: false, why },
    { ok: false, why },
  ]);
  const fresh = await enrol(replica, "security-engineer", undefined, 3600);
  const young = value(await showEscalationPage(broker, fresh.viewer, id));
  expect(young.mayApprove).toMatchObject({
    ok: false,
    why: expect.stringMatching(/counts from 20/) as string,
  });
});

test("who approved may not do so again, may still deny, and an approval that no longer counts is shown as such", async () => {
  const engineer = await enrol(replica, "platform-engineer");
  const escalation = await asked();
  value(await decide(replica, engineer, "approve", escalation));
  const before = value(await showEscalationPage(broker, engineer.viewer, escalation.id));
  expect(before).toMatchObject({
    mayApprove: { ok: false, why: "You approved it already." },
    mayDeny: { ok: true },
    decisions: [{ person: "platform-engineer", verdict: "approve", counts: true }],
  });
  const people = policy.set.people.map((person) =>
    person.id === "platform-engineer" ? { ...person, groups: [] } : person,
  );
  const after = { ...broker, policy: changed({ people }) };
  const page = value(await showEscalationPage(after, viewer("security-engineer"), escalation.id));
  expect(page.decisions).toMatchObject([{ person: "platform-engineer", counts: false }]);
});

test("case 35: an escalation that the policy served now would not mint to the byte is not current", async () => {
  const { id } = await asked();
  const guardrails = { ...policy.set.guardrails, nonProduction: ["staging"] };
  const later = { ...broker, policy: changed({ guardrails }) };
  const page = value(await showEscalationPage(later, viewer("platform-engineer"), id));
  expect(page.session).toMatchObject({ current: false });
  expect(page.session?.could[0]?.text).toBe(
    "execute the change set twokey-fix on the stack orders-production",
  );
});

test("an id that is nobody's is not there", async () => {
  expect(await showEscalationPage(broker, viewer("platform-engineer"), "esc-none")).toMatchObject({
    error: { code: "not_found" },
  });
  expect(await showStory(broker, "esc-none")).toMatchObject({ error: { code: "not_found" } });
});

test("people are for administrators alone; everybody sees their own passkeys and nobody else's", async () => {
  const engineer = await enrol(replica, "platform-engineer");
  expect(await showPeople(broker, engineer.viewer)).toEqual({
    ok: false,
    error: { code: "not_an_administrator" },
  });
  const people = value(await showPeople(broker, { ...engineer.viewer, administrator: true })).people;
  expect(people.map(({ id, passkeys, invitable }) => [id, passkeys.length, invitable])).toEqual([
    ["orders-lead", 0, true],
    ["platform-engineer", 1, true],
    ["security-engineer", 0, true],
  ]);
  expect(value(await showPasskeys(broker, engineer.viewer))).toMatchObject({
    passkeys: [{ label: "software" }],
    mayEnrol: { ok: true },
  });
  expect(value(await showPasskeys(broker, viewer("orders-lead")))).toMatchObject({
    passkeys: [],
    mayEnrol: { ok: false },
  });
});

test("around every page: who looks, what waits, and what everybody must know", async () => {
  await enrol(replica, "platform-engineer");
  await asked();
  const fault = { file: "guardrails.yaml", line: 3, column: 1, message: "is missing", fix: null };
  const frame = value(
    await showFrame({ ...broker, policyRefused: [fault, fault] }, viewer("platform-engineer")),
  );
  expect(frame).toMatchObject({ person: { id: "platform-engineer", administrator: false }, waiting: 1 });
  expect(frame.notices).toEqual([
    "The policy folder has faults and is not served; the last good policies stay. guardrails.yaml:3: is missing (and 1 more)",
    expect.stringMatching(/^A passkey was enrolled for Platform engineer on duty \(platform-engineer\) at /),
  ]);
  const dayLater = { ...broker, clock: () => new Date(Date.now() + 25 * 60 * 60 * 1000) };
  expect(value(await showFrame(dayLater, viewer("platform-engineer"))).notices).toEqual([]);
});

test("a session is listed by its agent while it may live, with what it may do", async () => {
  const [engineer, security] = [
    await enrol(replica, "platform-engineer"),
    await enrol(replica, "security-engineer"),
  ];
  const escalation = await asked();
  value(await decide(replica, engineer, "approve", escalation));
  value(await decide(replica, security, "approve", escalation));
  // As STS would answer: the flow's clock has not reached it.
  const { session } = value(await mint(broker, escalation.id));
  const just = { ...broker, clock: () => new Date(session.requestedAt.getTime()) };
  const live = value(await showSessions(just, viewer("platform-engineer")));
  const over = value(
    await showSessions(
      { ...broker, clock: () => new Date("2199-01-01T00:00:00Z") },
      viewer("platform-engineer"),
    ),
  );
  expect(over.agents).toEqual([]);
  expect(live.agents.map(({ agent, owner, sessions }) => [agent, owner, sessions.length])).toEqual([
    ["orders-ci", "orders-lead", 1],
  ]);
  expect(live.agents[0]?.sessions[0]).toMatchObject({
    id: session.id,
    escalation: escalation.id,
    may: expect.stringMatching(/^Execute one prepared change set/) as string,
  });
});

test("the story of an escalation holds everything in order, its session included", async () => {
  const [engineer, security] = [
    await enrol(replica, "platform-engineer"),
    await enrol(replica, "security-engineer"),
  ];
  const escalation = await asked();
  value(await decide(replica, engineer, "approve", escalation));
  value(await decide(replica, security, "approve", escalation));
  value(await mint(broker, escalation.id));
  const { rows } = value(await showStory(broker, escalation.id));
  expect(rows.map(({ entry }) => entry.kind)).toEqual([
    "escalation.requested",
    "escalation.decided",
    "escalation.decided",
    "escalation.changed",
    "session.intent",
    "session.issued",
  ]);
  const indexes = rows.map(({ entry }) => entry.index);
  expect(indexes).toEqual([...indexes].sort((a, b) => a - b));
  expect(rows[1]?.sentence).toMatch(
    /^platform-engineer approved escalation esc-.* with passkey .*; it is pending$/,
  );
});

test("the record is searched by kind, agent, person and text, and an unknown kind finds nothing", async () => {
  const engineer = await enrol(replica, "platform-engineer");
  value(await decide(replica, engineer, "deny", await asked()));
  const none = { text: "", kind: "", agent: "", person: "" };
  const found = async (filter: Partial<typeof none>) =>
    value(await searchAudit(broker, { ...none, ...filter }, null)).entries.map(({ entry }) => entry.kind);
  expect(await found({ kind: "escalation.decided" })).toEqual(["escalation.decided"]);
  expect(await found({ person: "platform-engineer" })).toEqual(["escalation.decided", "passkey.enrolled"]);
  expect(await found({ text: "loses orders" })).toEqual(["escalation.requested"]);
  expect(await found({ kind: "escalation.unheard_of" })).toEqual([]);
});

test("a long record is read page by page", async () => {
  const entry = { at: new Date(), requestId: null, agent: null, owner: null, person: null, session: null };
  for (let index = 0; index < 101; index += 1) {
    await broker.audit.append({
      ...entry,
      escalation: null,
      policyVersion: null,
      kind: "broker.started",
      detail: { version: String(index) },
    });
  }
  const none = { text: "", kind: "", agent: "", person: "" };
  const first = value(await searchAudit(broker, none, null));
  expect([first.entries.length, first.next]).toEqual([100, first.entries.at(-1)?.entry.index]);
  const second = value(await searchAudit(broker, none, first.next));
  expect([second.entries.length, second.next]).toEqual([1, null]);
});
