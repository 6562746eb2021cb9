/**
 * Puts the agent's side together: proof of identity, broker, cache, loopback endpoint, token file. The first
 * session is fetched before anything listens, so that a refusal is a message and not a half-started agent.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { err, ok, type Result } from "../result.ts";
import type { BrokerAccess } from "./authenticated-call.ts";
import { requestSession, type IssuedSession } from "./broker.ts";
import { sessionCache, type CacheEvent, type SessionCache } from "./cache.ts";
import { startEndpoint } from "./endpoint.ts";
import { removeIfUnchanged, writePrivateFile } from "./private-file.ts";
import { refused, type Refusal } from "./refusal.ts";
import type { AccessSettings, AgentSettings } from "./settings.ts";
import { singleSession } from "./single-session.ts";
import { tokenSource } from "./workload-token.ts";

export interface AgentOptions {
  readonly settings: AgentSettings;
  /** Where the workload token's source is found; see workload-token.ts. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where the endpoint's token is written: 0600, no trailing newline. */
  readonly tokenFile: string;
  readonly now: () => Date;
  readonly onEvent: (event: CacheEvent) => void;
}

export interface RunningAgent {
  /** For AWS_CONTAINER_CREDENTIALS_FULL_URI. */
  readonly url: string;
  /** The first session. */
  readonly session: IssuedSession["session"];
  /** Synchronous, for a process about to exit. */
  readonly removeTokenFile: () => void;
  /** Stops listening and removes the token file. */
  readonly close: () => Promise<void>;
}

/** The broker, and how this agent proves itself to it. */
export function brokerAccess(
  { url, agentKey, workloadTokenFile }: AccessSettings,
  env: AgentOptions["env"],
): BrokerAccess {
  return {
    url,
    workloadToken: tokenSource({
      agentKey,
      tokenFile: workloadTokenFile,
      // As a policy file writes it; the URL parser added the slash.
      audience: url.href.replace(/\/$/, ""),
      env,
    }),
  };
}

/** One session straight from the broker, held by nobody. */
export async function fetchSession({
  settings,
  env,
}: Pick<AgentOptions, "settings" | "env">): Promise<Result<IssuedSession, Refusal>> {
  return requestSession({
    ...brokerAccess(settings, env),
    request: settings.request,
    newKey: randomUUID,
    wait,
  });
}

/** The session of a grant. There is one: asked again after a lost answer, the broker says that it was used. */
export async function collectSession(
  access: BrokerAccess,
  escalation: string,
): Promise<Result<IssuedSession, Refusal>> {
  return requestSession({ ...access, request: { escalation }, newKey: randomUUID, wait });
}

export async function startAgent(options: AgentOptions): Promise<Result<RunningAgent, Refusal>> {
  let started = false;
  const sessions = sessionCache({
    fetch: () => fetchSession(options),
    now: options.now,
    onEvent: (event) => {
      // A failure before the start is this function's answer, and is not told twice.
      if (started || event.kind === "fetched") options.onEvent(event);
    },
  });
  const first = await sessions.get();
  if (!first.ok) return first;
  started = true;
  return serveSessions(sessions, first.value.session, options);
}

/** Serves the one session of a grant until it ends. `onOver`: told once, when somebody wants more of it. */
export async function serveGrant(
  issued: IssuedSession,
  options: Pick<AgentOptions, "port" | "tokenFile" | "now"> & { readonly onOver: (refusal: Refusal) => void },
): Promise<Result<RunningAgent, Refusal>> {
  const sessions = singleSession(issued, options.now, options.onOver);
  return serveSessions(sessions, issued.session, options);
}

async function serveSessions(
  sessions: SessionCache,
  session: IssuedSession["session"],
  options: Pick<AgentOptions, "port" | "tokenFile">,
): Promise<Result<RunningAgent, Refusal>> {
  const token = randomBytes(32).toString("base64url");
  const written = writePrivateFile(options.tokenFile, token);
  if (!written.ok) return err(refused("token_file", written.error));
  const removeTokenFile = (): void => {
    removeIfUnchanged(options.tokenFile, token);
  };
  try {
    const endpoint = await startEndpoint({ sessions, token, port: options.port });
    const close = async (): Promise<void> => {
      removeTokenFile();
      await endpoint.close();
    };
    return ok({ url: endpoint.url, session, removeTokenFile, close });
  } catch {
    removeTokenFile();
    return err(refused("port", `127.0.0.1:${options.port} cannot be listened on.`));
  }
}
