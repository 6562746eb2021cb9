/**
 * Escalations as the agent that asked sees them: ask, look, list, take back. Asking keeps one Idempotency-Key through
 * its retries, so that people are asked once whatever the network does. There is nothing here that decides: an agent's
 * token is no key.
 */
import type { EscalationAnswer, EscalationRequest, EscalationsAnswer } from "../api.ts";
import { err, ok, type Result } from "../result.ts";
import {
  askAsAgent,
  fieldsOf,
  SILENT,
  UNREACHABLE,
  unreadable,
  type Answered,
  type BrokerAccess,
} from "./authenticated-call.ts";
import { inert, refused, type Refusal } from "./refusal.ts";

export const ESCALATION_ID = /^esc-[a-z2-7]{24}$/;

/** Change sets are read from AWS before the broker answers. */
const ASK_TIMEOUT_MS = 60_000;
const LOOK_TIMEOUT_MS = 15_000;
const RETRY_AFTER_MS = [250, 1000, 4000] as const;

/** Codes after which the same question under the same key is safe and may be answered. */
const TRANSIENT: ReadonlySet<string> = new Set([
  UNREACHABLE,
  SILENT,
  "broker_error",
  "shutting_down",
  "record_unavailable",
  "keys_unavailable",
]);

export interface Asking extends BrokerAccess {
  readonly request: EscalationRequest;
  /** Made once for each wish to ask. */
  readonly idempotencyKey: string;
  readonly pause: (ms: number) => Promise<void>;
}

export async function requestEscalation(ask: Asking): Promise<Result<EscalationAnswer, Refusal>> {
  const once = (): Promise<Result<EscalationAnswer, Refusal>> =>
    read(ask, {
      method: "POST",
      path: "v1/escalations",
      idempotencyKey: ask.idempotencyKey,
      body: ask.request,
      timeoutMs: ASK_TIMEOUT_MS,
    });
  let attempt = await once();
  for (const ms of RETRY_AFTER_MS) {
    if (attempt.ok || attempt.error.kind === "refused" || !TRANSIENT.has(attempt.error.code)) return attempt;
    await ask.pause(ms);
    attempt = await once();
  }
  return attempt;
}

/** `waitSeconds`: 0 answers at once, else when it is decided or after so many seconds (60 at most). */
export function getEscalation(
  access: BrokerAccess,
  id: string,
  waitSeconds: number,
): Promise<Result<EscalationAnswer, Refusal>> {
  const query = waitSeconds === 0 ? "" : `?wait=${waitSeconds}`;
  const timeoutMs = LOOK_TIMEOUT_MS + waitSeconds * 1000;
  return read(access, { method: "GET", path: `${pathOf(id)}${query}`, timeoutMs });
}

/** While it waits, or while its grant was not used. */
export function cancelEscalation(
  access: BrokerAccess,
  id: string,
): Promise<Result<EscalationAnswer, Refusal>> {
  return read(access, { method: "POST", path: `${pathOf(id)}/cancel`, timeoutMs: LOOK_TIMEOUT_MS });
}

/** This agent's own, newest first. `before`: an escalation's id, after which the page starts. */
export async function listEscalations(
  access: BrokerAccess,
  { limit, before }: { readonly limit: number; readonly before: string | null },
): Promise<Result<EscalationsAnswer, Refusal>> {
  const after = before === null ? "" : `&before=${encodeURIComponent(before)}`;
  const path = `v1/escalations?limit=${limit}${after}`;
  const answer = await askAsAgent(access, { method: "GET", path, timeoutMs: LOOK_TIMEOUT_MS });
  if (!answer.ok) return answer;
  const { escalations, next } = fieldsOf(answer.value.unverifiedBody);
  const isList = Array.isArray(escalations) && escalations.every(isEscalation);
  if (!isList || !(next === null || typeof next === "string"))
    return err(unreadable(access, "a list of escalations"));
  return ok({ escalations, next });
}

/** What a template is for by its own account: the intent of a request for it that names none. */
export async function intentOfTemplate(
  access: BrokerAccess,
  template: string,
): Promise<Result<EscalationRequest["task"]["intent"], Refusal>> {
  const answer = await askAsAgent(access, {
    method: "GET",
    path: "v1/templates",
    timeoutMs: LOOK_TIMEOUT_MS,
  });
  if (!answer.ok) return answer;
  const { templates } = fieldsOf(answer.value.unverifiedBody);
  if (!Array.isArray(templates)) return err(unreadable(access, "a list of templates"));
  const open = templates.map(fieldsOf);
  const intent = open.find(({ name }) => name === template)?.["intent"];
  if (intent === "observe" || intent === "change" || intent === "destroy") return ok(intent);
  const names = open.flatMap(({ name }) => (typeof name === "string" ? [inert(name)] : []));
  return err(refused("template_not_open", `Open to this agent: ${names.join(", ")}.`));
}

const pathOf = (id: string): string => `v1/escalations/${encodeURIComponent(id)}`;

async function read(
  access: BrokerAccess,
  question: Parameters<typeof askAsAgent>[1],
): Promise<Result<EscalationAnswer, Refusal>> {
  const answer: Result<Answered, Refusal> = await askAsAgent(access, question);
  if (!answer.ok) return answer;
  const { unverifiedBody } = answer.value;
  return isEscalation(unverifiedBody) ? ok(unverifiedBody) : err(unreadable(access, "an escalation"));
}

const TEXTS = ["code", "digest", "url", "template", "account", "may", "reason"] as const;
const TIMES = ["requested_at", "expires_at"] as const;
const NUMBERS = ["duration", "interval", "approvals", "quorum"] as const;
const TEXTS_OR_NULL = ["usable_until", "denial", "session"] as const;
const STATES: readonly EscalationAnswer["state"][] = [
  "pending",
  "approved",
  "consumed",
  "denied",
  "expired",
  "cancelled",
];

/** Shape alone: texts are shown inert wherever they are shown. */
function isEscalation(value: unknown): value is EscalationAnswer {
  const fields = fieldsOf(value);
  const { id, state, parameters } = fields;
  return (
    typeof id === "string" &&
    ESCALATION_ID.test(id) &&
    STATES.some((known) => known === state) &&
    TEXTS.every((name) => typeof fields[name] === "string") &&
    TIMES.every((name) => !Number.isNaN(Date.parse(String(fields[name])))) &&
    NUMBERS.every((name) => Number.isSafeInteger(fields[name])) &&
    TEXTS_OR_NULL.every((name) => fields[name] === null || typeof fields[name] === "string") &&
    Object.values(fieldsOf(parameters)).every(
      (values) => Array.isArray(values) && values.every((text) => typeof text === "string"),
    )
  );
}
