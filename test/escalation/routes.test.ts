/** Escalations over HTTP, as an agent meets them: a whole broker on loopback, with a stub for STS. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EscalationAnswer, EscalationsAnswer } from "../../src/api.ts";
import type { Config } from "../../src/config.ts";
import { ROUTES } from "../../src/http/routes.ts";
import type { EnrolledAgent } from "../support/policy-folder.ts";
import { tableEscalation } from "../support/table-escalation.ts";
import { ask, OBSERVE, send, startTestBroker, type Reply, type TestBroker } from "../support/test-broker.ts";

const CLEAR_TABLE = tableEscalation("clear-table");

/** The shipped policies with that template, open to both agents. */
function withTemplate(config: Config): Config {
  const edit = (name: string, change: (text: string) => string): void => {
    const path = join(config.policies, name);
    writeFileSync(path, change(readFileSync(path, "utf8")));
  };
  writeFileSync(join(config.policies, "templates", "clear-table.yaml"), CLEAR_TABLE);
  edit("approvals.yaml", (text) =>
    text.replace("[production-stack-change]", "[production-stack-change, clear-table]"),
  );
  edit("agents.yaml", (text) => text.replaceAll("templates: [", "templates: [clear-table, "));
  return config;
}

let running: TestBroker;
beforeAll(async () => {
  running = await startTestBroker(withTemplate);
});
afterAll(() => running.close());

type Headers = Readonly<Record<string, string>>;

async function call(method: string, path: string, options: CallOptions = {}): Promise<Reply> {
  const { body, headers = {}, agent = running.agent, token = await agent.token() } = options;
  const json = body === undefined ? {} : { "content-type": "application/json" };
  const all = { authorization: `Bearer ${token}`, ...json, ...headers };
  return send(running.url, method, path, all, body === undefined ? undefined : JSON.stringify(body));
}

interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Headers;
  readonly agent?: EnrolledAgent;
  readonly token?: string;
}

let tables = 0;
const wish = (over: Readonly<Record<string, unknown>> = {}) => ({
  template: "clear-table",
  parameters: { table: `arn:aws:dynamodb:us-east-1:111122223333:table/orders-${(tables += 1)}` },
  reason: "a bad import",
  task: { intent: "destroy", summary: "clear the bad rows" },
  ...over,
});

/** An escalation that the test takes back at its end, so that the next has room. */
async function asked(
  work: (escalation: EscalationAnswer, reply: Reply) => Promise<void>,
  options: CallOptions = {},
) {
  const reply = await call("POST", "/v1/escalations", { body: wish(), ...options });
  expect([reply.status, reply.json["code"]]).toEqual([201, expect.stringMatching(/^[a-z]+-[a-z]+$/)]);
  const escalation = reply.json as unknown as EscalationAnswer;
  await work(escalation, reply);
  const { agent = running.agent } = options;
  await call("POST", `/v1/escalations/${escalation.id}/cancel`, { agent });
}

test("an escalation is answered 201 with all that an agent and its operator need", async () => {
  await asked(async (escalation, reply) => {
    expect(escalation).toMatchObject({
      state: "pending",
      error: "authorization_pending",
      template: "clear-table",
      account: "111122223333",
      duration: 900,
      reason: "a bad import",
      interval: 5,
      approvals: 0,
      quorum: 2,
      denial: null,
      session: null,
      usable_until: null,
    });
    expect(escalation.id).toMatch(/^esc-[a-z2-7]{24}$/);
    expect(escalation.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(new URL(escalation.url).pathname).toBe(`/escalations/${escalation.id}`);
    expect(Date.parse(escalation.expires_at) - Date.parse(escalation.requested_at)).toBe(3_600_000);
    expect(reply.headers["cache-control"]).toBe("no-store");
    const one = await call("GET", `/v1/escalations/${escalation.id}`);
    expect([one.status, one.json]).toEqual([200, escalation]);
    const list = (await call("GET", "/v1/escalations?limit=1")).json as unknown as EscalationsAnswer;
    expect(list.escalations).toEqual([escalation]);
    const early = await call("POST", "/v1/credentials", { body: { escalation: escalation.id } });
    expect([early.status, early.json["code"], early.headers["retry-after"]]).toEqual([
      409,
      "authorization_pending",
      "5",
    ]);
  });
});

test("case 10: the same token twice is 409, and with the same Idempotency-Key and body the first 201 again", async () => {
  const token = await running.agent.token();
  const [body, headers] = [wish(), { "idempotency-key": "ask-1" }];
  await asked(
    async ({ id }) => {
      const again = await call("POST", "/v1/escalations", { body, headers, token });
      expect([again.status, again.json["id"]]).toEqual([201, id]);
      const replay = await call("POST", "/v1/escalations", { body: wish(), token });
      expect([replay.status, replay.json["code"]]).toEqual([409, "token_replayed"]);
      const other = await call("POST", "/v1/escalations", { body: wish(), headers });
      expect([other.status, other.json["code"]]).toEqual([409, "escalation_key_conflict"]);
    },
    { body, headers, token },
  );
});

describe("case 40: the reason", () => {
  test.each([
    ["of 64 KiB", "x".repeat(64 * 1024)],
    ["of 2,001 characters", "x".repeat(2001)],
    ["that is empty", ""],
    ["with an escape sequence", "\u001b[2J"],
  ])("case 40: %s is a 400 that names it, never cut", async (_name, reason) => {
    const reply = await call("POST", "/v1/escalations", { body: wish({ reason }) });
    expect([reply.status, reply.json["errors"]]).toEqual([400, [expect.objectContaining({ at: "reason" })]]);
  });

  test("case 40: of 2,000 characters comes back whole", async () => {
    const reason = `${"ü".repeat(1998)}\u202e\u200b`;
    await asked(
      async (escalation) => {
        expect(escalation.reason).toBe(reason);
      },
      { body: wish({ reason }) },
    );
  });
});

test("case 46: a fourth escalation that would wait is 429 and says which wait", async () => {
  const waiting: string[] = [];
  for (let index = 0; index < 3; index += 1) {
    waiting.push(String((await call("POST", "/v1/escalations", { body: wish() })).json["id"]));
  }
  const reply = await call("POST", "/v1/escalations", { body: wish() });
  expect([reply.status, reply.json["code"]]).toEqual([429, "too_many_pending"]);
  for (const id of waiting) {
    expect(reply.json["detail"]).toContain(id);
    await call("POST", `/v1/escalations/${id}/cancel`);
  }
});

describe("case 30 and 31: an agent's token", () => {
  test("case 30: on the decision route is a 403", async () => {
    await asked(async ({ id }) => {
      for (const path of ["/v1/decisions", "/v1/decisions/options"]) {
        const reply = await call("POST", path, { body: { escalation: id, verdict: "approve" } });
        expect([path, reply.status]).toEqual([path, 403]);
      }
      expect((await running.broker.audit.escalations.find(id))?.decisions).toEqual([]);
    });
  });

  test("case 31: decides by no other way in: no path, no field, no method", async () => {
    await asked(async ({ id }) => {
      const body = { verdict: "approve", decision: "approve", state: "approved" };
      for (const path of ["approve", "deny", "decide", "decisions", "", "cancel/approve"]) {
        for (const method of ["POST", "PUT", "PATCH"]) {
          const reply = await call(method, `/v1/escalations/${id}/${path}`, { body });
          expect([path, method, reply.status]).toEqual([path, method, 404]);
        }
      }
      expect((await call("POST", "/v1/escalations", { body: wish(body) })).status).toBe(400);
      expect((await call("POST", "/v1/credentials", { body: { escalation: id, ...body } })).status).toBe(400);
      expect((await call("GET", `/v1/escalations/${id}?verdict=approve`)).status).toBe(400);
      const escalation = await running.broker.audit.escalations.find(id);
      expect([escalation?.state, escalation?.decisions]).toEqual(["pending", []]);
    });
  });

  test("case 31: an agent's routes are these, and what the command line does goes through them", () => {
    const agents = ROUTES.filter(({ caller }) => caller === "agent");
    expect(agents.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /v1/credentials",
      "GET /v1/templates",
      "GET /v1/sessions",
      "POST /v1/escalations",
      "GET /v1/escalations",
      "GET /v1/escalations/:id",
      "POST /v1/escalations/:id/cancel",
    ]);
  });
});

test("case 49: another agent's escalation is a 404 like one that never was", async () => {
  await asked(async ({ id }) => {
    const agent = running.other;
    const none = "esc-bbbbbbbbbbbbbbbbbbbbbbbb";
    const ways = (which: string): readonly (readonly [string, string, unknown?])[] => [
      ["GET", `/v1/escalations/${which}`],
      ["GET", `/v1/escalations/${which}?wait=30`],
      ["POST", `/v1/escalations/${which}/cancel`],
      ["POST", "/v1/credentials", { escalation: which }],
    ];
    for (const [index, [method, path, body]] of ways(id).entries()) {
      const theirs = await call(method, path, { agent, body });
      const [, nothing, other] = ways(none)[index] ?? [];
      const nobodys = await call(method, nothing ?? "", { agent, body: other });
      expect([path, theirs.status]).toEqual([path, 404]);
      expect({ ...theirs.json, request_id: "" }).toEqual({ ...nobodys.json, request_id: "" });
    }
    expect((await call("GET", "/v1/escalations", { agent })).json).toEqual({ escalations: [], next: null });
  });
});

test.each(["esc-x", "tks-aaaaaaaaaaaaaaaaaaaaaaaa", "..", "%2e%2e", "esc-AAAAAAAAAAAAAAAAAAAAAAAA"])(
  "%s is no escalation's id",
  async (id) => {
    expect((await call("GET", `/v1/escalations/${id}`)).status).toBe(404);
  },
);

test.each(["wait=61", "wait=-1", "wait=1e1", "wait=5&wait=5", "x=1"])("?%s is a 400", async (query) => {
  await asked(async ({ id }) => {
    expect((await call("GET", `/v1/escalations/${id}?${query}`)).status).toBe(400);
  });
});

test("asking again within the interval is a 429 with Retry-After", async () => {
  await asked(async ({ id }) => {
    await call("GET", `/v1/escalations/${id}`);
    const reply = await call("GET", `/v1/escalations/${id}`);
    expect([reply.status, reply.json["code"], reply.headers["retry-after"]]).toEqual([429, "slow_down", "5"]);
  });
});

test("an agent that policy refuses is given the exact command that asks people", async () => {
  const table = "arn:aws:dynamodb:us-east-1:111122223333:table/orders";
  const task = { intent: "destroy", summary: "clear the bad rows" };
  const body = { template: "clear-table", parameters: { table }, account: "111122223333", task };
  const standing = await ask(running, body);
  expect([standing.status, standing.json["code"]]).toEqual([403, "escalation_required"]);
  expect(standing.json["next"]).toContain(
    `twokey escalation request clear-table --parameter table=${table} --account 111122223333 --reason "why"`,
  );
  const beyond = await ask(running, { ...OBSERVE, task });
  expect(beyond.json["next"]).toContain("twokey escalation request clear-table");
  const closed = await ask(running, { ...OBSERVE, template: "none" });
  expect(closed.json["next"]).toContain("twokey escalation request clear-table");
});

test("a long poll answers authorization_pending at once when the broker stops", async () => {
  const own = await startTestBroker(withTemplate);
  const authorization = async (): Promise<string> => `Bearer ${await own.agent.token()}`;
  const headers = { authorization: await authorization(), "content-type": "application/json" };
  const made = await send(own.url, "POST", "/v1/escalations", headers, JSON.stringify(wish()));
  const path = `/v1/escalations/${String(made.json["id"])}?wait=60`;
  const waiting = send(own.url, "GET", path, { authorization: await authorization() });
  // It waits once another request is answered: both came in, in order, on the same loop.
  await send(own.url, "GET", "/v1/templates", { authorization: await authorization() });
  await own.close();
  expect(await waiting).toMatchObject({
    status: 200,
    json: { state: "pending", error: "authorization_pending" },
  });
});
