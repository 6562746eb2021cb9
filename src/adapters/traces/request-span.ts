/**
 * The span of one HTTP request, below the caller's own where it sent a W3C traceparent. Takes from the caller two ids
 * and the sampled flag, and nothing else: `tracestate` and `baggage` are text an agent may have written, and would go
 * on to whatever the broker calls. Nothing of a request's content becomes an attribute.
 */
import {
  context,
  isSpanContextValid,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
} from "@opentelemetry/api";
import { tracer } from "./tracer.ts";

export interface AskedRequest {
  readonly requestId: string;
  /** The route table's own, with its method; `none` where no route matched. */
  readonly route: string;
  readonly unverifiedTraceparent: string | undefined;
}

interface Answered {
  readonly response: { readonly status: number };
  /** Of the problem, where there was one. */
  readonly code: string | null;
}

/** Runs the work inside the request's span and hands back what it gave. */
export function traceRequest<T extends Answered>(
  { requestId, route, unverifiedTraceparent }: AskedRequest,
  work: () => Promise<T>,
): Promise<T> {
  const [method, path] = route.split(" ");
  const attributes = {
    "twokey.request_id": requestId,
    ...(path !== undefined && { "http.request.method": method, "http.route": path }),
  };
  const options = { kind: SpanKind.SERVER, attributes };
  return tracer.startActiveSpan(route, options, parentOf(unverifiedTraceparent), async (span) => {
    try {
      const served = await work();
      describe(span, served);
      return served;
    } catch (error) {
      // Its message may hold anything.
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

function describe(span: Span, { response, code }: Answered): void {
  span.setAttribute("http.response.status_code", response.status);
  if (code !== null) span.setAttribute("error.type", code);
  if (response.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** An instrumentation of the process may have read the header already: then its span is the parent. */
function parentOf(unverifiedTraceparent: string | undefined): Context {
  const here = context.active();
  if (unverifiedTraceparent === undefined || trace.getSpan(here) !== undefined) return here;
  const [, version, traceId = "", spanId = "", flags = "", more] =
    TRACEPARENT.exec(unverifiedTraceparent) ?? [];
  // Version 00 ends here; ff is none; a later one may say more after what is read.
  if (version === "ff" || (version === "00" && more !== undefined)) return here;
  const parent = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  };
  return isSpanContextValid(parent) ? trace.setSpanContext(here, parent) : here;
}
