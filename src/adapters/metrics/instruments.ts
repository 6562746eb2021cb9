/**
 * Every metric of the broker, in one table: name, labels, buckets. docs/observability.md says what each is for. A
 * label's value is one of a set that the broker itself knows: never text an agent sent, an agent's name or a secret.
 */
import type { Registry } from "prom-client";
import { Counter, Gauge, Histogram } from "prom-client";

export type Instruments = ReturnType<typeof createInstruments>;

/** A duration in seconds, and how what took it ended. */
export type Took = (seconds: number, result: "ok" | "error") => void;

export function createInstruments(registry: Registry) {
  const registers = [registry];
  return {
    build: new Gauge({
      name: "twokey_build_info",
      help: "1, for the version that runs.",
      labelNames: ["version"],
      registers,
    }),
    mints: new Counter({
      name: "twokey_mints_total",
      help: "Sessions STS was asked for, by how that ended. withheld: STS issued and nothing was delivered.",
      labelNames: ["template", "outcome"],
      registers,
    }),
    refusedMints: new Counter({
      name: "twokey_mints_refused_total",
      help: "Requests for a session that were refused before STS was asked.",
      labelNames: ["template", "code"],
      registers,
    }),
    sts: new Histogram({
      name: "twokey_sts_duration_seconds",
      help: "Time of one AssumeRole. failed: STS refused; unknown: a session may exist.",
      labelNames: ["outcome"],
      buckets: [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30],
      registers,
    }),
    requests: new Counter({
      name: "twokey_http_requests_total",
      help: "Answered HTTP requests.",
      labelNames: ["route", "status"],
      registers,
    }),
    requestSeconds: new Histogram({
      name: "twokey_http_request_duration_seconds",
      help: "Time to an answer. Of a stream, to its first byte.",
      labelNames: ["route"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    refusals: new Counter({
      name: "twokey_refusals_total",
      help: "Answers that refused, by the problem's code.",
      labelNames: ["code"],
      registers,
    }),
    writes: new Histogram({
      name: "twokey_audit_append_seconds",
      help: "Time until a write of the record was durable, or was not certain (error).",
      labelNames: ["operation", "result"],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10],
      registers,
    }),
    escalations: new Counter({
      name: "twokey_escalations_total",
      help: "What became of escalations through this broker.",
      labelNames: ["event"],
      registers,
    }),
    approval: new Histogram({
      name: "twokey_escalation_approval_seconds",
      help: "From the request to the decision that approved it, by the database's clock.",
      buckets: [30, 60, 300, 600, 1_800, 3_600, 14_400, 28_800, 86_400, 259_200],
      registers,
    }),
  };
}

export const MINT_OUTCOMES = ["issued", "failed", "unknown", "withheld"] as const;
export type MintOutcome = (typeof MINT_OUTCOMES)[number];
export const STS_OUTCOMES = ["issued", "failed", "unknown"] as const;
export const WRITES = ["intent", "outcome", "entry", "escalation"] as const;
export const ESCALATION_EVENTS = [
  "requested",
  "joined",
  "approved",
  "denied",
  "cancelled",
  "expired",
] as const;

/** Series that are there from the start: the first increase of one that was not there is none to Prometheus. */
export function startAtZero(instruments: Instruments): void {
  for (const outcome of STS_OUTCOMES) instruments.sts.zero({ outcome });
  for (const event of ESCALATION_EVENTS) instruments.escalations.inc({ event }, 0);
  for (const operation of WRITES) {
    for (const result of ["ok", "error"]) instruments.writes.zero({ operation, result });
  }
}
