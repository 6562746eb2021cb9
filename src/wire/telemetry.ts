/**
 * Metrics and traces put around the ports, so that flows know of neither. A port behind both gives what it gave before.
 */
import { createMetrics, type Metrics } from "../adapters/metrics/metrics.ts";
import type { Store } from "../adapters/postgres/audit-log.ts";
import { traceRequest } from "../adapters/traces/request-span.ts";
import { traceAssumeRole, traceStore, traceVerifyToken } from "../adapters/traces/trace-ports.ts";
import { VERSION } from "../config.ts";
import type { VerifyToken } from "../identity/verify.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import type { AssumeRole } from "../session/assume-role.ts";

export interface Telemetry {
  readonly audit: Store;
  readonly assumeRole: AssumeRole;
  readonly verifyToken: VerifyToken;
  readonly metrics: Pick<Metrics, "answered" | "text" | "contentType">;
  readonly traceRequest: typeof traceRequest;
}

export interface BarePorts {
  readonly audit: Store;
  readonly assumeRole: AssumeRole;
  readonly verifyToken: VerifyToken;
}

export function createTelemetry(
  { audit, assumeRole, verifyToken }: BarePorts,
  served: () => ServedPolicy,
): Telemetry {
  const metrics = createMetrics({
    version: VERSION,
    readFigures: audit.figures,
    templates: () => served().templates,
  });
  return {
    audit: metrics.store(traceStore(audit)),
    assumeRole: metrics.assumeRole(traceAssumeRole(assumeRole)),
    verifyToken: traceVerifyToken(verifyToken),
    metrics,
    traceRequest,
  };
}
