/**
 * Puts the agent's side together: proof of identity, broker, cache, loopback endpoint, token file. The first
 * session is fetched before anything listens, so that a refusal is a message and not a half-started agent.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { err, ok, type Result } from "../result.ts";
import { requestSession, type IssuedSession } from "./broker.ts";
import { sessionCache, type CacheEvent } from "./cache.ts";
import { startEndpoint } from "./endpoint.ts";
import { removeIfUnchanged, writePrivateFile } from "./private-file.ts";
import type { Refusal } from "./refusal.ts";
import type { AgentSettings } from "./settings.ts";
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

/** One session straight from the broker, held by nobody. */
export async function fetchSession({
  settings,
  env,
}: Pick<AgentOptions, "settings" | "env">): Promise<Result<IssuedSession, Refusal>> {
  const { url, request, agentKey, workloadTokenFile } = settings;
  return requestSession({
    url,
    request,
    workloadToken: tokenSource({
      agentKey,
      tokenFile: workloadTokenFile,
      // As a policy file writes it; the URL parser added the slash.
      audience: url.href.replace(/\/$/, ""),
      env,
    }),
    newKey: randomUUID,
    wait,
  });
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
  const token = randomBytes(32).toString("base64url");
  const written = writePrivateFile(options.tokenFile, token);
  if (!written.ok) return err(local("token_file", written.error));
  const removeTokenFile = (): void => {
    removeIfUnchanged(options.tokenFile, token);
  };
  try {
    const endpoint = await startEndpoint({ sessions, token, port: options.port });
    const close = async (): Promise<void> => {
      removeTokenFile();
      await endpoint.close();
    };
    return ok({ url: endpoint.url, session: first.value.session, removeTokenFile, close });
  } catch {
    removeTokenFile();
    return err(local("port", `127.0.0.1:${options.port} cannot be listened on.`));
  }
}

function local(code: string, detail: string): Refusal {
  return { kind: "refused", code, detail, next: null };
}
