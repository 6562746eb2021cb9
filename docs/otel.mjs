// Loads an OpenTelemetry SDK into the broker: node --import ./docs/otel.mjs dist/cli/main.js serve
// Spans go to standard error, one JSON object a line. To send them to a collector, install
// @opentelemetry/exporter-trace-otlp-http and put its `new OTLPTraceExporter()` in the place of `toStandardError`.
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

const toStandardError = {
  export(spans, done) {
    for (const span of spans) {
      const { traceId, spanId } = span.spanContext();
      const { name, attributes, status } = span;
      const [seconds, nanoseconds] = span.duration;
      const ms = seconds * 1e3 + nanoseconds / 1e6;
      const parent = span.parentSpanContext?.spanId ?? null;
      const line = { trace_id: traceId, span_id: spanId, parent, name, ms, status: status.code, attributes };
      process.stderr.write(`${JSON.stringify(line)}\n`);
    }
    done({ code: 0 });
  },
  shutdown: async () => undefined,
};

const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(toStandardError)] });
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(provider);
// The broker ends by itself once it has stopped; what has not been sent goes out then.
process.once("beforeExit", () => void provider.shutdown());
