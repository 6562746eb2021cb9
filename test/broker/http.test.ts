import { IncomingMessage } from "node:http";
import { connect, Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CredentialsAnswer, SessionsAnswer, TemplatesAnswer } from "../../src/api.ts";
import { ClientGoneError, readJson } from "../../src/http/body.ts";
import { CANARY } from "../support/stub-sts.ts";
import { ask, OBSERVE, send, startTestBroker, type Reply, type TestBroker } from "../support/test-broker.ts";

let running: TestBroker;
beforeAll(async () => {
  running = await startTestBroker();
});
afterAll(() => running.close());

const refusedEntries = async (): Promise<number> =>
  (await running.broker.audit.entries({ from: 0, limit: 10_000 })).filter(
    ({ kind }) => kind === "request.refused",
  ).length;

/** "Deny" of the security list: no STS call, an audited reason, a plain answer. */
async function expectDenied(status: number, work: () => Promise<Reply>): Promise<Reply> {
  const [calls, refusals] = [running.sts.received.length, await refusedEntries()];
  const reply = await work();
  expect([reply.status, reply.headers["content-type"]]).toEqual([status, "application/problem+json"]);
  expect(running.sts.received.length).toBe(calls);
  expect(await refusedEntries()).toBe(refusals + 1);
  return reply;
}

const get = async (path: string, agent = running.agent): Promise<Reply> =>
  send(running.url, "GET", path, { authorization: `Bearer ${await agent.token()}` });

test("an agent with a token gets a session, and the answer is stored nowhere", async () => {
  const reply = await ask(running);
  expect(reply.status).toBe(200);
  const answer = reply.json as unknown as CredentialsAnswer;
  expect(answer.credentials).toEqual({
    access_key_id: "ASIAEXAMPLEEXAMPLE00",
    secret_access_key: CANARY.secretKey,
    session_token: CANARY.sessionToken,
    expiration: "2099-01-01T00:00:00.000Z",
  });
  expect(answer.session).toMatchObject({
    agent: "orders-ci",
    template: "observe",
    account: "111122223333",
    region: "us-east-1",
    role_arn: "arn:aws:iam::111122223333:role/twokey/ai-observer",
    expires_at: "2099-01-01T00:00:00.000Z",
  });
  expect(answer.session.id).toMatch(/^tks-[a-z2-7]{24}$/);
  expect(reply.headers["cache-control"]).toBe("no-store");
  const [entry] = await running.broker.audit.entries({ from: answer.session.audit_entry, limit: 1 });
  expect(entry).toMatchObject({ kind: "session.issued", session: answer.session.id, agent: "orders-ci" });
});

test("the templates route shows what is open to the caller", async () => {
  const answer = (await get("/v1/templates", running.other)).json as unknown as TemplatesAnswer;
  expect(answer.agent).toBe("billing-ci");
  expect(answer.templates.map(({ name, accounts }) => [name, accounts])).toEqual([
    ["observe", ["111122223333"]],
  ]);
});

test("case 49: sessions are the caller's own, paged, and another agent's id pages nothing", async () => {
  for (let i = 0; i < 3; i++) await ask(running);
  const first = (await get("/v1/sessions?limit=2")).json as unknown as SessionsAnswer;
  expect(first.sessions).toHaveLength(2);
  expect(first.sessions[0]).toMatchObject({ template: "observe", state: "issued" });
  const second = (await get(`/v1/sessions?limit=2&before=${first.next ?? ""}`))
    .json as unknown as SessionsAnswer;
  expect(second.sessions.map(({ id }) => id)).not.toContain(first.sessions[1]?.id);
  const foreign = await get(`/v1/sessions?before=${first.sessions[0]?.id ?? ""}`, running.other);
  expect(foreign.json).toEqual({ sessions: [], next: null });
});

describe("request syntax", () => {
  const wrong = (name: string, body: unknown): [string, unknown] => [name, body];
  const task = OBSERVE.task;
  test.each([
    wrong("case 20: a tag of its own", { ...OBSERVE, tags: [{ key: "team", value: "orders" }] }),
    wrong("case 20: a reserved tag as a parameter", {
      ...OBSERVE,
      parameters: { "twokey:principal": "human" },
    }),
    wrong("case 17: quotes in a parameter", { ...OBSERVE, parameters: { stack: 'x","Action":"*' } }),
    wrong("case 18: * in a parameter", { ...OBSERVE, parameters: { stack: "*" } }),
    wrong("case 18: ? in a parameter", { ...OBSERVE, parameters: { stack: "order?" } }),
    wrong("case 19: ${ in a parameter", { ...OBSERVE, parameters: { stack: "${aws:username}" } }),
    wrong("case 26: template --help", { ...OBSERVE, template: "--help" }),
    wrong("case 26: template -x", { ...OBSERVE, template: "-x" }),
    wrong("case 26: template ../x", { ...OBSERVE, template: "../x" }),
    wrong("case 26: a role of its own", { ...OBSERVE, role: "--help" }),
    wrong("case 27: duration 1e9", { ...OBSERVE, duration: 1e9 }),
    wrong("case 27: duration -1", { ...OBSERVE, duration: -1 }),
    wrong("case 27: duration NaN as text", { ...OBSERVE, duration: "NaN" }),
    wrong("case 27: duration NaN", JSON.stringify({ ...OBSERVE, duration: 7 }).replace("7", "NaN")),
    wrong("case 27: duration 1h; drop", { ...OBSERVE, duration: "1h; drop" }),
    wrong("case 27: duration 1e3 as text", { ...OBSERVE, duration: "1e3s" }),
    wrong("case 27: duration under the least", { ...OBSERVE, duration: "1s" }),
    wrong("case 27: duration over the most", { ...OBSERVE, duration: "13h" }),
    wrong("case 27: a fraction of a second", { ...OBSERVE, duration: 900.5 }),
    wrong("a summary of 1,025 characters", { ...OBSERVE, task: { ...task, summary: "x".repeat(1025) } }),
    wrong("an escape sequence in the summary", { ...OBSERVE, task: { ...task, summary: "\u001b[2J" } }),
    wrong("NUL in the task's id", { ...OBSERVE, task: { ...task, id: "\u0000" } }),
    wrong("an unknown intent", { ...OBSERVE, task: { ...task, intent: "admin" } }),
    wrong("an account of 11 digits", { ...OBSERVE, account: "11112222333" }),
    wrong("a list for a body", [OBSERVE]),
    wrong("null for a body", "null"),
    wrong("a cut body", '{"template": "observe"'),
  ])("%s is a 400, no STS call, and on record", async (_name, body) => {
    const reply = await expectDenied(400, () => ask(running, body));
    expect(reply.json["code"]).toBe("invalid_request");
  });

  test("all faults are told at once, by path", async () => {
    const body = {
      template: "-x",
      duration: "1h; drop",
      tags: {},
      task: { intent: "observe", summary: "", note: 1 },
    };
    const reply = await expectDenied(400, () => ask(running, body, { "idempotency-key": "with space" }));
    const at = (reply.json["errors"] as { at: string }[]).map((fault) => fault.at);
    expect(at.sort()).toEqual([
      "Idempotency-Key",
      "duration",
      "tags",
      "task.note",
      "task.summary",
      "template",
    ]);
  });

  test("case 27: more than the template allows is never issued", async () => {
    const answer = (await ask(running, { ...OBSERVE, duration: "12h" })).json as unknown as CredentialsAnswer;
    expect(answer.session.duration).toBeLessThanOrEqual(3600);
    expect(Number(running.sts.received.at(-1)?.get("DurationSeconds"))).toBe(answer.session.duration);
  });

  test.each(["15m", "1h", "900s", 900])("duration %j is taken", async (duration) => {
    expect((await ask(running, { ...OBSERVE, duration })).status).toBe(200);
  });

  test("bidirectional and zero-width characters of a summary are kept", async () => {
    const summary = "look\u202e\u200b at\nit";
    const reply = await ask(running, { ...OBSERVE, task: { intent: "observe", summary } });
    const answer = reply.json as unknown as CredentialsAnswer;
    const [newest] = ((await get("/v1/sessions?limit=1")).json as unknown as SessionsAnswer).sessions;
    expect([newest?.id, newest?.task.summary]).toEqual([answer.session.id, summary]);
  });

  test.each(["/v1/sessions?limit=0", "/v1/sessions?limit=101", "/v1/sessions?limit=1e1", "/v1/sessions?x=1"])(
    "%s is a 400",
    async (path) => {
      await expectDenied(400, () => get(path));
    },
  );
  test.each(["/v1/sessions?before=tks-x", "/v1/sessions?limit=1&limit=2", "/v1/sessions?__proto__=1"])(
    "%s is a 400 too",
    async (path) => {
      await expectDenied(400, () => get(path));
    },
  );
});

describe("an Idempotency-Key", () => {
  test("never mints twice: the same body is already_issued, another is a conflict", async () => {
    const headers = { "idempotency-key": "deploy-7" };
    const first = await ask(running, OBSERVE, headers);
    expect(first.status).toBe(200);
    const { session } = first.json as unknown as CredentialsAnswer;
    const again = await expectDenied(409, () => ask(running, OBSERVE, headers));
    expect(again.json["code"]).toBe("already_issued");
    expect(again.json["detail"]).toContain(session.id);
    const other = await expectDenied(409, () => ask(running, { ...OBSERVE, duration: 900 }, headers));
    expect(other.json["code"]).toBe("idempotency_conflict");
  });

  test("belongs to its agent", async () => {
    const headers = { "idempotency-key": "shared" };
    expect((await ask(running, OBSERVE, headers)).status).toBe(200);
    expect((await ask({ url: running.url, agent: running.other }, OBSERVE, headers)).status).toBe(200);
  });
});

describe("authentication", () => {
  test.each([
    ["no token", {}],
    ["a token in the query is none", {}],
    ["Basic", { authorization: "Basic b3JkZXJzOm9yZGVycw==" }],
    ["an empty bearer", { authorization: "Bearer " }],
    ["a token that is none", { authorization: "Bearer abc" }],
  ])("%s is a 401 that says nothing about why", async (_name, headers) => {
    const reply = await expectDenied(401, () =>
      send(running.url, "GET", "/v1/templates?access_token=abc", headers),
    );
    expect(reply.headers["www-authenticate"]).toBe('Bearer error="invalid_token"');
    const plain = { ...reply.json, request_id: "" };
    const missing = await send(running.url, "GET", "/v1/templates");
    expect(plain).toEqual({ ...missing.json, request_id: "" });
  });

  test("is decided before a body is read", async () => {
    const reply = await send(running.url, "POST", "/v1/credentials", { "content-type": "text/plain" }, "{");
    expect(reply.status).toBe(401);
  });
});

describe("case 48", () => {
  const SPELLINGS = [
    "//v1/credentials",
    "/v1//credentials",
    "/v1/%63redentials",
    "/v1/credentials/",
    "/v1/credentials/.",
    "/healthz/../v1/credentials",
    "/healthz/..%2fv1/credentials",
    "/healthz%2f..%2fv1/credentials",
    "/v1/credentials%00",
    "/v1/credentials;healthz",
    "/v1/credentials?route=/healthz",
    "/V1/credentials",
    "/v1/credentials?",
    "/v1/credentials#/healthz",
    "http://127.0.0.1/v1/credentials",
    "/%2e%2e/v1/credentials",
    "/v1\\credentials",
  ];
  test.each(SPELLINGS)(
    "POST %s without a token is refused and never answered by another route",
    async (path) => {
      const calls = running.sts.received.length;
      const reply = await send(
        running.url,
        "POST",
        path,
        { "content-type": "application/json" },
        JSON.stringify(OBSERVE),
      );
      expect([400, 401, 404]).toContain(reply.status);
      expect(running.sts.received.length).toBe(calls);
    },
  );
  test.each(SPELLINGS.map((path) => path.replace("credentials", "sessions")))(
    "GET %s without a token shows no session",
    async (path) => {
      const reply = await send(running.url, "GET", path);
      expect([400, 401, 404]).toContain(reply.status);
      expect(reply.text).not.toContain("tks-");
    },
  );

  test("a method override changes nothing", async () => {
    const headers = {
      "x-http-method-override": "GET",
      "x-original-url": "/healthz",
      "x-rewrite-url": "/healthz",
    };
    expect((await send(running.url, "GET", "/v1/sessions", headers)).status).toBe(401);
  });

  test("a body over the limit is a 413, whether its length is told or not", async () => {
    const body = JSON.stringify({ ...OBSERVE, task: { intent: "observe", summary: "x".repeat(70_000) } });
    await expectDenied(413, () => ask(running, body));
    await expectDenied(413, () => ask(running, body, { "transfer-encoding": "chunked" }));
  });

  test("a chunked body is refused at its first byte over the limit, while the sender still sends", async () => {
    const { hostname, port } = new URL(running.url);
    const token = await running.agent.token();
    const status = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(
          `POST /v1/credentials HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        );
        // One chunk past the limit, and never the last one.
        socket.write(`${(65_537).toString(16)}\r\n${" ".repeat(65_537)}\r\n`);
      });
      socket.once("data", (data) => {
        resolve(data.toString().split("\r\n")[0] ?? "");
        socket.destroy();
      });
      socket.once("error", reject);
    });
    expect(status).toBe("HTTP/1.1 413 Payload Too Large");
  });

  test.each([
    ["text/plain", {}],
    ["application/jsonp", {}],
    ["application/x-www-form-urlencoded", {}],
    ["application/json", { "content-encoding": "gzip" }],
  ])("content type %s is a 415", async (type, headers) => {
    await expectDenied(415, () => ask(running, OBSERVE, { "content-type": type, ...headers }));
  });

  test("a forged X-Forwarded-For leaves the recorded address unchanged", async () => {
    const from = running.log.length;
    await ask(running, OBSERVE, {
      "x-forwarded-for": "203.0.113.9",
      forwarded: "for=203.0.113.9",
      "x-real-ip": "203.0.113.9",
    });
    const lines = running.log.slice(from).join("");
    expect(JSON.parse(lines)).toMatchObject({ client: "127.0.0.1", route: "POST /v1/credentials" });
    expect(lines).not.toContain("203.0.113.9");
  });

  test("a request id is never the client's", async () => {
    const reply = await ask(running, OBSERVE, { "x-request-id": "req-of-the-client" });
    expect(reply.headers["x-request-id"]).toMatch(/^req-[a-z2-7]{16}$/);
  });
});

test("one line a request is logged, with what an operator looks for", async () => {
  const from = running.log.length;
  await ask(running, { ...OBSERVE, template: "none" });
  expect(running.log.slice(from)).toHaveLength(1);
  expect(JSON.parse(running.log[from] ?? "")).toMatchObject({
    method: "POST",
    route: "POST /v1/credentials",
    status: 403,
    agent: "orders-ci",
    client: "127.0.0.1",
    code: "template_not_open",
  });
});

test("health and readiness are open to anyone", async () => {
  expect((await send(running.url, "GET", "/healthz")).status).toBe(200);
  expect((await send(running.url, "GET", "/readyz")).status).toBe(200);
});

test("every route is in the OpenAPI document, with its caller's security", async () => {
  const document = (await send(running.url, "GET", "/openapi.json")).json as unknown as {
    paths: Record<string, Record<string, { security: unknown[]; responses: Record<string, unknown> }>>;
    components: { schemas: Record<string, unknown> };
  };
  expect(Object.keys(document.paths).sort()).toEqual([
    "/docs",
    "/docs/problems",
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/readyz",
    "/v1/audit/checkpoint",
    "/v1/audit/consistency",
    "/v1/audit/entries",
    "/v1/audit/inclusion",
    "/v1/credentials",
    "/v1/escalations",
    "/v1/escalations/{id}",
    "/v1/escalations/{id}/cancel",
    "/v1/freezes",
    "/v1/sessions",
    "/v1/templates",
    "/v1/watch",
  ]);
  expect(document.paths["/v1/watch"]?.["post"]?.security).toEqual([{ watchToken: [] }]);
  const operator = [{ operatorToken: [] }];
  expect(document.paths["/v1/freezes"]?.["post"]?.security).toEqual(operator);
  expect(document.paths["/v1/freezes"]?.["get"]?.security).toEqual(operator);
  expect(document.paths["/v1/audit/entries"]?.["get"]?.security).toEqual(operator);
  expect(document.paths["/v1/audit/checkpoint"]?.["get"]?.security).toEqual([
    { workloadToken: [] },
    ...operator,
  ]);
  expect(document.paths["/v1/credentials"]?.["post"]?.security).toEqual([{ workloadToken: [] }]);
  expect(document.paths["/healthz"]?.["get"]?.security).toEqual([]);
  expect(document.components.schemas["CredentialsRequest"]).toMatchObject({ additionalProperties: false });
});

test.each(["/docs", "/docs/problems"])(
  "%s works offline: no script, nothing fetched, a strict policy",
  async (path) => {
    const reply = await send(running.url, "GET", path);
    expect(reply.status).toBe(200);
    expect(reply.headers["content-security-policy"]).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+';/,
    );
    expect(reply.text).not.toMatch(/<script|src=|https?:\/\/(?!127)/);
    expect(reply.text).toContain(path === "/docs" ? "/v1/credentials" : 'id="escalation_required"');
  },
);

test("a problem's type leads to its line on the problems page", async () => {
  const { json } = await ask(running, { ...OBSERVE, template: "production-stack-change" });
  expect(json).toMatchObject({
    status: 403,
    code: "escalation_required",
    type: "/docs/problems#escalation_required",
  });
  expect(json["next"]).toMatch(/^Ask them: twokey escalation request production-stack-change /);
});

test("a client that is gone before its body is read does not hold the request open", async () => {
  const incoming = new IncomingMessage(new Socket());
  incoming.headers["content-type"] = "application/json";
  incoming.destroy();
  await new Promise((resolve) => incoming.once("close", resolve));
  await expect(readJson(incoming)).rejects.toBeInstanceOf(ClientGoneError);
});
