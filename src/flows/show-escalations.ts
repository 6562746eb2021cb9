/**
 * What an agent sees of its own escalations: token → agent → list, one, or one once it is decided. Another agent's
 * escalation is not there at all (security case 49).
 */
import { escalationCode } from "../escalation/code.ts";
import type { Escalation, SessionContent } from "../escalation/escalation.ts";
import { tooSoon } from "../escalation/poll.ts";
import type { Failure } from "../failure.ts";
import { mayOf } from "../policy/decide-escalation.ts";
import { err, ok, type Result } from "../result.ts";
import { admit, refuse, type AdmittedAgent, type Broker, type Call } from "./admit.ts";
import { approvalsNow, denialOf, humansNow, ownContent, POLL_INTERVAL_SECONDS } from "./use-grant.ts";

/** An agent's own escalation, with what is worked out from it. */
export interface ShownEscalation {
  readonly escalation: Escalation;
  readonly content: SessionContent;
  readonly code: string;
  /** The page where people decide. */
  readonly url: string;
  readonly may: string;
  /** That count as of now. */
  readonly approvals: number;
  readonly denial: string | null;
  /** Seconds. */
  readonly interval: number;
}

export interface EscalationPage {
  readonly limit: number;
  /** An escalation's id: the page starts after it. */
  readonly before: string | null;
}

export interface EscalationList {
  readonly escalations: readonly ShownEscalation[];
  /** The next page's `before`; null at the end. */
  readonly next: string | null;
}

export async function listEscalations(
  broker: Broker,
  call: Call,
  readPage: () => Result<EscalationPage, Failure>,
): Promise<Result<EscalationList, Failure>> {
  const agent = await admit(broker, call);
  if (!agent.ok) return agent;
  const page = readPage();
  if (!page.ok) return err(await refuse(broker, call, agent.value, page.error));
  const { limit, before } = page.value;
  try {
    // One more than asked tells whether there is a next page.
    const query = { agent: agent.value.name, states: null, limit: limit + 1, before };
    const found = await broker.escalations.list(query);
    const escalations = await show(broker, found.slice(0, limit));
    const next = found.length > limit ? (escalations.at(-1)?.escalation.id ?? null) : null;
    return ok({ escalations, next });
  } catch {
    return err({ code: "record_unavailable", step: "read" });
  }
}

export interface EscalationQuestion {
  /** As it stood in the path. */
  readonly id: string;
  /** Seconds to wait for a decision; 0 answers at once. */
  readonly waitSeconds: number;
}

/** With `waitSeconds` the answer comes when it is decided or over, the time is up, or the broker stops. */
export async function getEscalation(
  broker: Broker,
  call: Call,
  readQuestion: () => Result<EscalationQuestion, Failure>,
): Promise<Result<ShownEscalation, Failure>> {
  const admitted = await admit(broker, call);
  if (!admitted.ok) return admitted;
  const agent = admitted.value;
  const question = readQuestion();
  if (!question.ok) return err(await refuse(broker, call, agent, question.error));
  const { id, waitSeconds } = question.value;
  if (
    waitSeconds === 0 &&
    tooSoon(broker.polls, `${agent.name} ${id}`, POLL_INTERVAL_SECONDS, broker.clock())
  ) {
    return err(await refuse(broker, call, agent, { code: "slow_down", interval: POLL_INTERVAL_SECONDS }));
  }
  try {
    const found = await whenDecided(broker, call, agent, question.value);
    if (found === null) return err(await refuse(broker, call, agent, { code: "not_found" }));
    return await showEscalation(broker, found);
  } catch {
    return err({ code: "record_unavailable", step: "read" });
  }
}

/** Null where it is not this agent's. */
async function whenDecided(
  broker: Broker,
  call: Call,
  agent: AdmittedAgent,
  { id, waitSeconds }: EscalationQuestion,
): Promise<Escalation | null> {
  const until = broker.clock().getTime() + waitSeconds * 1000;
  for (;;) {
    const done = new AbortController();
    try {
      const left = until - broker.clock().getTime();
      const signal = AbortSignal.any([call.stopping, done.signal]);
      // Listening begins before the read, so that no change falls between the two.
      const changed = left > 0 ? broker.escalations.changed(left, signal) : null;
      const found = await broker.escalations.find(id);
      if (ownContent(found, agent) === null) return null;
      if (found?.state !== "pending" || changed === null || call.stopping.aborted) return found;
      await changed;
    } finally {
      done.abort();
    }
  }
}

/** One escalation as its agent is answered. */
export async function showEscalation(
  broker: Broker,
  escalation: Escalation,
): Promise<Result<ShownEscalation, Failure>> {
  try {
    const [shown] = await show(broker, [escalation]);
    return shown === undefined ? err({ code: "not_found" }) : ok(shown);
  } catch {
    return err({ code: "record_unavailable", step: "read" });
  }
}

async function show(broker: Broker, escalations: readonly Escalation[]): Promise<readonly ShownEscalation[]> {
  const humans = await humansNow(broker);
  return escalations.flatMap((escalation) => {
    const { content, id, digest } = escalation;
    if (content.kind !== "session") return [];
    return {
      escalation,
      content,
      code: escalationCode(digest),
      url: `${broker.site.origin}/escalations/${id}`,
      may: mayOf(content, broker.policy),
      approvals: approvalsNow(escalation, humans),
      denial: denialOf(escalation),
      interval: POLL_INTERVAL_SECONDS,
    };
  });
}
