/**
 * Asks the broker for a session: one POST /v1/credentials, answered with credentials or a Refusal. Retries only
 * where the connection was refused, each time with a new Idempotency-Key: after anything else a session may
 * exist, and asking again blindly would mint a second. Never logs.
 */
import type { CredentialsAnswer, CredentialsRequest, Problem } from "../api.ts";
import { err, ok, type Result } from "../result.ts";
import { call, type CallFault, type HttpAnswer } from "./http-call.ts";
import { inert, type Refusal } from "./refusal.ts";

/** A session as the broker issued it. Printing, serialising or inspecting it shows no secret. */
export interface IssuedSession {
  readonly accessKeyId: string;
  readonly expiration: Date;
  readonly session: Pick<CredentialsAnswer["session"], "id" | "template" | "account" | "region" | "may">;
  /** The one way out for the secrets. Call it only where they are handed to their owner. */
  readonly reveal: () => { readonly secretAccessKey: string; readonly sessionToken: string };
}

export interface BrokerCall {
  /** Checked by settings.ts: https, or loopback. */
  readonly url: URL;
  readonly request: CredentialsRequest;
  /** A fresh proof of who the agent is, or a sentence saying why there is none. */
  readonly workloadToken: () => Promise<Result<string, string>>;
  readonly newKey: () => string;
  readonly wait: (ms: number) => Promise<void>;
  /** Milliseconds for one attempt; the broker's own deadline for STS is shorter. */
  readonly timeoutMs?: number;
}

const RETRY_AFTER_MS = [250, 1000] as const;
const TIMEOUT_MS = 30_000;

export async function requestSession(ask: BrokerCall): Promise<Result<IssuedSession, Refusal>> {
  let attempt = await once(ask);
  for (const pause of RETRY_AFTER_MS) {
    if (attempt.ok || attempt.error.code !== UNREACHABLE) return attempt;
    await ask.wait(pause);
    attempt = await once(ask);
  }
  return attempt;
}

async function once(ask: BrokerCall): Promise<Result<IssuedSession, Refusal>> {
  const token = await ask.workloadToken();
  if (!token.ok) return err(refused("no_workload_token", token.error));
  const url = new URL("v1/credentials", ask.url.href.endsWith("/") ? ask.url : `${ask.url.href}/`);
  const answer = await call({
    url,
    method: "POST",
    headers: {
      authorization: `Bearer ${token.value}`,
      "content-type": "application/json",
      accept: "application/json, application/problem+json",
      "idempotency-key": ask.newKey(),
    },
    body: JSON.stringify(ask.request),
    timeoutMs: ask.timeoutMs ?? TIMEOUT_MS,
  });
  return answer.ok ? read(answer.value, url.host) : err(unanswered(answer.error, url.host));
}

const refused = (code: string, detail: string, next: string | null = null): Refusal => ({
  kind: "refused",
  code,
  detail,
  next,
});
const unavailable = (code: string, detail: string, next: string | null = null): Refusal => ({
  kind: "unavailable",
  code,
  detail,
  next,
});

const UNREACHABLE = "broker_unreachable";

function unanswered(fault: CallFault, host: string): Refusal {
  if (fault.reason === "connection_refused")
    return unavailable(
      UNREACHABLE,
      `Nothing listens at the broker's address ${host}.`,
      "Check TWOKEY_URL, or start the broker.",
    );
  return unavailable(
    "broker_silent",
    `The broker at ${host} did not answer (${inert(fault.detail)}). It was not asked again, because it may have issued a session.`,
    "Try again; `GET /v1/sessions` shows what was issued.",
  );
}

function read(answer: HttpAnswer, host: string): Result<IssuedSession, Refusal> {
  if (answer.status >= 300 && answer.status < 400)
    return err(
      refused(
        "broker_redirected",
        `The broker at ${host} answered with a redirect, which is never followed.`,
        "Set TWOKEY_URL to the broker's own address.",
      ),
    );
  const body = parse(answer.body);
  if (answer.status !== 200 && answer.status !== 201) return err(problemOf(answer.status, body, host));
  const issued = sessionOf(body);
  if (issued === null)
    return err(
      unavailable(
        "broker_unreadable",
        `The answer from ${host} is not a Twokey session.`,
        "Check TWOKEY_URL and the broker's version.",
      ),
    );
  return ok(issued);
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

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Credentials go into headers, files and environments: printable ASCII or nothing. */
const plain = (value: unknown): value is string => typeof value === "string" && /^[\x21-\x7e]+$/.test(value);

function sessionOf(body: unknown): IssuedSession | null {
  const answer = fieldsOf(body);
  const keys = fieldsOf(answer["credentials"]);
  const { id, template, account, region, may } = fieldsOf(answer["session"]);
  const {
    access_key_id: accessKeyId,
    secret_access_key: secretAccessKey,
    session_token: sessionToken,
  } = keys;
  const expiration = new Date(typeof keys["expiration"] === "string" ? keys["expiration"] : NaN);
  if (!plain(accessKeyId) || !plain(secretAccessKey) || !plain(sessionToken)) return null;
  if (!plain(id) || !plain(template) || !plain(account) || !plain(region) || typeof may !== "string")
    return null;
  if (Number.isNaN(expiration.getTime())) return null;
  return {
    accessKeyId,
    expiration,
    session: { id, template, account, region, may: inert(may) },
    reveal: () => ({ secretAccessKey, sessionToken }),
  };
}
