/**
 * Serves people's browsers: pages, the actions of their script, and the stream that keeps pages fresh. Every POST must
 * come from the site's own pages; a GET changes nothing of the record but the way in; a cookie is all that is looked at:
 * an agent's token is nothing here. Who may do what is the flows' business.
 */
import type { IncomingMessage } from "node:http";
import type { Failure } from "../failure.ts";
import type { Broker } from "../flows/admit.ts";
import {
  admitInvited,
  admitPerson,
  refusePerson,
  type PersonCall,
  type Viewer,
} from "../flows/admit-person.ts";
import { showFrame } from "../flows/show-frame.ts";
import { ok, type Result } from "../result.ts";
import type { Frame } from "../ui/page-data.ts";
import { problemPage } from "../ui/problem-page.tsx";
import { queryOf } from "./agent-route.ts";
import { readForm, readJson } from "./body.ts";
import { readCookie, SIGN_IN_COOKIE } from "./cookie.ts";
import { EventStreams } from "./event-stream.ts";
import { ACTIONS, type Action } from "./human-routes.ts";
import { ownPath } from "./own-path.ts";
import type { PageRoute } from "./page-route.ts";
import { PAGE_ROUTES } from "./page-routes.ts";
import { toProblem } from "./problem.ts";
import { HEADERS, refusal, type Served } from "./served.ts";
import { WAYS_IN, type WayIn } from "./ways-in.ts";

/** A page's file; see adapters/ui-assets/load.ts. */
export interface Asset {
  readonly type: string;
  readonly body: Uint8Array;
  readonly etag: string;
}

export interface HumanRequest {
  readonly broker: Broker;
  readonly requestId: string;
  readonly stopping: AbortSignal;
  readonly incoming: IncomingMessage;
  readonly params: Readonly<Record<string, string>>;
}

export interface HumanRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly serve: (request: HumanRequest) => Promise<Served>;
}

export function humanRoutes(assets: ReadonlyMap<string, Asset>): readonly HumanRoute[] {
  const streams = new EventStreams();
  return [
    { method: "GET", path: "/", serve: async ({ requestId }) => redirect("/queue", requestId) },
    { method: "GET", path: "/assets/:name", serve: (request) => serveAsset(assets, request) },
    { method: "GET", path: "/events", serve: (request) => serveEvents(streams, request) },
    ...WAYS_IN.map((way): HumanRoute => ({
      method: "GET",
      path: way.path,
      serve: (request) => serveWayIn(way, request),
    })),
    ...PAGE_ROUTES.map((route): HumanRoute => {
      const { method, path } = route;
      return { method, path, serve: (request) => servePage(route, request) };
    }),
    ...ACTIONS.map((action): HumanRoute => ({
      method: "POST",
      path: action.path,
      serve: (request) => serveAction(action, request),
    })),
  ];
}

const callOf = ({ requestId, stopping, incoming }: HumanRequest, route: string): PersonCall => ({
  requestId,
  route,
  unverifiedSession: readCookie(incoming, SIGN_IN_COOKIE),
  stopping,
});

/** Null: the request comes from our own pages. Browsers write both headers themselves; a page cannot. */
function crossSite({ broker, incoming }: HumanRequest): Failure | null {
  const { origin, "sec-fetch-site": site } = incoming.headers;
  if (origin !== broker.site.origin) {
    return { code: "cross_site", reason: `Origin ${String(origin).slice(0, 200)}` };
  }
  if (site !== undefined && site !== "same-origin") {
    return { code: "cross_site", reason: `Sec-Fetch-Site ${site.slice(0, 40)}` };
  }
  return null;
}

async function serveAction(action: Action, request: HumanRequest): Promise<Served> {
  const { broker, requestId, incoming } = request;
  const call = callOf(request, `POST ${action.path}`);
  const refuse = async (viewer: Viewer | null, failure: Failure): Promise<Served> =>
    refusal(await refusePerson(broker, call, viewer?.person ?? null, failure), requestId);
  const foreign = crossSite(request);
  if (foreign !== null) return refuse(null, foreign);
  const admitted = await admitFor(action.caller, broker, call);
  if (!admitted.ok) return refusal(admitted.error, requestId);
  const body = await readJson(incoming);
  if (!body.ok) return refuse(admitted.value, body.error);
  const read = action.read(body.value);
  if (!read.ok) return refuse(admitted.value, read.error);
  const answer = await read.value(broker, admitted.value, call);
  if (!answer.ok) return refusal(answer.error, requestId);
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (answer.value.cookie !== undefined) headers["Set-Cookie"] = answer.value.cookie;
  return served(new Response(JSON.stringify(answer.value.body)), requestId, headers);
}

async function admitFor(
  caller: Action["caller"],
  broker: Broker,
  call: PersonCall,
): Promise<Result<Viewer | null, Failure>> {
  if (caller === "anybody") return ok(null);
  return caller === "person" ? admitPerson(broker, call) : admitInvited(broker, call);
}

async function servePage(route: PageRoute, request: HumanRequest): Promise<Served> {
  const { broker, requestId, incoming, params } = request;
  const call = callOf(request, `${route.method} ${route.path}`);
  if (route.method === "POST") {
    const foreign = crossSite(request);
    if (foreign !== null) return refusal(await refusePerson(broker, call, null, foreign), requestId);
  } else if (call.unverifiedSession === null) return toSignIn(request);
  const viewer = await admitFor(route.invited === true ? "invited" : "person", broker, call);
  if (!viewer.ok || viewer.value === null) {
    const failure: Failure = viewer.ok ? { code: "not_found" } : viewer.error;
    if (route.method === "GET" && failure.code === "sign_in_required") return toSignIn(request);
    return route.method === "GET" ? htmlProblem(request, null, failure) : refusal(failure, requestId);
  }
  const form = route.method === "POST" ? await readForm(incoming) : ok(new URLSearchParams());
  if (!form.ok) {
    return refusal(await refusePerson(broker, call, viewer.value.person, form.error), requestId);
  }
  const asked = { call, params, query: queryOf(incoming), form: form.value };
  const page = await route.page(broker, viewer.value, asked);
  return page.ok ? html(page.value, 200, requestId, null) : htmlProblem(request, viewer.value, page.error);
}

function toSignIn({ incoming, requestId }: HumanRequest): Served {
  const next = new URLSearchParams({ next: ownPath(incoming.url) });
  return redirect(`/sign-in?${next.toString()}`, requestId);
}

async function serveWayIn(way: WayIn, request: HumanRequest): Promise<Served> {
  const { broker, requestId, incoming } = request;
  const call = callOf(request, `GET ${way.path}`);
  const answer = await way.answer(broker, call, incoming, nobodyFrame(broker));
  if (!answer.ok) return htmlProblem(request, null, answer.error);
  const { value } = answer;
  if ("page" in value) return html(value.page, 200, requestId, null);
  const served = redirect(value.to, requestId);
  for (const cookie of value.cookies) served.response.headers.append("Set-Cookie", cookie);
  return served;
}

async function serveAsset(assets: ReadonlyMap<string, Asset>, request: HumanRequest): Promise<Served> {
  const { requestId, incoming, params } = request;
  const asset = assets.get(params["name"] ?? "");
  if (asset === undefined) return refusal({ code: "not_found" }, requestId);
  const headers = { "Content-Type": asset.type, ETag: asset.etag, "Cache-Control": "no-cache" };
  if (incoming.headers["if-none-match"] === asset.etag) {
    return served(new Response(null, { status: 304 }), requestId, headers);
  }
  return served(new Response(Uint8Array.from(asset.body)), requestId, headers);
}

async function serveEvents(streams: EventStreams, request: HumanRequest): Promise<Served> {
  const { broker, requestId } = request;
  const call = callOf(request, "GET /events");
  const viewer = await admitPerson(broker, call);
  if (!viewer.ok) return refusal(viewer.error, requestId);
  const body = streams.start(broker, viewer.value, call);
  if (!body.ok) return refusal(body.error, requestId);
  // A proxy that gathers the answer would hold the events back.
  const headers = { "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" };
  return served(new Response(body.value), requestId, headers);
}

/** Nobody is signed in. */
const nobodyFrame = (broker: Broker): Frame => ({
  person: null,
  waiting: 0,
  notices: [],
  here: null,
  now: broker.clock(),
});

async function htmlProblem(request: HumanRequest, viewer: Viewer | null, failure: Failure): Promise<Served> {
  const { broker, requestId } = request;
  const { problem } = toProblem(failure, requestId);
  const around = viewer === null ? null : await showFrame(broker, viewer);
  const frame: Frame = around?.ok === true ? { ...around.value, here: null } : nobodyFrame(broker);
  const next =
    viewer === null ? { path: "/sign-in", label: "Sign in" } : { path: "/queue", label: "To the queue" };
  const { status, title } = problem;
  const detail = [problem.detail, problem.next, `Request ${requestId}.`].filter(Boolean).join(" ");
  return html(problemPage({ status, title, detail, next }, frame), status, requestId, failure.code);
}

const PAGE_CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

function html(text: string, status: number, requestId: string, code: string | null): Served {
  const headers = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": PAGE_CSP,
    // With `no-referrer` a browser posts our own forms as `Origin: null`, which is no site of ours.
    "Referrer-Policy": "same-origin",
  };
  return { ...served(new Response(text, { status }), requestId, headers), code };
}

const redirect = (location: string, requestId: string): Served =>
  served(new Response(null, { status: 302 }), requestId, { Location: location });

function served(response: Response, requestId: string, headers: Readonly<Record<string, string>>): Served {
  const all = { ...HEADERS, "X-Request-Id": requestId, ...headers };
  for (const [name, value] of Object.entries(all)) response.headers.set(name, value);
  return { response, agent: null, code: null };
}
