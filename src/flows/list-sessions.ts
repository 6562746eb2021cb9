/** An agent's own sessions, newest first: token → agent → sessions. Never another agent's. */
import type { SessionRecord } from "../audit/log.ts";
import type { Failure } from "../failure.ts";
import type { Agent } from "../identity/agent.ts";
import { err, ok, type Result } from "../result.ts";
import { admit, refuse, type Broker, type Call } from "./admit.ts";

export interface SessionPage {
  readonly limit: number;
  /** A session id: the page starts after it. */
  readonly before: string | null;
}

export interface SessionList {
  readonly agent: Agent;
  readonly sessions: readonly SessionRecord[];
  /** The next page's `before`; null at the end. */
  readonly next: string | null;
  /** Digest of the policy set now served: sessions of another were minted under an older one. */
  readonly policyVersion: string;
}

export async function listSessions(
  broker: Broker,
  call: Call,
  readPage: () => Result<SessionPage, Failure>,
): Promise<Result<SessionList, Failure>> {
  const agent = await admit(broker, call);
  if (!agent.ok) return agent;
  const page = readPage();
  if (!page.ok) return err(await refuse(broker, call, agent.value, page.error));
  const { limit, before } = page.value;
  try {
    // One more than asked tells whether there is a next page.
    const found = await broker.audit.sessions({ agent: agent.value.name, limit: limit + 1, before });
    const sessions = found.slice(0, limit);
    const next = found.length > limit ? (sessions.at(-1)?.session.id ?? null) : null;
    return ok({ agent: agent.value, sessions, next, policyVersion: broker.policy.set.digest });
  } catch {
    return err({ code: "record_unavailable", step: "read" });
  }
}
