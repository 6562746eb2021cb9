/** Watch's way into the audit log: its own token, one entry an alarm, and no text in it that is not inert. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Secret } from "../../src/session/credentials.ts";
import { openKeys } from "../../src/wire/keys.ts";
import { send, startTestBroker, testConfig, type TestBroker } from "../support/test-broker.ts";

const WATCH = "watch-token-0123456789-0123456789-0123456789";
const OPERATOR = "operator-token-0123456789-0123456789-0123456789";
const ALARM = {
  rule: "role-assumed-by-others",
  event_id: "17793124-05d4-b198-2fde-7ededc63b103",
  account: "111122223333",
  region: "us-east-1",
  event: "sts.amazonaws.com AssumeRole",
  principal: "arn:aws:iam::111122223333:user/mallory",
  resource: "arn:aws:iam::111122223333:role/twokey/ai-operator",
  refusal: null,
  happened_at: "2029-12-31T23:59:00Z",
};

let broker: TestBroker;
beforeAll(async () => {
  broker = await startTestBroker((config) => ({
    ...config,
    keys: { ...config.keys, watchToken: new Secret(WATCH), operatorToken: new Secret(OPERATOR) },
  }));
});
afterAll(() => broker.close());

const post = (body: unknown, token: string | null = WATCH, path = "/v1/watch") =>
  send(
    broker.url,
    "POST",
    path,
    {
      "content-type": "application/json",
      ...(token !== null && { authorization: `Bearer ${token}` }),
    },
    JSON.stringify(body),
  );
const alarms = async () =>
  (await broker.broker.audit.entries({ from: 0, limit: 10_000 })).filter(
    ({ kind }) => kind === "watch.alarm",
  );

test("an alarm is in the audit log when it is answered, word for word", async () => {
  const reply = await post(ALARM);
  expect(reply.status).toBe(201);
  const [entry] = (await alarms()).slice(-1);
  expect(reply.json).toEqual({ audit_entry: entry?.index });
  expect(entry).toMatchObject({
    agent: null,
    person: null,
    session: null,
    detail: {
      rule: "role-assumed-by-others",
      eventId: "17793124-05d4-b198-2fde-7ededc63b103",
      account: "111122223333",
      region: "us-east-1",
      event: "sts.amazonaws.com AssumeRole",
      principal: "arn:aws:iam::111122223333:user/mallory",
      resource: "arn:aws:iam::111122223333:role/twokey/ai-operator",
      refusal: null,
      happenedAt: new Date("2029-12-31T23:59:00Z"),
    },
  });
});

test("an alarm that comes twice is recorded twice, with one event id", async () => {
  await post(ALARM);
  await post(ALARM);
  const [first, second] = (await alarms()).slice(-2);
  expect(second?.index).toBeGreaterThan(first?.index ?? Infinity);
  expect(second?.detail).toEqual(first?.detail);
});

test.each([
  ["no token", null],
  ["another token", "x".repeat(44)],
  ["the operators' token", OPERATOR],
])("with %s nothing is recorded but the refusal", async (_name, token) => {
  const before = (await alarms()).length;
  const reply = await post(ALARM, token);
  expect([reply.status, reply.json["code"]]).toEqual([401, "watch_refused"]);
  expect((await alarms()).length).toBe(before);
  const [last] = (await broker.broker.audit.entries({ from: 0, limit: 10_000 })).slice(-1);
  expect(last).toMatchObject({ kind: "request.refused", detail: { route: "POST /v1/watch" } });
});

test("an agent's token reports no alarm, and Watch's token opens nothing else", async () => {
  expect((await post(ALARM, await broker.agent.token())).json["code"]).toBe("watch_refused");
  const freeze = await post({ kind: "all" }, WATCH, "/v1/freezes");
  expect([freeze.status, freeze.json["code"]]).toEqual([401, "operator_refused"]);
  const read = await send(broker.url, "GET", "/v1/audit/entries", { authorization: `Bearer ${WATCH}` });
  expect(read.status).toBe(401);
});

test.each([
  ["a line break", { principal: "arn\n{}" }],
  ["text that turns around", { resource: "bucket\u202Etxt" }],
  ["an escape sequence", { event: "\u001b[2J" }],
  ["too long a resource", { resource: "r".repeat(513) }],
  ["an account that is none", { account: "1111" }],
  ["a rule with a path", { rule: "../../etc" }],
  ["a time that is none", { happened_at: "yesterday" }],
  ["a field nobody knows", { freeze: "all" }],
])("an alarm with %s is refused", async (_name, change) => {
  const before = (await alarms()).length;
  const reply = await post({ ...ALARM, ...change });
  expect([reply.status, reply.json["code"]]).toEqual([400, "invalid_request"]);
  expect((await alarms()).length).toBe(before);
});

test("a body that is too large is refused before it is read", async () => {
  expect((await post({ ...ALARM, resource: "r".repeat(100_000) })).status).toBe(413);
});

test("an alarm freezes nobody: that is for people and operators", async () => {
  await post(ALARM);
  const frozen = await send(broker.url, "GET", "/v1/freezes", { authorization: `Bearer ${OPERATOR}` });
  expect(frozen.json["freezes"]).toEqual([]);
});

test("a broker whose Watch has the operators' own token does not start", () => {
  const config = testConfig("policies", "http://127.0.0.1:1");
  const file = join(mkdtempSync(join(tmpdir(), "twokey-watch-")), "token");
  writeFileSync(file, `${OPERATOR}\n`, { mode: 0o600 });
  const keys = openKeys({
    ...config,
    keys: { ...config.keys, operatorToken: new Secret(OPERATOR), watchToken: file },
  });
  expect(keys).toEqual({ ok: false, error: ["Watch's token is the operators' own"] });
});
