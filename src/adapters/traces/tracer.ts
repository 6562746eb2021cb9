/**
 * The broker's tracer, and which trace the code that runs belongs to. Without an OpenTelemetry SDK in the process the
 * API's own does nothing.
 */
import { isSpanContextValid, trace } from "@opentelemetry/api";

export const tracer = trace.getTracer("twokey");

/** For a line of the log, which writes into the answer: the id of the trace, where there is one. */
export function traceFields(): { readonly trace_id?: string } {
  const span = trace.getActiveSpan()?.spanContext();
  return span !== undefined && isSpanContextValid(span) ? { trace_id: span.traceId } : {};
}
