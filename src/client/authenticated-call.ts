/**
 * One question to the broker as this agent: a fresh proof of identity, one HTTP exchange, and what came back as a
 * JSON value or a Refusal. Retries nothing, because whether that is safe depends on the question. Never logs.
 */
import type { Problem } from "../api.ts";
import { err, ok, type Result } from "../result.ts";
import { call, type CallFault, type HttpAnswer } from "./http-call.ts";
import { inert, refused, unavailable, type Refusal } from "./refusal.ts";
import type { TokenSource } from "./workload-token.ts";

export interface BrokerAccess {
  /** Checked by settings.ts: https, or loopback. */
  readonly url: URL;
  /** A fresh proof of who the agent is, or a sentence saying why there is none. */
  readonly workloadToken: TokenSource;
}

export interface Question {
  readonly method: "GET" | "POST";
  /** Below the broker's base path, without a leading slash; may hold a query. */
  readonly path: string;
  readonly idempotencyKey?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** For the whole exchange. */
  readonly timeoutMs: number;
}

export interface Answered {
  /** 200 or 201. */
  readonly status: number;
  /** Parsed and not checked; null where it was no JSON. */
  readonly unverifiedBody: unknown;
}

/** Nothing listens there, so nothing happened. */
export const UNREACHABLE = "broker_unreachable";
/** No answer: the question may have been heard. */
export const SILENT = "broker_silent";

export async function askAsAgent(
  access: BrokerAccess,
  question: Question,
): Promise<Result<Answered, Refusal>> {
  const token = await access.workloadToken();
  if (!token.ok) return err(refused("no_workload_token", token.error));
  return askWith(access.url, token.value, question);
}

/** The same with whatever token the caller has. */
export async function askWith(
  url: URL,
  token: string,
  question: Question,
): Promise<Result<Answered, Refusal>> {
  const { href, host } = url;
  const answer = await call({
    url: new URL(question.path, href.endsWith("/") ? href : `${href}/`),
    method: question.method,
    headers: {
      authorization: `Bearer ${token}`,
      accept: "application/json, application/problem+json",
      ...(question.body === undefined ? {} : { "content-type": "application/json" }),
      ...(question.idempotencyKey === undefined ? {} : { "idempotency-key": question.idempotencyKey }),
    },
    ...(question.body === undefined ? {} : { body: JSON.stringify(question.body) }),
    timeoutMs: question.timeoutMs,
  });
  return answer.ok ? read(answer.value, host) : err(unanswered(answer.error, host));
}

/** What a well-formed answer of another program gets: a proxy's page, another version. */
export function unreadable(access: Pick<BrokerAccess, "url">, wanted: string): Refusal {
  return unavailable(
    "broker_unreadable",
    `The answer from ${access.url.host} is not ${wanted}.`,
    "Check TWOKEY_URL and the broker's version.",
  );
}

export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function unanswered(fault: CallFault, host: string): Refusal {
  if (fault.reason === "connection_refused")
    return unavailable(
      UNREACHABLE,
      `Nothing listens at the broker's address ${host}.`,
      "Check TWOKEY_URL, or start the broker.",
    );
  return unavailable(SILENT, `The broker at ${host} did not answer (${inert(fault.detail)}).`);
}

function read(answer: HttpAnswer, host: string): Result<Answered, Refusal> {
  const { status } = answer;
  if (status >= 300 && status < 400)
    return err(
      refused(
        "broker_redirected",
        `The broker at ${host} answered with a redirect, which is never followed.`,
        "Set TWOKEY_URL to the broker's own address.",
      ),
    );
  const body = parse(answer.body);
  return status === 200 || status === 201
    ? ok({ status, unverifiedBody: body })
    : err(problemOf(status, body, host));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** RFC 9457, or a plain sentence where the answer is something else (a proxy's page). */
function problemOf(status: number, body: unknown, host: string): Refusal {
  const fail = status >= 500 || status === 408 || status === 429 ? unavailable : refused;
  const { code, detail, next, errors } = fieldsOf(body) as Partial<Record<keyof Problem, unknown>>;
  if (typeof code !== "string" || typeof detail !== "string")
    return fail("broker_error", `The broker at ${host} answered ${status} without saying why.`);
  const faults = Array.isArray(errors) ? errors.map(faultOf).filter((fault) => fault !== "") : [];
  const text = [detail, ...faults].join(" ");
  return fail(inert(code).slice(0, 64), inert(text), typeof next === "string" ? inert(next) : null);
}

function faultOf(error: unknown): string {
  const { at, problem } = fieldsOf(error);
  return typeof at === "string" && typeof problem === "string" ? `${at}: ${problem}.` : "";
}
