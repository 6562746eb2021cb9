/**
 * Serves the route table: one handler for agents' routes and one for public ones, so that no route answers without
 * a request id, its headers and its line in the log. Never reads a body itself, never logs one, and never lets a
 * client choose an id or an address.
 */
import type { HttpBindings } from "@hono/node-server";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { IncomingMessage } from "node:http";
import type { Broker } from "../flows/admit.ts";
import { ClientGoneError } from "./body.ts";
import { DOCS_CSP, docsPage, problemsPage } from "./docs-page.ts";
import { documentRoutes } from "./openapi.ts";
import { internalError, toProblem, type ProblemReply } from "./problem.ts";
import { ROUTES, type AgentRoute, type PublicRoute, type PublicView } from "./routes.ts";

/** One line a request. Never a header, a body or an error's message. */
export interface RequestLine {
  readonly request_id: string;
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  readonly agent: string | null;
  /** The socket's address: X-Forwarded-For is the client's own word. */
  readonly client: string | null;
  /** Of the problem, where there was one. */
  readonly code: string | null;
}

export interface AppOptions {
  /** The broker as of now, with the policy set now served. Called once for each request. */
  readonly broker: () => Broker;
  readonly version: string;
  readonly publicUrl: string | null;
  readonly newRequestId: () => string;
  readonly storeReady: () => Promise<boolean>;
  /** What a ready broker's operator should know, in words for anybody; null: nothing. */
  readonly notice: () => string | null;
  readonly logRequest: (line: RequestLine) => void;
  /** A throw: a bug or lost infrastructure. */
  readonly logThrow: (requestId: string, error: unknown) => void;
}

export interface App {
  readonly fetch: (request: Request, env: HttpBindings) => Response | Promise<Response>;
  /** Unready from now on; resolves when the last accepted request was answered. */
  readonly drain: () => Promise<void>;
}

const PLAIN_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HEADERS: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Content-Security-Policy": PLAIN_CSP,
  "Cache-Control": "no-store",
};

interface Served {
  readonly response: Response;
  readonly agent: string | null;
  readonly code: string | null;
}

export function createApp(options: AppOptions): App {
  const app = new OpenAPIHono<{ Bindings: HttpBindings }>();
  const drain = new Drain();
  const view = publicView(app, options, () => !drain.draining);
  const serve = frame(options, drain);
  for (const route of ROUTES) {
    const name = `${route.method} ${route.path}`;
    app.on(route.method, route.path, (c) =>
      serve(c.env.incoming, name, (requestId) =>
        route.caller === "agent"
          ? drain.track(requestId, () => serveAgent(route, options.broker(), requestId, c.env.incoming))
          : servePublic(route, view, requestId),
      ),
    );
  }
  app.notFound((c) =>
    serve(c.env.incoming, "none", async (requestId) =>
      problem(toProblem({ code: "not_found" }, requestId), null),
    ),
  );
  return { fetch: (request, env) => app.fetch(request, env), drain: () => drain.start() };
}

type Serve = (
  incoming: IncomingMessage,
  route: string,
  answer: (requestId: string) => Promise<Served>,
) => Promise<Response>;

/** What every request gets, whatever answers it: an id, an answer for a throw, a line in the log. */
function frame({ newRequestId, logRequest, logThrow }: AppOptions, drain: Drain): Serve {
  return async (incoming, route, answer) => {
    const started = performance.now();
    const requestId = newRequestId();
    const served = await answer(requestId).catch((error: unknown) => {
      if (error instanceof ClientGoneError) return clientGone();
      logThrow(requestId, error);
      return problem(internalError(requestId), null);
    });
    logRequest({
      request_id: requestId,
      method: incoming.method ?? "",
      route,
      status: served.response.status,
      ms: Math.round((performance.now() - started) * 100) / 100,
      agent: served.agent,
      client: incoming.socket.remoteAddress ?? null,
      code: served.code,
    });
    if (drain.draining) served.response.headers.set("Connection", "close");
    return served.response;
  };
}

/** Nobody reads it; its line in the log is no fault of the broker. */
function clientGone(): Served {
  return { response: new Response(null, { status: 400 }), agent: null, code: "client_gone" };
}

function publicView(
  app: OpenAPIHono<{ Bindings: HttpBindings }>,
  options: AppOptions,
  up: () => boolean,
): PublicView {
  const { version, publicUrl, storeReady } = options;
  const document = documentRoutes(app as unknown as OpenAPIHono, ROUTES, { version, publicUrl });
  const [openapi, docs, problems] = [JSON.stringify(document), docsPage(document), problemsPage()];
  return {
    ready: async () => up() && (await storeReady().catch(() => false)),
    notice: options.notice,
    openapi: () => openapi,
    docsPage: () => docs,
    problemsPage: () => problems,
  };
}

/** Counts agents' requests in flight, so that a stopping broker knows when the last is answered. */
class Drain {
  draining = false;
  #inFlight = 0;
  #idle: (() => void) | null = null;

  async track(requestId: string, answer: () => Promise<Served>): Promise<Served> {
    if (this.draining) return problem(toProblem({ code: "shutting_down" }, requestId), null);
    this.#inFlight += 1;
    try {
      return await answer();
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#idle?.();
    }
  }

  start(): Promise<void> {
    this.draining = true;
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }
}

const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

async function serveAgent(
  route: AgentRoute,
  broker: Broker,
  requestId: string,
  incoming: IncomingMessage,
): Promise<Served> {
  let agent: string | null = null;
  const call = {
    requestId,
    route: `${route.method} ${route.path}`,
    unverifiedToken: BEARER.exec(incoming.headers.authorization ?? "")?.[1] ?? null,
    onAgent: (name: string): void => {
      agent = name;
    },
  };
  const answer = await route.handle(broker, call, incoming);
  if (!answer.ok) return problem(toProblem(answer.error, requestId), agent);
  const headers = { ...HEADERS, "Content-Type": "application/json", "X-Request-Id": requestId };
  return { response: new Response(JSON.stringify(answer.value), { headers }), agent, code: null };
}

async function servePublic(route: PublicRoute, view: PublicView, requestId: string): Promise<Served> {
  const { status, type, body } = await route.handle(view);
  const csp = type.startsWith("text/html") ? DOCS_CSP : PLAIN_CSP;
  const headers = {
    ...HEADERS,
    "Content-Security-Policy": csp,
    "Content-Type": type,
    "X-Request-Id": requestId,
  };
  return { response: new Response(body, { status, headers }), agent: null, code: null };
}

function problem({ problem, retryAfter }: ProblemReply, agent: string | null): Served {
  const headers: Record<string, string> = {
    ...HEADERS,
    "Content-Type": "application/problem+json",
    "X-Request-Id": problem.request_id,
  };
  if (problem.status === 401) headers["WWW-Authenticate"] = 'Bearer error="invalid_token"';
  if (retryAfter !== null) headers["Retry-After"] = String(retryAfter);
  // What is left of an unread body is not worth reading.
  if (problem.status === 413) headers["Connection"] = "close";
  const response = new Response(JSON.stringify(problem), { status: problem.status, headers });
  return { response, agent, code: problem.code };
}
