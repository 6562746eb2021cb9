/**
 * The kill switch as an operator's tool asks for it: freeze, and see what is frozen, by the operators' token from its
 * file. There is nothing here that thaws: that takes a person's passkey. Must never print the token, nor send one that
 * others on this machine may read.
 */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { FreezeAnswer, FreezeRequest, FreezesAnswer } from "../api.ts";
import { err, ok, type Result } from "../result.ts";
import { askWith, fieldsOf, unreadable, type Answered } from "./authenticated-call.ts";
import type { Refusal } from "./refusal.ts";
import { brokerUrl } from "./settings.ts";

export interface OperatorAccess {
  readonly url: URL;
  /** One of the broker's operators. Secret. */
  readonly token: string;
}

/** Where a broker with an embedded store makes it, seen from the folder it was started in. */
export const TOKEN_FILE = "./.twokey/data/operator-token";

/** The broker waits a few seconds for AWS before it answers. */
const FREEZE_TIMEOUT_MS = 60_000;
const LOOK_TIMEOUT_MS = 15_000;

export interface GivenAccess {
  readonly broker: string | undefined;
  readonly tokenFile: string | undefined;
}

/** Flags win over the environment. `err`: every fault, a sentence each. */
export function operatorAccess(
  given: GivenAccess,
  env: Readonly<Record<string, string | undefined>>,
): Result<OperatorAccess, readonly string[]> {
  const from = (flag: string | undefined, variable: string | undefined): string | undefined =>
    [flag, variable].map((text) => text?.trim()).find((text) => text !== undefined && text !== "");
  const url = brokerUrl(from(given.broker, env["TWOKEY_URL"]), "--broker (or TWOKEY_URL)");
  const token = readToken(resolve(from(given.tokenFile, env["TWOKEY_OPERATOR_TOKEN_FILE"]) ?? TOKEN_FILE));
  if (url.ok && token.ok) return ok({ url: url.value, token: token.value });
  return err([url, token].flatMap((read) => (read.ok ? [] : [read.error])));
}

function readToken(file: string): Result<string, string> {
  try {
    // On other systems than these the mode says nothing.
    const open = process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0;
    if (open) return err(`${file}: others may read it; allow its owner alone (chmod 600).`);
    const token = readFileSync(file, "utf8").trim();
    return /^[\x21-\x7e]+$/.test(token) ? ok(token) : err(`${file} holds no operators' token.`);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    return err(
      `${file} cannot be read (${code}): name the operators' token with --token-file (or TWOKEY_OPERATOR_TOKEN_FILE).`,
    );
  }
}

/** Asked once: whoever asks again is answered with the freeze that is there. */
export async function freeze(
  { url, token }: OperatorAccess,
  request: FreezeRequest,
): Promise<Result<FreezeAnswer, Refusal>> {
  const question = {
    method: "POST",
    path: "v1/freezes",
    body: request,
    timeoutMs: FREEZE_TIMEOUT_MS,
  } as const;
  return read(url, await askWith(url, token, question), (body) => {
    const { freeze: made, sessions } = body;
    return isView(made) && Array.isArray(sessions) && isList(body, "roles", isRole);
  });
}

export async function listFreezes({ url, token }: OperatorAccess): Promise<Result<FreezesAnswer, Refusal>> {
  const question = { method: "GET", path: "v1/freezes", timeoutMs: LOOK_TIMEOUT_MS } as const;
  return read(
    url,
    await askWith(url, token, question),
    (body) => isList(body, "freezes", isView) && isList(body, "roles", isRole),
  );
}

type Check = (value: Record<string, unknown>) => boolean;

/** Checked for what is printed of it. */
function read<T>(url: URL, answer: Result<Answered, Refusal>, check: Check): Result<T, Refusal> {
  if (!answer.ok) return answer;
  const body = fieldsOf(answer.value.unverifiedBody);
  return check(body) && typeof body["url"] === "string"
    ? ok(body as T)
    : err(unreadable({ url }, "Twokey's word on what is frozen"));
}

const isList = (body: Record<string, unknown>, name: string, check: (value: unknown) => boolean): boolean =>
  Array.isArray(body[name]) && body[name].every(check);

const text = (value: unknown): boolean => typeof value === "string";
const textOrNull = (value: unknown): boolean => value === null || text(value);

function isView(value: unknown): boolean {
  const { kind, name, reason, frozen_at, by, person, first_key } = fieldsOf(value);
  return [kind, reason, frozen_at, by].every(text) && [name, person, first_key].every(textOrNull);
}

function isRole(value: unknown): boolean {
  const { role_arn, state, since, form, message } = fieldsOf(value);
  return [role_arn, state].every(text) && [since, form, message].every(textOrNull);
}
