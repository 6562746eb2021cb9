/** What a route is that a token opens, and how its request is read once the caller is known. Serving it is app.ts's business. */
import type { RouteConfig, z } from "@hono/zod-openapi";
import type { IncomingMessage } from "node:http";
import type { Failure } from "../failure.ts";
import type { Broker, Call } from "../flows/admit.ts";
import type { Result } from "../result.ts";
import { readJson } from "./body.ts";
import { invalid } from "./schemas.ts";

type Method = "GET" | "POST";

/** What the OpenAPI document says of a route, besides its method and path. */
export interface RouteWords {
  readonly summary: string;
  readonly description?: string;
  readonly request?: RouteConfig["request"];
  readonly answer: { readonly description: string; readonly type: string; readonly schema?: z.ZodType };
}

/**
 * Answered with `status` (200) and the value as JSON, or with the failure's problem. `agent`: by a workload token.
 * `operator`: by the operators' token. `reader`: by either. `watch`: by Watch's.
 */
export interface TokenRoute extends RouteWords {
  readonly caller: "agent" | "operator" | "reader" | "watch";
  readonly method: Method;
  readonly path: string;
  readonly status?: 201;
  readonly handle: (
    broker: Broker,
    call: Call,
    incoming: IncomingMessage,
    /** Of the path, as the router decoded them: hostile. */
    params: Readonly<Record<string, string>>,
  ) => Promise<Result<unknown, Failure>>;
}

export const JSON_TYPE = "application/json";

export const queryOf = (incoming: IncomingMessage): URLSearchParams => {
  const url = incoming.url ?? "";
  const start = url.indexOf("?");
  return new URLSearchParams(start === -1 ? "" : url.slice(start + 1));
};

/** A JSON body and the Idempotency-Key; a query is refused, so that nobody believes it had an effect. */
export async function readPost<Request>(
  incoming: IncomingMessage,
  maxBytes: number,
  read: (unverifiedBody: unknown, unverifiedKey: string | undefined) => Result<Request, Failure>,
): Promise<Result<Request, Failure>> {
  if (queryOf(incoming).size > 0) return invalid([{ at: "?", problem: "this route takes no query" }]);
  const body = await readJson(incoming, maxBytes);
  if (!body.ok) return body;
  const key = incoming.headers["idempotency-key"];
  return read(body.value, Array.isArray(key) ? key.join() : key);
}
