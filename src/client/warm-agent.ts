/**
 * How `credential-process` finds a running `agent serve`: a 0600 state file naming its endpoint, its token file
 * and what it serves. Holds no secret itself. Must stay cheap to load, and must never hand out the session of
 * other settings than the caller's.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { err, ok, type Result } from "../result.ts";
import { call } from "./http-call.ts";
import { readPrivateFile } from "./private-file.ts";
import { inert } from "./refusal.ts";
import type { GivenSettings, SettingName } from "./settings.ts";

export interface WarmState {
  readonly url: string;
  readonly token_file: string;
  readonly serves: GivenSettings;
}

/** What credential_process prints, by the AWS CLI's definition. */
export interface ProcessCredentials {
  readonly Version: 1;
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly SessionToken: string;
  readonly Expiration: string;
}

/** A sentence where the profile's name could leave the folder. */
export function statePath(
  profile: string,
  env: Readonly<Record<string, string | undefined>>,
): Result<string, string> {
  const given = env["TWOKEY_AGENT_ENDPOINT"];
  if (given !== undefined && given !== "") return ok(given);
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(profile))
    return err("--profile takes letters, digits, dots, dashes and underscores, 64 at most.");
  return ok(join(homedir(), ".twokey", `agent-${profile}.json`));
}

/** The settings that decide what a session may do and whose it is. */
const AUTHORITY: readonly SettingName[] = [
  "url",
  "template",
  "account",
  "parameters",
  "intent",
  "agentKey",
  "workloadTokenFile",
];

/** A session, a refusal that stays, a refusal that may pass: what endpoint.ts says to those with its token. */
const ANSWERED: readonly number[] = [200, 403, 503];

/** Above the slowest first fetch of a session. */
const TIMEOUT_MS = 40_000;

/**
 * Null: there is no warm agent for these settings, ask the broker. A refusal of the warm agent is final: asking
 * the broker again would only be refused again.
 */
export async function askWarmAgent(
  path: string,
  given: GivenSettings,
): Promise<Result<ProcessCredentials, string> | null> {
  const state = parseState(readPrivateFile(path));
  if (state === null) return null;
  if (AUTHORITY.some((name) => given[name] !== undefined && given[name] !== state.serves[name])) return null;
  const token = readPrivateFile(state.token_file);
  if (token === null) return null;
  const answer = await call({
    url: new URL(state.url),
    method: "GET",
    headers: { authorization: token },
    timeoutMs: TIMEOUT_MS,
  });
  // Left behind by a killed process, or its port is now somebody else's.
  if (!answer.ok || !ANSWERED.includes(answer.value.status)) return null;
  return read(answer.value.status, answer.value.body);
}

function parseState(text: string | null): WarmState | null {
  const state = parse(text) as Partial<WarmState>;
  if (typeof state.url !== "string" || typeof state.token_file !== "string") return null;
  // A token is only ever sent to this machine.
  if (!/^http:\/\/127\.0\.0\.1:\d+\/credentials$/.test(state.url)) return null;
  return { url: state.url, token_file: state.token_file, serves: state.serves ?? {} };
}

function read(status: number, text: string): Result<ProcessCredentials, string> | null {
  const body = parse(text);
  if (status !== 200) return typeof body["message"] === "string" ? err(inert(body["message"])) : null;
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = body;
  if (typeof AccessKeyId !== "string" || typeof SecretAccessKey !== "string") return null;
  if (typeof Token !== "string" || typeof Expiration !== "string") return null;
  return ok({ Version: 1, AccessKeyId, SecretAccessKey, SessionToken: Token, Expiration });
}

function parse(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
