/** An account as it must be: every check is made, all of it is good, the record has every call, and nothing changed. */
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { readTrail } from "../../src/adapters/cloudtrail/read-trail.ts";
import { agentWatch } from "../../src/audit/agent-watch.ts";
import { watchAgents } from "../../src/flows/watch-agents.ts";
import { reconcileCloudTrail } from "../../src/flows/reconcile-cloudtrail.ts";
import { CHECKS } from "../../src/policy/doctor/finding.ts";
import { WITHOUT_PEOPLE } from "../support/flow-fakes.ts";
import type { AccountOptions } from "../../src/local-aws/options.ts";
import { BROKER, ID } from "./hand-written.ts";
import {
  ADMIN_KEYS,
  BROKER_KEYS,
  BROKER_POLICY,
  document,
  inWords,
  record,
  served,
  startWorld,
} from "./world.ts";

/** What the command adds before it has a policy set, and what is only looked at where it is asked for. */
const NOT_HERE = ["configuration", "policy_set", "simulate"];

test("everything as it must be: every check is made, and every finding is good", async () => {
  const world = await startWorld();
  const store = record;
  const [before, published] = [await store.size(), world.aws.state.events().length];
  const found = await world.run();
  expect(found.filter(({ status }) => status !== "ok").map(inWords)).toEqual([]);
  expect(found.every(({ fix }) => fix === null)).toBe(true);
  const made = new Set(found.map(({ id }) => id));
  expect(CHECKS.filter((id) => !made.has(id))).toEqual(NOT_HERE);
  for (const role of ["observer", "operator", "escalated"])
    expect(found.filter((finding) => finding.role === role).map(({ id }) => id)).toEqual([
      ...["role", "trust", "boundary", "boundary_current", "permissions", "max_session", "role_tags"],
      ...["revocation", "assume", "trust_refuses"],
    ]);

  // Whatever was called reads, but for the sessions.
  const called = new Set(
    world.aws.state
      .events()
      .slice(published)
      .map(({ eventName }) => eventName),
  );
  expect([...called].filter((name) => !/^(?:Get|List|Simulate)/.test(name))).toEqual(["AssumeRole"]);

  // Each session is on record before and after STS, under Twokey's own name; the three right calls alone were issued.
  const entries = await store.entries({ from: before, limit: 1_000 });
  const intents = entries.filter(({ kind }) => kind === "session.intent");
  const asked = world.aws.state.events().filter(({ eventName }) => eventName === "AssumeRole");
  expect(intents.length).toBe(asked.length);
  expect(new Set(intents.map(({ agent, owner }) => `${agent} ${owner}`))).toEqual(new Set(["twokey twokey"]));
  expect(entries.filter(({ kind }) => kind === "session.issued").length).toBe(3);
  expect(entries.filter(({ kind }) => kind === "session.failed").length).toBe(intents.length - 3);
  expect(entries.at(-1)).toMatchObject({
    kind: "doctor.ran",
    detail: { caller: `arn:aws:iam::${ID}:user/twokey-broker`, counts: { warning: 0, fault: 0 }, found: [] },
  });

  // What was issued can do nothing.
  expect(world.aws.state.mints().map(({ policy }) => policy)).toEqual(
    Array.from(
      { length: 3 },
      () => '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}',
    ),
  );

  // Reconciliation takes none of it for somebody else's.
  const trail = readTrail(["-"], Readable.from([Buffer.from(world.aws.state.cloudTrailFile())]));
  const { accounts } = served.set;
  const known = {
    audit: store,
    accounts,
    table: served.table,
    stsRegion: null,
    covers: null,
    now: new Date(),
  };
  const reconciled = await reconcileCloudTrail(trail, known);
  if (!reconciled.ok) throw new Error(reconciled.error.message);
  const alarms = reconciled.value.findings.filter(({ level }) => level === "alarm");
  expect(alarms).toEqual([]);

  // No secret is in what is told or recorded (security case 50).
  const told = JSON.stringify([found, entries]);
  for (const { secretAccessKey } of [BROKER_KEYS, ADMIN_KEYS]) expect(told).not.toContain(secretAccessKey);
  expect(told).not.toMatch(/sessionToken|secretAccessKey/i);
});

test("a broker that runs on a role is known by it, path and all, and all is as good", async () => {
  const keys = {
    accessKeyId: "ASIABROKER0000000001",
    secretAccessKey: "CANARYrolesecret",
    sessionToken: "CANARYtoken",
  };
  const arn = `arn:aws:iam::${ID}:role/twokey/broker`;
  const world = await startWorld((options) => {
    const trusting = JSON.parse(JSON.stringify(options).replaceAll(BROKER, arn)) as AccountOptions;
    const trust = document({
      Effect: "Allow",
      Principal: { Service: "ecs-tasks.amazonaws.com" },
      Action: "sts:AssumeRole",
    });
    const role = { name: "broker", path: "/twokey/", trust, inline: { broker: BROKER_POLICY } };
    const expiresAt = new Date(Date.now() + 3_600_000);
    const session = { roleName: "broker", sessionName: "task-1", ...keys, expiresAt };
    return { ...trusting, roles: [...(trusting.roles ?? []), role], sessions: [session] };
  }, keys);
  const found = await world.run();
  expect(found.filter(({ status }) => status !== "ok").map(inWords)).toEqual([]);
  expect(found.find(({ id }) => id === "expected_roles")?.line).toContain(`the broker is ${arn},`);
  expect(found.find(({ id }) => id === "caller_chained")?.line).toContain("a session of the role broker");
  expect(JSON.stringify(found)).not.toContain("CANARY");
});

test("run as often as somebody likes, it freezes nobody by a rule", async () => {
  const world = await startWorld();
  const store = record;
  const from = await store.size();
  await world.run();
  const freezeRules = {
    refusals: null,
    sessions: { count: 5, seconds: 600 },
    repeats: { count: 2, seconds: 600 },
  };
  const policy = { ...served, set: { ...served.set, guardrails: { ...served.set.guardrails, freezeRules } } };
  const { doctor } = world;
  const broker = {
    ...WITHOUT_PEOPLE,
    ...doctor,
    policy,
    audit: store,
    verifyToken: async () => Promise.reject(new Error()),
  };
  // A freeze would reach a port that this broker has not, and fail.
  await watchAgents(broker, agentWatch(), from);
});

test("one account of several is looked at where it is named", async () => {
  const world = await startWorld();
  const found = await world.run({ accounts: [] });
  expect(found.filter(({ account }) => account !== null)).toEqual([]);
  expect(found.map(({ id }) => id)).toContain("caller");
});

test("the proof's critical cases come out of IAM's simulator as out of the proof", async () => {
  const world = await startWorld();
  const found = await world.run({ simulate: true });
  const replayed = found.filter(({ id }) => id === "simulate");
  expect(replayed.filter(({ status }) => status !== "ok").map(inWords)).toEqual([]);
  expect(replayed.map(({ status, line }) => [status, /of (\S+) as/.exec(line)?.[1]])).toEqual(
    [...served.templates.keys()].map((name) => ["ok", name]),
  );
  const cases = replayed.map(({ line }) => Number(/all of (\d+) /.exec(line)?.[1]));
  expect(cases.every((count) => count >= 20)).toBe(true);
});
