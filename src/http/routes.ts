/**
 * The whole route table. Each route names its caller kind, and app.ts serves no route otherwise; an agent's route
 * hands its token to a flow, which admits it before anything else. A route is authenticated by what it is, never by
 * how its path was spelled.
 */
import { z } from "@hono/zod-openapi";
import { issueCredentials } from "../flows/issue-credentials.ts";
import { listSessions } from "../flows/list-sessions.ts";
import { listTemplates } from "../flows/list-templates.ts";
import { ok } from "../result.ts";
import { credentialsAnswerSchema, sessionsAnswerSchema, templatesAnswerSchema } from "./answer-schemas.ts";
import { credentialsAnswer, sessionsAnswer, templatesAnswer } from "./answers.ts";
import { MAX_BODY_BYTES } from "./body.ts";
import { AUDIT_ROUTES } from "./audit-routes.ts";
import { ESCALATION_ROUTES } from "./escalation-routes.ts";
import { WATCH_ROUTE } from "./watch-route.ts";
import { FREEZE_ROUTES } from "./freeze-routes.ts";
import { JSON_TYPE, queryOf, readPost, type TokenRoute, type RouteWords } from "./agent-route.ts";
import {
  credentialsRequest,
  grantRequest,
  idempotencyKey,
  readIssueRequest,
  readSessionsQuery,
  sessionsQuery,
} from "./schemas.ts";

/** What a public route may look at: of the record and the policy nothing but metrics. */
export interface PublicView {
  readonly ready: () => Promise<boolean>;
  /** A line for the operator; null: nothing to tell. */
  readonly notice: () => string | null;
  /** In Prometheus' text format. */
  readonly metrics: () => Promise<{ readonly type: string; readonly body: string }>;
  readonly openapi: () => string;
  readonly docsPage: () => string;
  readonly problemsPage: () => string;
}

export interface PublicReply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface PublicRoute extends RouteWords {
  readonly caller: "public";
  readonly method: "GET";
  readonly path: string;
  readonly handle: (view: PublicView) => Promise<PublicReply>;
}

export type Route = TokenRoute | PublicRoute;

const TEXT = "text/plain; charset=utf-8";
const HTML = "text/html; charset=utf-8";
const reply = (status: number, type: string, body: string): PublicReply => ({ status, type, body });

export const ROUTES: readonly Route[] = [
  {
    caller: "agent",
    method: "POST",
    path: "/v1/credentials",
    summary: "Ask for a session",
    description:
      "Answers with a short-lived STS session, tagged as an AI principal and fenced by a session policy. With `escalation` it is the session that people approved, once. The same Idempotency-Key never mints twice, and credentials are never kept to be shown again.",
    request: {
      headers: z.object({ "idempotency-key": idempotencyKey.optional() }),
      body: {
        required: true,
        content: { [JSON_TYPE]: { schema: z.union([credentialsRequest, grantRequest]) } },
      },
    },
    answer: { description: "The session", type: JSON_TYPE, schema: credentialsAnswerSchema },
    handle: async (broker, call, incoming) => {
      const issued = await issueCredentials(broker, call, () =>
        readPost(incoming, MAX_BODY_BYTES, readIssueRequest),
      );
      return issued.ok ? ok(credentialsAnswer(issued.value)) : issued;
    },
  },
  {
    caller: "agent",
    method: "GET",
    path: "/v1/templates",
    summary: "List the templates open to this agent",
    answer: { description: "The templates", type: JSON_TYPE, schema: templatesAnswerSchema },
    handle: async (broker, call) => {
      const open = await listTemplates(broker, call);
      return open.ok ? ok(templatesAnswer(open.value)) : open;
    },
  },
  {
    caller: "agent",
    method: "GET",
    path: "/v1/sessions",
    summary: "List this agent's own sessions, newest first",
    request: { query: sessionsQuery },
    answer: { description: "The sessions", type: JSON_TYPE, schema: sessionsAnswerSchema },
    handle: async (broker, call, incoming) => {
      const found = await listSessions(broker, call, () => readSessionsQuery(queryOf(incoming)));
      return found.ok ? ok(sessionsAnswer(found.value)) : found;
    },
  },
  ...ESCALATION_ROUTES,
  ...AUDIT_ROUTES,
  ...FREEZE_ROUTES,
  WATCH_ROUTE,
  {
    caller: "public",
    method: "GET",
    path: "/healthz",
    summary: "Whether the process lives",
    answer: { description: "It lives", type: TEXT },
    handle: async () => reply(200, TEXT, "ok\n"),
  },
  {
    caller: "public",
    method: "GET",
    path: "/readyz",
    summary: "Whether to send requests here",
    description:
      "503 while the broker is stopping or its store is not ready. A second line tells when the policy folder has faults and the last good set is served instead.",
    answer: { description: "Send them", type: TEXT },
    handle: async (view) =>
      (await view.ready())
        ? reply(200, TEXT, ["ready", view.notice(), ""].filter((line) => line !== null).join("\n"))
        : reply(503, TEXT, "not ready\n"),
  },
  {
    caller: "public",
    method: "GET",
    path: "/metrics",
    summary: "Metrics in Prometheus' text format",
    answer: { description: "The metrics", type: TEXT },
    handle: async (view) => {
      const { type, body } = await view.metrics();
      return reply(200, type, body);
    },
  },
  {
    caller: "public",
    method: "GET",
    path: "/openapi.json",
    summary: "This document",
    answer: { description: "OpenAPI 3.1", type: JSON_TYPE },
    handle: async (view) => reply(200, JSON_TYPE, view.openapi()),
  },
  {
    caller: "public",
    method: "GET",
    path: "/docs",
    summary: "This document for people",
    answer: { description: "A page", type: HTML },
    handle: async (view) => reply(200, HTML, view.docsPage()),
  },
  {
    caller: "public",
    method: "GET",
    path: "/docs/problems",
    summary: "Every problem code",
    answer: { description: "A page", type: HTML },
    handle: async (view) => reply(200, HTML, view.problemsPage()),
  },
];
