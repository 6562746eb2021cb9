/**
 * How the agent proves itself to the broker: where its workload token comes from. Must never print, cache or store
 * a token, nor use a key file that others could have read.
 */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { open, readFile } from "node:fs/promises";
import type { JWK } from "jose";
import { err, ok, type Result } from "../result.ts";
import { isLoopback } from "./settings.ts";

/** Private keys on this machine are written by `twokey agent-key create`. `issuer` is the `iss` its tokens carry. */
export interface AgentKeyFile {
  readonly agent: string;
  readonly issuer: string;
  /** Null: the broker's own URL. */
  readonly audience: string | null;
  /** Private Ed25519 JWK; its `kid` is the RFC 7638 thumbprint. */
  readonly key: JWK & { readonly kid: string; readonly x: string };
}

export interface TokenSourceConfig {
  /** An enrolled key's file, or null. */
  readonly agentKey: string | null;
  /** A file that somebody else keeps fresh (a Kubernetes projected token), or null. */
  readonly tokenFile: string | null;
  /** What a token must be made for, where nothing else says: the broker's URL as agents.yaml has it. */
  readonly audience: string;
  /** TWOKEY_TOKEN, TWOKEY_AUDIENCE, and what GitHub Actions sets for a job with `id-token: write`. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A fresh token for one request; `err` is a sentence for the agent's operator that holds no secret. */
export type TokenSource = () => Promise<Result<string, string>>;

const LIFETIME_SECONDS = 60;
const MAX_TOKEN_LENGTH = 16 * 1024;
const GITHUB_TIMEOUT_MS = 10_000;

/** Two explicit sources are a mistake that would pick an identity by accident, so they are refused. */
export function tokenSource({ agentKey, tokenFile, audience, env }: TokenSourceConfig): TokenSource {
  const wanted = nonEmpty(env["TWOKEY_AUDIENCE"]) ?? audience;
  const text = nonEmpty(env["TWOKEY_TOKEN"]);
  const given = new Map<string, TokenSource>();
  if (agentKey !== null) given.set("TWOKEY_AGENT_KEY", () => signedToken(agentKey, wanted));
  if (tokenFile !== null) given.set("TWOKEY_TOKEN_FILE", () => tokenOfFile(tokenFile));
  if (text !== null) given.set("TWOKEY_TOKEN", async () => asToken(text, "TWOKEY_TOKEN"));
  const [source] = given.values();
  if (given.size > 1) {
    return async () =>
      err(`${[...given.keys()].join(" and ")} are both set: keep the one that proves this agent.`);
  }
  if (source !== undefined) return source;
  const url = nonEmpty(env["ACTIONS_ID_TOKEN_REQUEST_URL"]);
  const bearer = nonEmpty(env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]);
  if (url !== null && bearer !== null) return () => githubToken({ url, bearer, audience: wanted });
  return async () =>
    err(
      "Nothing here proves which agent this is. Set TWOKEY_AGENT_KEY (a key made by `twokey agent-key create`), " +
        "TWOKEY_TOKEN_FILE or TWOKEY_TOKEN; in GitHub Actions give the job `permissions: id-token: write`.",
    );
}

const nonEmpty = (text: string | undefined): string | null =>
  text === undefined || text === "" ? null : text;

/** A token goes into a header: visible ASCII in three parts, or it is refused without being shown. */
function asToken(text: string, from: string): Result<string, string> {
  const token = text.trim();
  return token.length <= MAX_TOKEN_LENGTH && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)
    ? ok(token)
    : err(`${from} holds no workload token (a JWT in its compact form).`);
}

async function tokenOfFile(path: string): Promise<Result<string, string>> {
  try {
    return asToken(await readFile(path, "utf8"), path);
  } catch (error) {
    return err(`The workload token file ${path} cannot be read (${codeOf(error)}).`);
  }
}

async function githubToken(job: {
  readonly url: string;
  readonly bearer: string;
  readonly audience: string;
}): Promise<Result<string, string>> {
  const url = URL.canParse(job.url) ? new URL(job.url) : null;
  const safe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  if (url === null || !safe) return err("ACTIONS_ID_TOKEN_REQUEST_URL is not an https URL.");
  url.searchParams.set("audience", job.audience);
  try {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${job.bearer}`, accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(GITHUB_TIMEOUT_MS),
    });
    const answer: unknown = await response.json();
    const token = typeof answer === "object" && answer !== null && "value" in answer ? answer.value : null;
    if (response.ok && typeof token === "string") return asToken(token, "GitHub's answer");
    return err(`GitHub gave the job no ID token (status ${response.status}).`);
  } catch {
    return err("GitHub's token service could not be reached, or its answer could not be read.");
  }
}

async function signedToken(path: string, audience: string): Promise<Result<string, string>> {
  const file = await readAgentKey(path);
  if (!file.ok) return file;
  const { agent, issuer, key } = file.value;
  // jose takes a while to load, and only an enrolled key needs it.
  const { importJWK, SignJWT } = await import("jose");
  const issuedAt = Math.floor(Date.now() / 1000);
  const token = new SignJWT()
    .setProtectedHeader({ alg: "EdDSA", kid: key.kid, typ: "JWT" })
    .setIssuer(issuer)
    .setSubject(agent)
    .setAudience(file.value.audience ?? audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + LIFETIME_SECONDS)
    .setJti(randomUUID());
  try {
    return ok(await token.sign(await importJWK(key, "EdDSA")));
  } catch {
    return err(
      `The agent key ${path} cannot sign: it is damaged. Make a new one with \`twokey agent-key create\`.`,
    );
  }
}

/** Reads a key file that belongs to this user and nobody else may read; `err` says what to do. */
export async function readAgentKey(path: string): Promise<Result<AgentKeyFile, string>> {
  try {
    // Checked on the open file: the one that is read is the one that was judged. A pipe must not hang us.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { mode, uid, size } = await handle.stat();
      const isFile = (mode & constants.S_IFMT) === constants.S_IFREG;
      if (!isFile || size > MAX_TOKEN_LENGTH) return err(`${path} is not an agent key.`);
      if (process.getuid !== undefined && uid !== process.getuid()) {
        return err(`The agent key ${path} belongs to another user; use a key of your own.`);
      }
      if ((mode & 0o077) !== 0) {
        return err(
          `The agent key ${path} can be used by others (mode ${(mode & 0o777).toString(8)}). Run \`chmod 600 ${path}\`, ` +
            "or make a new key if others use this machine.",
        );
      }
      return parseAgentKey(await handle.readFile("utf8"), path);
    } finally {
      await handle.close();
    }
  } catch (error) {
    return err(`The agent key ${path} cannot be read (${codeOf(error)}).`);
  }
}

function parseAgentKey(text: string, path: string): Result<AgentKeyFile, string> {
  let file: Partial<Record<keyof AgentKeyFile, unknown>> | null;
  try {
    file = JSON.parse(text) as typeof file;
  } catch {
    file = null;
  }
  const key = (file?.key ?? {}) as Readonly<Record<string, unknown>>;
  const isEd25519 = key["kty"] === "OKP" && key["crv"] === "Ed25519";
  const texts = [file?.agent, file?.issuer, file?.audience ?? "", key["kid"], key["x"], key["d"]];
  return isEd25519 && texts.every((part) => typeof part === "string")
    ? ok(file as AgentKeyFile)
    : err(`${path} is not an agent key made by \`twokey agent-key create\`.`);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "failed";
}
