/** Before people are asked, the broker reads what would be executed, and asks nobody where it cannot. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { ChangeSet } from "../../src/escalation/escalation.ts";
import type { Broker } from "../../src/flows/admit.ts";
import { readChangeSets } from "../../src/flows/read-change-sets.ts";
import { requestEscalation } from "../../src/flows/request-escalation.ts";
import type { ReadChangeSet } from "../../src/session/read-change-set.ts";
import { err, ok, type Result } from "../../src/result.ts";
import { callOf, CHANGE_SET, STACK, startWorld, value, WISH, type World } from "../escalation/world.ts";
import { ASSUMED } from "../support/flow-fakes.ts";

const SEEN: ChangeSet = {
  arn: CHANGE_SET,
  name: "twokey-fix",
  stack: "orders-production",
  description: null,
  executionStatus: "AVAILABLE",
  changes: [],
  tags: [],
  warnings: [],
};

let world: World;
let broker: Broker;
let asked: Parameters<ReadChangeSet>[0][];
let answer: Awaited<ReturnType<ReadChangeSet>>;

beforeAll(async () => {
  world = await startWorld();
});
beforeEach(async () => {
  for (const table of ["escalations", "sessions"]) await world.query(`DELETE FROM ${table}`, []);
  world.sts.length = 0;
  world.assumeRole = async () => ok(ASSUMED);
  asked = [];
  answer = ok({ changeSet: SEEN, stackArn: STACK });
  broker = {
    ...world.replicas[0].broker,
    readChangeSet: async (request) => {
      asked.push(request);
      return answer;
    },
  };
});
afterAll(async () => {
  await world.close();
});

const request = (change: Partial<Broker> = {}, parameters = WISH.wish.parameters) =>
  requestEscalation(
    { ...broker, ...change },
    callOf(),
    async () => ok({ ...WISH, wish: { ...WISH.wish, parameters } }),
    readChangeSets,
  );

const reasonOf = (refused: Result<unknown, { readonly code: string }>): unknown => {
  if (refused.ok) throw new Error("it was not refused");
  return refused.error;
};
const unreadable = (reason: string) => ({ code: "change_set_unreadable", arn: CHANGE_SET, reason });

test("the change set stands in the escalation as AWS showed it", async () => {
  const { escalation } = value(await request());
  expect(escalation.content).toMatchObject({ changeSets: [SEEN] });
});

test("it is read with a session of its own that is on record as the broker's, fenced to that stack, and only reads", async () => {
  value(await request());
  const [session] = await broker.audit.sessions({ agent: "twokey", limit: 10, before: null });
  expect(session).toMatchObject({
    state: "issued",
    session: {
      agent: "twokey",
      owner: "orders-lead",
      proof: { issuer: "twokey", subject: "orders-ci" },
      template: "read-change-set",
      parameters: { stack: [STACK], change_set: [CHANGE_SET] },
    },
  });
  const policy = world.sts[0]?.policy ?? "";
  expect(policy).toContain(STACK);
  expect(policy).not.toMatch(/Execute|Create|Update|Delete/);
  expect(asked).toMatchObject([{ arn: CHANGE_SET, region: "us-east-1", environmentTag: "environment" }]);
});

test("what AWS does not show is not asked for", async () => {
  answer = err("AWS refused to show it: AccessDenied: no");
  expect(reasonOf(await request())).toEqual(unreadable("AWS refused to show it: AccessDenied: no"));
  expect(await broker.escalations.list({ agent: null, states: null, limit: 10, before: null })).toEqual([]);
});

test("a change set of another stack than the one asked for is refused", async () => {
  answer = ok({ changeSet: SEEN, stackArn: STACK.replace("/1", "/9") });
  expect(reasonOf(await request())).toEqual(unreadable("it belongs to another stack than the one asked for"));
});

test("a change set of another account is refused before it is read", async () => {
  const elsewhere = CHANGE_SET.replace("111122223333", "999999999990");
  const refused = reasonOf(await request({}, { stack: [STACK], change_set: [elsewhere] }));
  expect(refused).toMatchObject({ reason: "it is not in account 111122223333" });
  expect(asked).toEqual([]);
});

test.each([
  "arn:aws:cloudformation:US-EAST-1:111122223333:changeSet/twokey-fix/2",
  "arn:aws:cloudformation:us-east-1::changeSet/twokey-fix/2",
  "arn:aws:cloudformation:us-east-1:111122223333:changeSet/twokey-fix/",
])("what the session could execute and nobody can be shown (%s) is not asked for", async (change_set) => {
  const refused = reasonOf(await request({}, { stack: [STACK], change_set: [change_set] }));
  expect(refused).toMatchObject({ code: "change_set_unreadable", arn: change_set });
  expect(asked).toEqual([]);
});

test("without the template to read with, nothing is asked", async () => {
  const templates = new Map(broker.policy.templates);
  templates.delete("read-change-set");
  const refused = reasonOf(await request({ policy: { ...broker.policy, templates } }));
  expect(refused).toEqual(unreadable("the policies have no template read-change-set"));
});

test("where STS issues no session to read with, nothing is asked", async () => {
  world.assumeRole = async () => err({ certainty: "definite", code: "AccessDenied", message: "no" });
  expect(reasonOf(await request())).toEqual(
    unreadable("no session could be had to read it with (sts_refused)"),
  );
});

test("where the record is not certain, that is the answer", async () => {
  const audit = { ...broker.audit, recordIntent: () => Promise.reject(new Error("gone")) };
  expect(reasonOf(await request({ audit: audit as Broker["audit"] }))).toMatchObject({
    code: "record_unavailable",
  });
});
