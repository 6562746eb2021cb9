/**
 * Asks the broker for a session: one POST /v1/credentials, answered with credentials or a Refusal. Retries only
 * where the connection was refused, each time with a new Idempotency-Key: after anything else a session may
 * exist, and asking again blindly would mint a second. Never logs.
 */
import type { CredentialsAnswer, CredentialsRequest, GrantRequest } from "../api.ts";
import { err, ok, type Result } from "../result.ts";
import {
  askAsAgent,
  fieldsOf,
  SILENT,
  UNREACHABLE,
  unreadable,
  type BrokerAccess,
} from "./authenticated-call.ts";
import { inert, type Refusal } from "./refusal.ts";

/** A session as the broker issued it. Printing, serialising or inspecting it shows no secret. */
export interface IssuedSession {
  readonly accessKeyId: string;
  readonly expiration: Date;
  readonly session: Pick<CredentialsAnswer["session"], "id" | "template" | "account" | "region" | "may">;
  /** The one way out for the secrets. Call it only where they are handed to their owner. */
  readonly reveal: () => { readonly secretAccessKey: string; readonly sessionToken: string };
}

export interface BrokerCall extends BrokerAccess {
  /** A standing session, or what two people approved. */
  readonly request: CredentialsRequest | GrantRequest;
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
  const answer = await askAsAgent(ask, {
    method: "POST",
    path: "v1/credentials",
    idempotencyKey: ask.newKey(),
    body: ask.request,
    timeoutMs: ask.timeoutMs ?? TIMEOUT_MS,
  });
  if (!answer.ok) return err(answer.error.code === SILENT ? mayHaveIssued(answer.error) : answer.error);
  const issued = sessionOf(answer.value.unverifiedBody);
  return issued === null ? err(unreadable(ask, "a Twokey session")) : ok(issued);
}

function mayHaveIssued(refusal: Refusal): Refusal {
  return {
    ...refusal,
    detail: `${refusal.detail} It was not asked again, because it may have issued a session.`,
    next: "Try again; `GET /v1/sessions` shows what was issued.",
  };
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
