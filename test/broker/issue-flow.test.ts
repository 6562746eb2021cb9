import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { loadPolicyFolder } from "../../src/adapters/policy-files/load.ts";
import type { Failure } from "../../src/failure.ts";
import type { Broker, Call } from "../../src/flows/admit.ts";
import { issueCredentials, type Issued, type IssueRequest } from "../../src/flows/issue-credentials.ts";
import { listSessions } from "../../src/flows/list-sessions.ts";
import { listTemplates } from "../../src/flows/list-templates.ts";
import type { VerifiedClaims } from "../../src/identity/verify.ts";
import type { SessionWish } from "../../src/policy/decide.ts";
import type { ServedPolicy } from "../../src/policy/serve.ts";
import { err, ok, type Result } from "../../src/result.ts";
import { fakeRecord, fakeSts, WITHOUT_PEOPLE, type FakeRecord, type FakeSts } from "../support/flow-fakes.ts";
import { policyFolder } from "../support/policy-folder.ts";

let policy: ServedPolicy;
let kid: string;
let record: FakeRecord;
let sts: FakeSts;
let broker: Broker;
let now: number;
let seen: string[];

beforeAll(async () => {
  const { folder } = await policyFolder({
    "orders-ci": ["observe", "data-repair", "production-stack-change"],
  });
  const loaded = await loadPolicyFolder(folder, loadActionTable());
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  policy = loaded.value;
  kid = policy.set.registry.agents[0]?.keys[0]?.kid ?? "";
});

beforeEach(() => {
  record = fakeRecord();
  sts = fakeSts(record);
  now = Date.parse("2030-01-01T00:00:00Z");
  seen = [];
  let counter = 0;
  broker = {
    ...WITHOUT_PEOPLE,
    policy,
    audit: record.audit,
    assumeRole: sts.assumeRole,
    // Every reading is a second later, so that a test can tell which was used.
    clock: () => new Date((now += 1000)),
    randomBytes: (count) => new Uint8Array(count).fill((counter += 1)),
    verifyToken: async (token) =>
      token === "good"
        ? ok(claims())
        : err({ reason: "bad_signature", detail: "the signature does not match" }),
  };
});

const claims = (): VerifiedClaims => ({
  issuerId: "enrolled",
  subject: "orders-ci",
  tokenId: "t-1",
  issuedAt: 1,
  expiresAt: 2,
  keyId: kid,
  claims: {},
});

const call = (unverifiedToken: string | null = "good"): Call => ({
  requestId: "req-1",
  route: "POST /v1/credentials",
  unverifiedToken,
  stopping: new AbortController().signal,
  onAgent: (name) => seen.push(name),
});

const request = (wish: Partial<SessionWish> = {}, idempotencyKey: string | null = null): IssueRequest => ({
  wish: {
    template: "observe",
    parameters: {},
    account: null,
    durationSeconds: 900,
    task: { id: null, intent: "observe", summary: "look" },
    ...wish,
  },
  idempotencyKey,
});

const issue = (
  asked: IssueRequest = request(),
  token: string | null = "good",
): Promise<Result<Issued, Failure>> => issueCredentials(broker, call(token), async () => ok(asked));

test("the intent is on record before STS is called, and the outcome before credentials are answered", async () => {
  const issued = await issue();
  if (!issued.ok) throw new Error(JSON.stringify(issued.error));
  expect(record.happened).toEqual(["intent", "sts", "outcome:issued"]);
  expect(issued.value.entry).toBe(7);
  expect(seen).toEqual(["orders-ci"]);
});

test("STS is asked for exactly what was recorded and compiled", async () => {
  const issued = await issue();
  if (!issued.ok) throw new Error(JSON.stringify(issued.error));
  const { session, plan } = issued.value;
  expect(sts.requests).toEqual([
    {
      roleArn: "arn:aws:iam::111122223333:role/twokey/ai-observer",
      roleSessionName: session.roleSessionName,
      sourceIdentity: session.id,
      externalId: "demo-7d1f0c64a2f94b1e",
      tags: [
        { key: "twokey:principal", value: "ai-agent" },
        { key: "twokey:session", value: session.id },
      ],
      policy: plan.compiled.policy,
      policyArns: plan.compiled.policyArns,
      durationSeconds: 900,
      region: "us-east-1",
    },
  ]);
  expect(record.intents[0]).toEqual(session);
  expect(session).toMatchObject({
    agent: "orders-ci",
    owner: "orders-lead",
    policyVersion: policy.set.digest,
  });
});

test("the clock is read again after STS answered", async () => {
  const issued = await issue();
  if (!issued.ok) throw new Error("refused");
  expect(record.outcomes[0]?.at.getTime()).toBeGreaterThan(issued.value.session.requestedAt.getTime());
});

test("case 21: the session's name is the registered agent's and random, never text the agent sent", async () => {
  const hostile = "../root\n\u202eadmin";
  await issue(request({ task: { id: hostile, intent: "observe", summary: hostile } }));
  const [asked] = sts.requests;
  expect(asked?.roleSessionName).toMatch(/^orders-ci-[a-z2-7]{8}$/);
  expect(asked?.sourceIdentity).toMatch(/^tks-[a-z2-7]{24}$/);
  expect(JSON.stringify(asked)).not.toContain("root");
});

describe("a refusal", () => {
  test("of the token is recorded with its exact reason, and the body is never read", async () => {
    let read = false;
    const refused = await issueCredentials(broker, call("forged"), async () => {
      read = true;
      return ok(request());
    });
    expect(refused).toMatchObject({ ok: false, error: { code: "invalid_token" } });
    expect([read, record.happened, seen]).toEqual([false, ["request.refused"], []]);
    expect(record.refused[0]).toMatchObject({ route: "POST /v1/credentials", code: "invalid_token" });
    expect(record.refused[0]?.reason).toContain("bad_signature");
  });

  test("without a token is recorded too", async () => {
    expect(await issue(request(), null)).toMatchObject({
      ok: false,
      error: { fault: { reason: "missing" } },
    });
    expect(record.happened).toEqual(["request.refused"]);
  });

  test("of an agent nobody registered is recorded", async () => {
    broker = { ...broker, verifyToken: async () => ok({ ...claims(), subject: "stranger", keyId: "other" }) };
    expect(await issue()).toMatchObject({ ok: false, error: { fault: { reason: "no_such_agent" } } });
    expect(record.happened).toEqual(["request.refused"]);
  });

  test("of the request's syntax is recorded with its agent", async () => {
    const fault: Failure = { code: "invalid_request", faults: [{ at: "tags", problem: "unknown field" }] };
    expect(await issueCredentials(broker, call(), async () => err(fault))).toEqual(err(fault));
    expect(record.refused[0]?.reason).toContain("tags");
  });

  test.each([
    ["a template not open", request({ template: "staging-deploy" }), "template_not_open"],
    ["an escalation", request({ template: "production-stack-change" }), "escalation_required"],
    [
      "an intent beyond the template",
      request({ task: { id: null, intent: "destroy", summary: "x" } }),
      "intent_exceeds_template",
    ],
    ["another account", request({ account: "999988887777" }), "account_not_open"],
  ])("of the policy (%s) is recorded and STS is not called", async (_name, asked, code) => {
    expect(await issue(asked)).toMatchObject({ ok: false, error: { code } });
    expect(record.happened).toEqual(["request.refused"]);
    expect(record.refused[0]?.code).toBe(code);
  });

  test("that cannot be recorded is answered record_unavailable", async () => {
    record.fail.entry = true;
    expect(await issue(request(), "forged")).toEqual(err({ code: "record_unavailable", step: "entry" }));
    expect(await issue(request({ template: "none" }))).toEqual(
      err({ code: "record_unavailable", step: "entry" }),
    );
  });
});

describe("no record, no credential", () => {
  test("an intent that is not certain ends the request before STS", async () => {
    record.fail.intent = true;
    expect(await issue()).toEqual(err({ code: "record_unavailable", step: "intent" }));
    expect(sts.requests).toEqual([]);
  });

  test("credentials whose outcome is not certain are withheld", async () => {
    record.fail.outcome = true;
    const answer = await issue();
    expect(answer).toEqual(err({ code: "record_unavailable", step: "outcome" }));
    expect(record.happened).toEqual(["intent", "sts"]);
  });

  test("a failure whose outcome is not certain is record_unavailable as well", async () => {
    record.fail.outcome = true;
    sts.answer = err({ certainty: "definite", code: "AccessDenied", message: "no" });
    expect(await issue()).toEqual(err({ code: "record_unavailable", step: "outcome" }));
  });
});

test("credentials of a session that was frozen while STS was asked are not delivered", async () => {
  record.frozen = true;
  const answer = await issue();
  expect(answer).toMatchObject({ ok: false, error: { code: "session_frozen" } });
  expect(record.happened).toEqual(["intent", "sts", "outcome:issued"]);
});

describe("a repeated Idempotency-Key", () => {
  test.each([
    [true, "already_issued"],
    [false, "idempotency_conflict"],
  ])("(same body: %s) is %s, recorded, and mints nothing", async (sameBody, code) => {
    record.used = { session: "tks-earlier", sameBody };
    expect(await issue(request({}, "key-1"))).toEqual(err({ code, session: "tks-earlier" }));
    expect(record.happened).toEqual(["request.refused"]);
  });
});

describe("what STS said", () => {
  test.each([
    ["definite", "AccessDenied", "failed", "sts_refused"],
    ["definite", "Throttling", "failed", "sts_throttled"],
    ["definite", "ECONNREFUSED", "failed", "sts_refused"],
    ["unknown", "ServiceUnavailable", "unknown", "sts_unknown"],
    ["unknown", "Throttling", "unknown", "sts_unknown"],
    ["unknown", "TimeoutError", "unknown", "sts_unknown"],
  ] as const)("%s %s is recorded as %s and answered %s", async (certainty, code, state, answered) => {
    sts.answer = err({ certainty, code, message: "words" });
    expect(await issue()).toMatchObject({ ok: false, error: { code: answered } });
    expect(record.happened).toEqual(["intent", "sts", `outcome:${state}`]);
    expect(record.outcomes[0]?.outcome).toEqual({ state, code, message: "words" });
  });
});

test("an agent sees the templates open to it and no others", async () => {
  const found = await listTemplates(broker, call());
  if (!found.ok) throw new Error("refused");
  expect(found.value.templates.map(({ name }) => name).sort()).toEqual([
    "data-repair",
    "observe",
    "production-stack-change",
  ]);
});

test("case 49: sessions are asked of the store for the caller alone", async () => {
  const asked: unknown[] = [];
  broker = {
    ...broker,
    audit: {
      ...record.audit,
      sessions: async (query) => {
        asked.push(query);
        return [];
      },
    },
  };
  const before = "tks-abcdefghijklmnopqrstuvwx";
  const found = await listSessions(broker, call(), () => ok({ limit: 5, before }));
  expect(found).toMatchObject({ ok: true, value: { sessions: [], next: null } });
  expect(asked).toEqual([{ agent: "orders-ci", limit: 6, before }]);
});

test("sessions that cannot be read are record_unavailable", async () => {
  broker = { ...broker, audit: { ...record.audit, sessions: () => Promise.reject(new Error("gone")) } };
  const found = await listSessions(broker, call(), () => ok({ limit: 5, before: null }));
  expect(found).toEqual(err({ code: "record_unavailable", step: "read" }));
});
