/** That the ports behind metrics and traces give exactly what they gave: the same objects, the same rejections. */
import { expect, test } from "vitest";
import { createMetrics } from "../../src/adapters/metrics/metrics.ts";
import { traceAssumeRole, traceStore, traceVerifyToken } from "../../src/adapters/traces/trace-ports.ts";
import type { AuditLog } from "../../src/audit/log.ts";
import type { Escalation } from "../../src/escalation/escalation.ts";
import type { EscalationStore } from "../../src/escalation/store.ts";
import { err, ok } from "../../src/result.ts";
import { readMetrics } from "../support/prometheus.ts";

const never = {} as never;
const figures = {
  entries: 7,
  pending: 0,
  oldestPendingSeconds: null,
  frozen: 0,
  denialsWaiting: 0,
  checkpointAgeSeconds: null,
  checkpointEntries: null,
};
const metricsOf = (readFigures = async () => figures) =>
  createMetrics({ version: "1", readFigures, templates: () => new Map([["observe", null]]) });
const session = { id: "tks-a", template: "observe" } as never;

interface Ports {
  readonly store: AuditLog & { readonly escalations: EscalationStore };
  readonly calls: unknown[][];
}

/** Every method gives `answer` and keeps what it was called with. */
function portsGiving(answer: () => Promise<unknown>): Ports {
  const calls: unknown[][] = [];
  const port = (...names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => [
        name,
        (...given: unknown[]) => {
          calls.push([name, ...given]);
          return answer();
        },
      ]),
    );
  const escalations = port("request", "change", "find", "list", "decidedBy", "expire", "changed");
  const reads = ["sessions", "session", "entries", "search", "size"];
  const store = { ...port("recordIntent", "recordOutcome", "append", ...reads), escalations };
  return { store: store as unknown as Ports["store"], calls };
}

const decorators: readonly (readonly [string, (ports: Ports) => Ports["store"]])[] = [
  ["metrics", ({ store }) => metricsOf().store(store)],
  ["traces", ({ store }) => traceStore(store)],
];

test.each(decorators)(
  "a write behind %s answers the very same object, asked the very same",
  async (_, around) => {
    const answer = { ok: true, delivered: true, value: { outcome: "created", escalation: {} } };
    const ports = portsGiving(async () => answer);
    const store = around(ports);
    const [context, entry, draft] = [
      { requestId: "r" },
      { kind: "broker.started" },
      { content: { id: "esc-a" } },
    ];
    expect(await store.recordIntent(session, context as never)).toBe(answer);
    expect(await store.recordOutcome(session, { state: "issued" } as never, context as never)).toBe(answer);
    expect(await store.append(entry as never)).toBe(answer);
    expect(await store.escalations.request(draft as never)).toBe(answer);
    expect(await store.escalations.change("esc-a", context as never, never)).toBe(answer);
    expect(await store.size()).toBe(answer);
    expect(ports.calls.map(([name]) => name)).toEqual([
      "recordIntent",
      "recordOutcome",
      "append",
      "request",
      "change",
      "size",
    ]);
    expect(ports.calls[0]?.slice(1)).toEqual([session, context]);
  },
);

test.each(decorators)(
  "a write that rejects behind %s rejects with the very same error",
  async (_, around) => {
    const error = new Error("the database is gone");
    const store = around(portsGiving(() => Promise.reject(error)));
    const writes = [
      store.recordIntent(session, never),
      store.recordOutcome(session, { state: "issued" } as never, never),
      store.append({ kind: "broker.started" } as never),
      store.escalations.request({ content: { id: "esc-a" } } as never),
      store.escalations.change("esc-a", never, never),
      store.escalations.find("esc-a"),
    ];
    const settled = await Promise.allSettled(writes);
    expect(settled.map((one) => one.status === "rejected" && one.reason === error)).toEqual(
      writes.map(() => true),
    );
  },
);

test("STS's answer and the token's claims are handed on as they are, faults too", async () => {
  const fault = err({ certainty: "unknown", code: "TimeoutError", message: "secret words" } as const);
  const request = { sourceIdentity: "tks-a" } as never;
  expect(await metricsOf().assumeRole(async () => fault)(request)).toBe(fault);
  expect(await traceAssumeRole(async () => fault)(request)).toBe(fault);
  const bad = err({ reason: "expired", detail: "x" } as const);
  expect(await traceVerifyToken(async () => bad)("token", new Date(0))).toBe(bad);
  const thrown = new Error("a bug");
  const throws = () => Promise.reject(thrown);
  await expect(traceVerifyToken(throws)("token", new Date(0))).rejects.toBe(thrown);
  await expect(traceAssumeRole(throws)(request)).rejects.toBe(thrown);
  await expect(metricsOf().assumeRole(throws)(request)).rejects.toBe(thrown);
});

test("what a change chose is chosen on the escalation as it is, and handed on as it is", async () => {
  const escalation = { state: "approved" } as unknown as Escalation;
  const now = new Date("2030-01-01T00:00:00Z");
  const refusal = err("no" as const);
  const ports = portsGiving(async () => err({ reason: "refused" }));
  await metricsOf()
    .store(ports.store)
    .escalations.change("esc-a", never, (...given) => {
      expect(given).toEqual([escalation, now]);
      return refusal;
    });
  const choose = ports.calls[0]?.[3] as (escalation: Escalation, now: Date) => unknown;
  expect(choose(escalation, now)).toBe(refusal);
});

test("what was issued and may not be delivered is withheld; a second request for the same is joined", async () => {
  const metrics = metricsOf();
  const joined = ok({ outcome: "joined" });
  const store = metrics.store(portsGiving(async () => ({ ...joined, delivered: false })).store);
  await store.recordOutcome(session, { state: "issued" } as never, never);
  await store.escalations.request(never);
  const { value } = readMetrics(await metrics.text());
  expect(value("twokey_mints_total", { template: "observe", outcome: "withheld" })).toBe(1);
  expect(value("twokey_mints_total", { template: "observe", outcome: "issued" })).toBe(0);
  expect(value("twokey_escalations_total", { event: "joined" })).toBe(1);
});

test("however many ask for metrics at once, the record is read once at a time", async () => {
  let [reading, reads, most] = [0, 0, 0];
  const metrics = metricsOf(async () => {
    reads += 1;
    most = Math.max(most, (reading += 1));
    await new Promise(setImmediate);
    reading -= 1;
    return figures;
  });
  await Promise.all(Array.from({ length: 50 }, () => metrics.text()));
  expect([reads, most]).toEqual([1, 1]);
  expect(readMetrics(await metrics.text()).value("twokey_log_entries")).toBe(7);
  expect(reads).toBe(2);
});
