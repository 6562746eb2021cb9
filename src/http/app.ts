/**
 * Serves the route tables: one handler for agents' routes, one for public ones and people's by human.ts, so that no
 * route answers without a request id, its headers and its line in the log. Never reads a body itself, never logs one, and never lets a
 * client choose an id or an address.
 */
import type { HttpBindings } from "@hono/node-server";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { IncomingMessage } from "node:http";
import type { Failure } from "../failure.ts";
import type { Broker } from "../flows/admit.ts";
import { ClientGoneError } from "./body.ts";
import { DOCS_CSP, docsPage, problemsPage } from "./docs-page.ts";
import { documentRoutes } from "./openapi.ts";
import { humanRoutes, type Asset } from "./human.ts";
import { internalError, toProblem } from "./problem.ts";
import type { TokenRoute } from "./agent-route.ts";
import { ROUTES, type PublicRoute, type PublicView } from "./routes.ts";
import { agentProblem, HEADERS, PLAIN_CSP, problem, refusal, type Served } from "./served.ts";

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
  /** The pages' files by name. */
  readonly assets: ReadonlyMap<string, Asset>;
  readonly storeReady: () => Promise<boolean>;
  /** What a ready broker's operator should know, in words for anybody; null: nothing. */
  readonly notice: () => string | null;
  /** For `GET /metrics`. */
  readonly metrics: () => Promise<string>;
  readonly metricsType: string;
  /** `failure`: the exact one, where an agent was refused; for counting, and never for the log. */
  readonly logRequest: (line: RequestLine, failure: Failure | null) => void;
  /** A throw: a bug or lost infrastructure. */
  readonly logThrow: (requestId: string, error: unknown) => void;
  /** Runs a request's work, in a trace where there is one, and hands back what it gave. */
  readonly traceRequest: (asked: AskedRequest, work: () => Promise<Served>) => Promise<Served>;
}

export interface AskedRequest {
  readonly requestId: string;
  readonly route: string;
  readonly unverifiedTraceparent: string | undefined;
}

export interface App {
  readonly fetch: (request: Request, env: HttpBindings) => Response | Promise<Response>;
  /** Unready from now on; resolves when the last accepted request was answered. */
  readonly drain: () => Promise<void>;
}

export function createApp(options: AppOptions): App {
  const app = new OpenAPIHono<{ Bindings: HttpBindings }>();
  const drain = new Drain();
  const view = publicView(app, options, () => !drain.draining);
  const serve = frame(options, drain);
  for (const { method, path, serve: answer } of humanRoutes(options.assets)) {
    app.on(method, path, (c) =>
      serve(c.env.incoming, `${method} ${path}`, (requestId) =>
        drain.track(requestId, c.env.outgoing, (stopping) =>
          answer({
            broker: options.broker(),
            requestId,
            stopping,
            incoming: c.env.incoming,
            params: c.req.param(),
          }),
        ),
      ),
    );
  }
  for (const route of ROUTES) {
    const name = `${route.method} ${route.path}`;
    app.on(route.method, route.path, (c) =>
      serve(c.env.incoming, name, (requestId) =>
        route.caller !== "public"
          ? drain.track(requestId, c.env.outgoing, (stopping) =>
              serveToken(route, options.broker(), c.env.incoming, {
                requestId,
                stopping,
                params: c.req.param(),
              }),
            )
          : servePublic(route, view, requestId),
      ),
    );
  }
  app.notFound((c) =>
    serve(c.env.incoming, "none", async (requestId) => refusal({ code: "not_found" }, requestId)),
  );
  return { fetch: (request, env) => app.fetch(request, env), drain: () => drain.start() };
}

type Serve = (
  incoming: IncomingMessage,
  route: string,
  answer: (requestId: string) => Promise<Served>,
) => Promise<Response>;

/** What every request gets, whatever answers it: an id, an answer for a throw, a line in the log. */
function frame(options: AppOptions, drain: Drain): Serve {
  return async (incoming, route, answer) => {
    const requestId = options.newRequestId();
    const unverifiedTraceparent = incoming.headers["traceparent"]?.toString();
    const served = await options.traceRequest({ requestId, route, unverifiedTraceparent }, () =>
      answerLogged(options, { incoming, route, requestId }, answer),
    );
    if (drain.draining) served.response.headers.set("Connection", "close");
    return served.response;
  };
}

async function answerLogged(
  { logRequest, logThrow }: AppOptions,
  asked: { readonly incoming: IncomingMessage; readonly route: string; readonly requestId: string },
  answer: (requestId: string) => Promise<Served>,
): Promise<Served> {
  const { incoming, route, requestId } = asked;
  const started = performance.now();
  const served = await answer(requestId).catch((error: unknown) => {
    if (error instanceof ClientGoneError) return clientGone();
    logThrow(requestId, error);
    return problem(internalError(requestId));
  });
  const line = {
    request_id: requestId,
    method: incoming.method ?? "",
    route,
    status: served.response.status,
    ms: Math.round((performance.now() - started) * 100) / 100,
    agent: served.agent,
    client: incoming.socket.remoteAddress ?? null,
    code: served.code,
  };
  logRequest(line, served.failure ?? null);
  return served;
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
  const { version, publicUrl, storeReady, metrics, metricsType } = options;
  const document = documentRoutes(app as unknown as OpenAPIHono, ROUTES, { version, publicUrl });
  const [openapi, docs, problems] = [JSON.stringify(document), docsPage(document), problemsPage()];
  return {
    ready: async () => up() && (await storeReady().catch(() => false)),
    notice: options.notice,
    metrics: async () => ({ type: metricsType, body: await metrics() }),
    openapi: () => openapi,
    docsPage: () => docs,
    problemsPage: () => problems,
  };
}

// Whoever was just answered may ask again at once, and would find a connection that nobody will read: told so instead,
// they turn to another broker.
const LINGER_MS = 100;

/** Counts requests in flight, so that a stopping broker knows when the last is answered. */
class Drain {
  draining = false;
  #inFlight = 0;
  /** Of every open answer, one that is still being streamed included. */
  readonly #open = new Set<AbortController>();
  #idle: (() => void) | null = null;

  /** `stopping` aborts when the drain starts or the client goes away: whoever waits answers at once. */
  async track(
    requestId: string,
    outgoing: HttpBindings["outgoing"],
    answer: (stopping: AbortSignal) => Promise<Served>,
  ): Promise<Served> {
    if (this.draining) return refusal({ code: "shutting_down" }, requestId);
    const stopping = new AbortController();
    this.#open.add(stopping);
    outgoing.once("close", () => {
      this.#open.delete(stopping);
      stopping.abort();
    });
    this.#inFlight += 1;
    try {
      return await answer(stopping.signal);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#idle?.();
    }
  }

  start(): Promise<void> {
    this.draining = true;
    for (const stopping of this.#open) stopping.abort();
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = () => setTimeout(resolve, LINGER_MS);
    });
  }
}

const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

interface AgentRequest {
  readonly requestId: string;
  readonly stopping: AbortSignal;
  readonly params: Readonly<Record<string, string>>;
}

async function serveToken(
  route: TokenRoute,
  broker: Broker,
  incoming: IncomingMessage,
  { requestId, stopping, params }: AgentRequest,
): Promise<Served> {
  let agent: string | null = null;
  const call = {
    requestId,
    route: `${route.method} ${route.path}`,
    unverifiedToken: BEARER.exec(incoming.headers.authorization ?? "")?.[1] ?? null,
    stopping,
    onAgent: (name: string): void => {
      agent = name;
    },
  };
  const answer = await route.handle(broker, call, incoming, params);
  if (!answer.ok) {
    const failure = answer.error;
    return { ...agentProblem(toProblem(failure, requestId), agent), failure };
  }
  const headers = { ...HEADERS, "Content-Type": "application/json", "X-Request-Id": requestId };
  const response = new Response(JSON.stringify(answer.value), { status: route.status ?? 200, headers });
  return { response, agent, code: null };
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
