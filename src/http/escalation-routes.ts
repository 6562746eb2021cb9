/**
 * The routes on which an agent asks for an escalation, looks after it and takes it back. None of them decides: that is
 * a person's route.
 */
import { z } from "@hono/zod-openapi";
import { cancelEscalation } from "../flows/cancel-escalation.ts";
import { readChangeSets } from "../flows/read-change-sets.ts";
import { requestEscalation } from "../flows/request-escalation.ts";
import { getEscalation, listEscalations } from "../flows/show-escalations.ts";
import { ok } from "../result.ts";
import { JSON_TYPE, queryOf, readPost, type TokenRoute } from "./agent-route.ts";
import { escalationAnswerSchema, escalationsAnswerSchema } from "./answer-schemas.ts";
import { escalationAnswer, escalationsAnswer } from "./answers.ts";
import {
  escalationRequest,
  escalationsQuery,
  idempotencyKey,
  readEscalationId,
  readEscalationQuestion,
  readEscalationRequest,
  readEscalationsQuery,
  waitQuery,
} from "./schemas.ts";

/** Twice what other bodies may hold: a reason of 64 KiB is told what is wrong with it (security case 40). */
const MAX_ESCALATION_BYTES = 128 * 1024;

const id = z.object({ id: z.string() });

export const ESCALATION_ROUTES: readonly TokenRoute[] = [
  {
    caller: "agent",
    method: "POST",
    path: "/v1/escalations",
    status: 201,
    summary: "Ask two people",
    description:
      "For an escalation template. What is asked for cannot be changed afterwards: a change is a new request. One workload token asks once; the same Idempotency-Key and body answer with the first escalation again.",
    request: {
      headers: z.object({ "idempotency-key": idempotencyKey.optional() }),
      body: { required: true, content: { [JSON_TYPE]: { schema: escalationRequest } } },
    },
    answer: { description: "The escalation", type: JSON_TYPE, schema: escalationAnswerSchema },
    handle: async (broker, call, incoming) => {
      const read = () => readPost(incoming, MAX_ESCALATION_BYTES, readEscalationRequest);
      const requested = await requestEscalation(broker, call, read, readChangeSets);
      return requested.ok ? ok(escalationAnswer(requested.value)) : requested;
    },
  },
  {
    caller: "agent",
    method: "GET",
    path: "/v1/escalations",
    summary: "List this agent's own escalations, newest first",
    request: { query: escalationsQuery },
    answer: { description: "The escalations", type: JSON_TYPE, schema: escalationsAnswerSchema },
    handle: async (broker, call, incoming) => {
      const found = await listEscalations(broker, call, () => readEscalationsQuery(queryOf(incoming)));
      return found.ok ? ok(escalationsAnswer(found.value)) : found;
    },
  },
  {
    caller: "agent",
    method: "GET",
    path: "/v1/escalations/:id",
    summary: "One escalation, and its decision",
    description:
      "With `wait` the answer comes once it is decided or over, after so many seconds, or when the broker stops. Without, ask no more often than `interval` says.",
    request: { params: id, query: waitQuery },
    answer: { description: "The escalation", type: JSON_TYPE, schema: escalationAnswerSchema },
    handle: async (broker, call, incoming, params) => {
      const read = () => readEscalationQuestion(params["id"], queryOf(incoming));
      const found = await getEscalation(broker, call, read);
      return found.ok ? ok(escalationAnswer(found.value)) : found;
    },
  },
  {
    caller: "agent",
    method: "POST",
    path: "/v1/escalations/:id/cancel",
    summary: "Take an escalation back",
    description: "While it waits, or while its grant was not used. Takes no body.",
    request: { params: id },
    answer: { description: "The escalation", type: JSON_TYPE, schema: escalationAnswerSchema },
    handle: async (broker, call, _incoming, params) => {
      const cancelled = await cancelEscalation(broker, call, () => readEscalationId(params["id"]));
      return cancelled.ok ? ok(escalationAnswer(cancelled.value)) : cancelled;
    },
  },
];
