/**
 * The broker's metrics in Prometheus' text format: what is counted of ports and of answered requests, the record's
 * figures, and the process's own. One registry a broker. A number says what happened, never to whom.
 */
import { collectDefaultMetrics, Registry } from "prom-client";
import type { ReadFigures } from "../../audit/figures.ts";
import type { Failure, FailureCode } from "../../failure.ts";
import type { AssumeRole } from "../../session/assume-role.ts";
import { createInstruments, MINT_OUTCOMES, startAtZero } from "./instruments.ts";
import { observeAssumeRole, observeStore, type ObservedStore } from "./observe-ports.ts";
import { recordGauges } from "./record-gauges.ts";

export interface MetricsOptions {
  readonly version: string;
  readonly readFigures: ReadFigures;
  /** The templates now served, by name. What is none of them becomes no series. */
  readonly templates: () => ReadonlyMap<string, unknown>;
}

/** An answered request. `route` is the route table's own, with its method. */
export interface AnsweredRequest {
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  /** Of the problem, where there was one. */
  readonly code: string | null;
}

export interface Metrics {
  readonly assumeRole: (port: AssumeRole) => AssumeRole;
  readonly store: <S extends ObservedStore>(port: S) => S;
  /** `failure`: the exact one, where an agent's request was refused. Its texts may be the agent's own. */
  readonly answered: (request: AnsweredRequest, failure: Failure | null) => void;
  /** Prometheus' text format. Never rejects for a record out of reach. */
  readonly text: () => Promise<string>;
  readonly contentType: string;
}

export function createMetrics({ version, readFigures, templates }: MetricsOptions): Metrics {
  const registry = new Registry();
  const instruments = createInstruments(registry);
  const readRecord = recordGauges(registry, readFigures);
  const ofProcess = processMetrics();
  instruments.build.set({ version }, 1);
  startAtZero(instruments);
  return {
    assumeRole: (port) => observeAssumeRole(port, instruments),
    store: (port) => observeStore(port, instruments),
    answered: ({ route, status, ms, code }, failure) => {
      instruments.requests.inc({ route, status });
      instruments.requestSeconds.observe({ route }, ms / 1000);
      if (code !== null) instruments.refusals.inc({ code });
      if (route === MINT_ROUTE && failure !== null && !afterSts(failure)) {
        instruments.refusedMints.inc({ template: servedTemplate(failure, templates()), code: failure.code });
      }
    },
    text: async () => {
      await readRecord();
      for (const template of templates().keys()) {
        for (const outcome of MINT_OUTCOMES) instruments.mints.inc({ template, outcome }, 0);
      }
      return `${await registry.metrics()}\n${await ofProcess.metrics()}`;
    },
    contentType: registry.contentType,
  };
}

const MINT_ROUTE = "POST /v1/credentials";

/** No template has this name. */
const NO_TEMPLATE = "-";

/** Refusals name the template as it was asked for. */
function servedTemplate(failure: Failure, served: ReadonlyMap<string, unknown>): string {
  return "template" in failure && served.has(failure.template) ? failure.template : NO_TEMPLATE;
}

/** Refusals that come after STS was asked, whose sessions `twokey_mints_total` counts. */
const AFTER_STS: ReadonlySet<FailureCode> = new Set([
  "sts_refused",
  "sts_throttled",
  "sts_unknown",
  "packed_policy_too_large",
  "session_frozen",
]);

const afterSts = (failure: Failure): boolean =>
  AFTER_STS.has(failure.code) || (failure.code === "record_unavailable" && failure.step === "outcome");

let processRegistry: Registry | null = null;

/** One for the process, whose figures they are: prom-client never lets go of the observers it starts. */
function processMetrics(): Registry {
  if (processRegistry === null) {
    processRegistry = new Registry();
    collectDefaultMetrics({ register: processRegistry });
  }
  return processRegistry;
}
