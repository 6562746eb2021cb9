/** What `GET /metrics` tells of what agents and people did, over real HTTP. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anEscalation, firstAdministrator, invited, startWorld, type World } from "../humans/world.ts";
import { readMetrics, type Scrape } from "../support/prometheus.ts";
import { assumed, stsError } from "../support/stub-sts.ts";
import { ask, OBSERVE, send, type TestBroker } from "../support/test-broker.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

async function scrape({ url }: Pick<TestBroker, "url"> = world): Promise<Scrape> {
  const reply = await send(url, "GET", "/metrics");
  const type = "text/plain; version=0.0.4; charset=utf-8";
  expect([reply.status, reply.headers["content-type"]]).toEqual([200, type]);
  return readMetrics(reply.text);
}

type Labels = Readonly<Record<string, string>>;

/** How much each grew while the work was done. */
async function growth(work: () => Promise<unknown>): Promise<(name: string, labels?: Labels) => number> {
  const before = await scrape();
  await work();
  const after = await scrape();
  return (name, labels) => (after.value(name, labels) ?? 0) - (before.value(name, labels) ?? 0);
}

const MINTS = ["issued", "failed", "unknown", "withheld"];

describe("mints", () => {
  test("are counted by template and by how each ended", async () => {
    const grown = await growth(async () => {
      await ask(world);
      await ask(world);
      await ask(world, { template: "staging-deploy", task: { intent: "change", summary: "deploy" } });
      world.sts.answer = stsError(403, "AccessDenied");
      await ask(world);
      world.sts.answer = stsError(503, "ServiceUnavailable");
      await ask(world);
      world.sts.answer = assumed();
    });
    const minted = (template: string) =>
      MINTS.map((outcome) => grown("twokey_mints_total", { template, outcome }));
    expect(minted("observe")).toEqual([2, 1, 1, 0]);
    expect(minted("staging-deploy")).toEqual([1, 0, 0, 0]);
    expect(
      ["issued", "failed", "unknown"].map((outcome) =>
        grown("twokey_sts_duration_seconds_count", { outcome }),
      ),
    ).toEqual([3, 1, 1]);
    // They were not refused before STS was asked.
    const refused = (await scrape()).samples.filter(({ name }) => name === "twokey_mints_refused_total");
    expect(refused.filter(({ labels }) => labels["code"]?.startsWith("sts_"))).toEqual([]);
  });

  test("that were refused are counted by code, and by template only where it is a served one", async () => {
    const change = { intent: "change", summary: "x" };
    const grown = await growth(async () => {
      await ask(world, { template: "production-stack-change", task: change });
      await ask(world, { ...OBSERVE, task: change });
      await ask(world, { ...OBSERVE, template: "made-up-by-an-agent" });
      await ask(world, { ...OBSERVE, tags: {} });
      await send(world.url, "POST", "/v1/credentials");
    });
    const refused = (template: string, code: string) =>
      grown("twokey_mints_refused_total", { template, code });
    expect(refused("production-stack-change", "escalation_required")).toBe(1);
    expect(refused("observe", "intent_exceeds_template")).toBe(1);
    expect(refused("-", "template_not_open")).toBe(1);
    expect(refused("-", "invalid_request")).toBe(1);
    expect(refused("-", "invalid_token")).toBe(1);
    expect(grown("twokey_refusals_total", { code: "template_not_open" })).toBe(1);
    expect(grown("twokey_refusals_total", { code: "invalid_token" })).toBe(1);
  });
});

describe("labels", () => {
  test("are of the broker's own making: no agent's name, no template, path or key somebody made up", async () => {
    await ask(world);
    await ask(world, { ...OBSERVE, template: "made-up-by-an-agent" });
    await ask(world, { ...OBSERVE, task: { intent: "observe", summary: "MADEUP summary", id: "MADEUP-1" } });
    await ask(world, OBSERVE, { "idempotency-key": "MADEUP-key", traceparent: "MADEUP" });
    await send(world.url, "GET", "/made-up/path?query=MADEUP");
    await send(world.url, "PURGE", "/v1/credentials");
    const { text } = await send(world.url, "GET", "/metrics");
    expect(text).not.toMatch(/made-?up|purge|orders-ci|billing-ci|orders-lead/i);
    const files = readdirSync(join(world.folder, "templates")).map((name) => name.replace(/\.yaml$/, ""));
    const templates = new Set(readMetrics(text).samples.flatMap(({ labels }) => labels["template"] ?? []));
    expect([...templates].sort()).toEqual(["-", ...files].sort());
  });

  test("a hundred made-up templates and paths add no more series than the first", async () => {
    const madeUp = async (index: number): Promise<void> => {
      await ask(world, { ...OBSERVE, template: `made-up-${index}` });
      await send(world.url, "GET", `/made-up/${index}`);
    };
    const series = async () =>
      (await scrape()).samples.filter(({ name }) => name.startsWith("twokey_")).length;
    await madeUp(0);
    await scrape();
    const before = await series();
    for (let index = 1; index < 100; index += 1) await madeUp(index);
    expect(await series()).toBe(before);
  });

  test("routes are the table's own", async () => {
    const grown = await growth(async () => {
      await send(world.url, "GET", "/v1/escalations/esc-aaaaaaaaaaaaaaaaaaaaaaaa");
      await send(world.url, "GET", "/nothing/here");
    });
    const route = "GET /v1/escalations/:id";
    expect(grown("twokey_http_requests_total", { route, status: "401" })).toBe(1);
    expect(grown("twokey_http_requests_total", { route: "none", status: "404" })).toBe(1);
    expect(grown("twokey_http_request_duration_seconds_count", { route })).toBe(1);
  });
});

describe("the record", () => {
  test("its size, the queue and the oldest in it are as they are when asked", async () => {
    const before = await scrape();
    expect(before.value("twokey_log_entries")).toBe(await world.broker.audit.size());
    expect(before.value("twokey_record_readable")).toBe(1);
    expect(before.value("twokey_escalations_pending")).toBe(0);
    expect(before.value("twokey_escalation_oldest_pending_seconds")).toBe(0);
    const waiting = [await anEscalation(world), await anEscalation(world, { parameters: { other: ["x"] } })];
    const two = await scrape();
    expect(two.value("twokey_escalations_pending")).toBe(2);
    expect(two.value("twokey_escalation_oldest_pending_seconds")).toBeGreaterThan(0);
    expect(two.value("twokey_log_entries")).toBe((before.value("twokey_log_entries") ?? NaN) + 2);
    for (const { id } of waiting) {
      const context = { requestId: null, policyVersion: "v", nonce: null, counter: null };
      const cancelled = { ok: true, value: { kind: "cancelled", by: "agent" } } as const;
      await world.broker.audit.escalations.change(id, context, () => cancelled);
    }
    expect((await scrape()).value("twokey_escalations_pending")).toBe(0);
  });

  test("writes of each kind are timed", async () => {
    const grown = await growth(async () => {
      await ask(world);
      await ask(world, { ...OBSERVE, tags: {} });
      await anEscalation(world, { parameters: { timed: ["x"] } });
    });
    const writes = ["intent", "outcome", "entry", "escalation"].map((operation) =>
      grown("twokey_audit_append_seconds_count", { operation, result: "ok" }),
    );
    expect(writes).toEqual([1, 1, 1, 1]);
  });
});

test("escalations are counted by what became of them, and approvals timed by the record's clock", async () => {
  const first = await firstAdministrator(world);
  const second = await invited(first, "security-engineer");
  const account = "444455556666";
  const [approved, denied] = [await anEscalation(world), await anEscalation(world, { account })];
  const grown = await growth(async () => {
    await anEscalation(world, { account });
    await first.done("/v1/decisions", await first.decision(denied, "deny"));
    await first.done("/v1/decisions", await first.decision(approved, "approve"));
  });
  const events = ["requested", "joined", "approved", "denied", "cancelled", "expired"];
  expect(events.map((event) => grown("twokey_escalations_total", { event }))).toEqual([1, 0, 0, 1, 0, 0]);
  const last = await growth(async () => {
    await second.done("/v1/decisions", await second.decision(approved, "approve"));
  });
  expect(last("twokey_escalations_total", { event: "approved" })).toBe(1);

  const entries = await world.broker.audit.entries({ from: 0, limit: 1_000 });
  const of = entries.filter(({ escalation }) => escalation === approved.id);
  const decided = "escalation.decided";
  expect(of.map(({ kind }) => kind)).toEqual(["escalation.requested", decided, decided]);
  const seconds = ((of.at(-1)?.at.getTime() ?? NaN) - (of[0]?.at.getTime() ?? NaN)) / 1000;
  expect(last("twokey_escalation_approval_seconds_count")).toBe(1);
  expect(last("twokey_escalation_approval_seconds_sum")).toBeCloseTo(seconds, 3);
});

test("the process's own metrics and the version are there", async () => {
  const metrics = await scrape();
  const manifest = readFileSync(join(import.meta.dirname, "../../package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { readonly version: string };
  expect(metrics.value("twokey_build_info", { version })).toBe(1);
  expect(metrics.value("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
  expect(metrics.types.get("nodejs_eventloop_lag_p99_seconds")).toBe("gauge");
});

test("another broker counts apart, and says so when its record is out of reach", async () => {
  const other = await startWorld();
  const answer = other.sts.answer;
  other.sts.answer = (response, request) => {
    void other.broker.audit.close().then(() => {
      answer(response, request);
    });
  };
  expect((await scrape(other)).value("twokey_log_entries")).toBe(await other.broker.audit.size());
  const grown = await growth(async () => {
    // The outcome cannot be recorded, nor the second one's intent.
    expect((await ask(other)).json["code"]).toBe("record_unavailable");
    expect((await ask(other)).json["code"]).toBe("record_unavailable");
  });
  const metrics = await scrape(other);
  expect(
    MINTS.map((outcome) => metrics.value("twokey_mints_total", { template: "observe", outcome })),
  ).toEqual([0, 0, 0, 1]);
  expect(MINTS.map((outcome) => grown("twokey_mints_total", { template: "observe", outcome }))).toEqual([
    0, 0, 0, 0,
  ]);
  const refused = { template: "-", code: "record_unavailable" };
  expect(metrics.value("twokey_mints_refused_total", refused)).toBe(1);
  for (const operation of ["intent", "outcome"]) {
    const failed = { operation, result: "error" };
    expect(metrics.value("twokey_audit_append_seconds_count", failed)).toBe(1);
  }
  expect(metrics.value("twokey_record_readable")).toBe(0);
  expect(metrics.value("twokey_log_entries")).toBe(null);
  expect(metrics.value("twokey_escalations_pending")).toBe(null);
  // It cannot record its stop either.
  await other.close().catch(() => undefined);
  await other.sts.close();
});
