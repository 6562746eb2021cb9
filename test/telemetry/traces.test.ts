/** Spans of a whole broker under a real OpenTelemetry SDK, and what the log says of the trace. */
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CANARY, stsError } from "../support/stub-sts.ts";
import { ask, BROKER_KEYS, OBSERVE, send, startTestBroker, type TestBroker } from "../support/test-broker.ts";

const exporter = new InMemorySpanExporter();
let running: TestBroker;
let explode = false;

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  running = await startTestBroker(undefined, {
    randomBytes: (count) => {
      if (explode) throw new Error(`exploded with ${CANARY.sessionToken}`);
      return crypto.getRandomValues(new Uint8Array(count));
    },
  });
});
afterAll(async () => {
  await running.close();
  trace.disable();
  context.disable();
});
beforeEach(() => {
  exporter.reset();
});

const spans = (): readonly ReadableSpan[] => exporter.getFinishedSpans();
const requestSpan = (): ReadableSpan => {
  const [span, ...more] = spans().filter(({ kind }) => kind === SpanKind.SERVER);
  if (span === undefined || more.length > 0) throw new Error("not one request");
  return span;
};
const linesOf = (requestId: unknown): readonly Readonly<Record<string, unknown>>[] =>
  running.log
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    .filter(({ request_id }) => request_id === requestId);

const [TRACE, PARENT] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];

describe("a mint", () => {
  test("is one trace: the request, and below it the token, the intent, STS and the outcome in their order", async () => {
    const reply = await ask(running);
    expect(reply.status).toBe(200);
    const request = requestSpan();
    expect(request.name).toBe("POST /v1/credentials");
    const below = spans().filter((span) => span !== request);
    expect(below.map(({ name }) => name)).toEqual([
      "verify token",
      "record intent",
      "sts AssumeRole",
      "record outcome",
    ]);
    const { traceId, spanId } = request.spanContext();
    expect(below.map((span) => [span.spanContext().traceId, span.parentSpanContext?.spanId])).toEqual(
      below.map(() => [traceId, spanId]),
    );
    expect(request.attributes).toEqual({
      "twokey.request_id": reply.headers["x-request-id"],
      "http.request.method": "POST",
      "http.route": "/v1/credentials",
      "http.response.status_code": 200,
    });
  });

  test("that STS refused says so, in codes", async () => {
    const { answer } = running.sts;
    running.sts.answer = stsError(403, "AccessDenied", `words with ${CANARY.sessionToken}`);
    await ask(running);
    running.sts.answer = answer;
    const sts = spans().find(({ name }) => name === "sts AssumeRole");
    expect(sts?.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(sts?.attributes).toMatchObject({
      "error.type": "AccessDenied",
      "twokey.sts.certainty": "definite",
    });
    expect(requestSpan().attributes).toMatchObject({
      "error.type": "sts_refused",
      "http.response.status_code": 502,
    });
  });
});

describe("the caller's traceparent", () => {
  const asked = async (traceparent: string, more: Readonly<Record<string, string>> = {}) => {
    await send(running.url, "GET", "/healthz", { traceparent, ...more });
    return requestSpan();
  };

  test("is the parent of the request's span", async () => {
    const span = await asked(`00-${TRACE}-${PARENT}-01`);
    expect(span.spanContext().traceId).toBe(TRACE);
    expect(span.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: PARENT, isRemote: true });
  });

  test("of a later version is read as far as it is known", async () => {
    expect((await asked(`01-${TRACE}-${PARENT}-01-more`)).spanContext().traceId).toBe(TRACE);
  });

  test("that asks not to be sampled is not", async () => {
    await send(running.url, "GET", "/healthz", { traceparent: `00-${TRACE}-${PARENT}-00` });
    expect(spans()).toEqual([]);
  });

  // The cases of https://www.w3.org/TR/trace-context/#traceparent-header
  test.each([
    ["of zeros for a trace", `00-${"0".repeat(32)}-${PARENT}-01`],
    ["of zeros for a parent", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["of version ff", `ff-${TRACE}-${PARENT}-01`],
    ["of version 00 with more behind it", `00-${TRACE}-${PARENT}-01-more`],
    ["in upper case", `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ["cut short", `00-${TRACE}-${PARENT}`],
    ["of letters that are no hex", `00-${"g".repeat(32)}-${PARENT}-01`],
    ["with text around it", `x00-${TRACE}-${PARENT}-01`],
  ])("%s is not taken", async (_title, traceparent) => {
    const span = await asked(traceparent);
    expect(span.parentSpanContext).toBe(undefined);
    expect(span.spanContext().traceId).not.toBe(TRACE);
  });

  test("brings no tracestate and no baggage with it", async () => {
    const span = await asked(`00-${TRACE}-${PARENT}-01`, {
      tracestate: "agent=wrote-this",
      baggage: "agent=wrote-this",
    });
    expect(span.spanContext().traceState?.serialize() ?? "").toBe("");
    expect(JSON.stringify(span.attributes)).not.toContain("wrote-this");
  });
});

test("no span holds a secret, a token, or text of an agent", async () => {
  const { token } = running.agent;
  const tokens: string[] = [];
  const agent = {
    ...running.agent,
    token: async () => {
      tokens.push(await token());
      return tokens.at(-1) ?? "";
    },
  };
  const asking = { url: running.url, agent };
  const task = { intent: "observe", summary: "AGENTTEXT summary", id: "AGENTTEXT-1" };
  await ask(asking, { ...OBSERVE, task }, { "idempotency-key": "AGENTTEXT-key" });
  await ask(asking, { ...OBSERVE, template: "agenttext-template", task });
  const authorization = `Bearer ${await agent.token()}`;
  await send(running.url, "GET", "/v1/sessions?before=AGENTTEXT", { authorization });
  await send(running.url, "POST", "/v1/escalations/esc-agenttextagenttextagentt/cancel", { authorization });
  await send(running.url, "GET", "/AGENTTEXT?AGENTTEXT");
  explode = true;
  expect((await ask(asking)).status).toBe(500);
  explode = false;
  const told = JSON.stringify(
    spans().map(({ name, attributes, events, links, status }) => ({
      name,
      attributes,
      events,
      links,
      status,
    })),
  );
  expect(spans().length).toBeGreaterThan(8);
  const secrets = [CANARY.secretKey, CANARY.sessionToken, BROKER_KEYS.secretAccessKey, ...tokens];
  expect(secrets.filter((secret) => told.includes(secret) || told.includes(secret.slice(-16)))).toEqual([]);
  expect(told).not.toMatch(/agenttext/i);
});

test("every line that belongs to a request has its id and the trace's", async () => {
  const replies = [
    await ask(running),
    await ask(running, { ...OBSERVE, tags: {} }),
    await send(running.url, "GET", "/nothing"),
    await send(running.url, "GET", "/queue"),
    await send(running.url, "GET", "/metrics"),
  ];
  explode = true;
  replies.push(await ask(running));
  explode = false;
  const traceOf = new Map(
    spans()
      .filter(({ kind }) => kind === SpanKind.SERVER)
      .map((span) => [span.attributes["twokey.request_id"], span.spanContext().traceId]),
  );
  const lines = replies.flatMap(({ headers }) => linesOf(headers["x-request-id"]));
  expect(lines.map(({ msg }) => msg)).toEqual([
    ...replies.slice(0, -1).map(() => "request"),
    "request threw",
    "request",
  ]);
  expect(lines.map(({ trace_id }) => trace_id)).toEqual(
    lines.map(({ request_id }) => traceOf.get(request_id as string)),
  );
  const others = running.log
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    .filter(({ request_id }) => request_id === undefined);
  expect(others.map(({ msg }) => msg)).not.toContain("request");
  expect(others.filter(({ trace_id }) => trace_id !== undefined)).toEqual([]);
});
