/**
 * An agent asks two people for what its standing templates cannot do:
 *
 *   token → agent → request → policy decision → change sets read → content → digest → escalation recorded
 *
 * What people will see is read before they are asked, and is part of the digest. Nothing is minted here.
 */
import type { ChangeSet } from "../escalation/escalation.ts";
import { escalationDigest } from "../escalation/digest.ts";
import { joinKey } from "../escalation/join-key.ts";
import type { EscalationDraft, FatigueLimits, Requested, RequestRefusal } from "../escalation/store.ts";
import type { Failure } from "../failure.ts";
import type { Agent } from "../identity/agent.ts";
import { decideEscalation, sessionContent, type EscalationPlan } from "../policy/decide-escalation.ts";
import type { IssuePlan, SessionWish } from "../policy/decide.ts";
import { canonicalJson } from "../policy/digest.ts";
import { err, type Result } from "../result.ts";
import { base32, tagsBeforeMint } from "../session/name.ts";
import { escalationRequestDigest } from "../session/request-digest.ts";
import { admit, refuse, type AdmittedAgent, type Broker, type Call } from "./admit.ts";
import { showEscalation, type ShownEscalation } from "./show-escalations.ts";

export interface EscalationWish {
  readonly wish: SessionWish;
  /** For the people who decide: 1 to 2,000 characters. */
  readonly reason: string;
  readonly idempotencyKey: string | null;
}

/** What the change sets among the plan's parameters would do; none where it has none. */
export type ReadChangeSets = (
  broker: Broker,
  call: Call,
  agent: Agent,
  plan: IssuePlan,
) => Promise<Result<readonly ChangeSet[], Failure>>;

/**
 * Three, so that an agent that misbehaves cannot fill the queue, and one that works on several things is not stopped.
 * Ten minutes after a denial, so that "no" is not answered by the same question at once.
 */
export const FATIGUE_LIMITS: FatigueLimits = { maxPending: 3, coolDownSeconds: 600 };

const ID_BYTES = 15;

/** `readRequest` is called only once the agent is known, so that nobody else makes the broker read a body. */
export async function requestEscalation(
  broker: Broker,
  call: Call,
  readRequest: () => Promise<Result<EscalationWish, Failure>>,
  readChangeSets: ReadChangeSets,
): Promise<Result<ShownEscalation, Failure>> {
  const admitted = await admit(broker, call);
  if (!admitted.ok) return admitted;
  const agent = admitted.value;
  const refused = async (failure: Failure) => err(await refuse(broker, call, agent, failure));

  const request = await readRequest();
  if (!request.ok) return refused(request.error);
  const decided = decideEscalation(agent, request.value.wish, broker.policy);
  if (!decided.ok) return refused(decided.error);
  const changeSets = await readChangeSets(broker, call, agent, decided.value.plan);
  if (!changeSets.ok) return refused(changeSets.error);

  const asked = { agent, request: request.value, changeSets: changeSets.value };
  const draft = draftOf(broker, call, decided.value, asked);
  const requested = await record(broker, draft);
  if (!requested.ok)
    return requested.error.code === "record_unavailable" ? requested : refused(requested.error);
  return showEscalation(broker, requested.value.escalation);
}

interface Asking {
  readonly agent: AdmittedAgent;
  readonly request: EscalationWish;
  readonly changeSets: readonly ChangeSet[];
}

function draftOf(
  broker: Broker,
  call: Call,
  plan: EscalationPlan,
  { agent, request, changeSets }: Asking,
): EscalationDraft {
  const { wish, reason, idempotencyKey } = request;
  const id = `esc-${base32(broker.randomBytes(ID_BYTES))}`;
  const tags = tagsBeforeMint(id);
  const content = sessionContent(plan, { id, agent, reason, task: wish.task, tags, changeSets });
  const canonical = canonicalJson(content);
  return {
    content,
    canonical,
    digest: escalationDigest(canonical),
    joinKey: joinKey(content, canonicalJson),
    request: {
      requestId: call.requestId,
      tokenId: agent.token.id,
      tokenExpiresAt: agent.token.expiresAt,
      idempotencyKey,
      bodyDigest: escalationRequestDigest(wish, reason),
      limits: FATIGUE_LIMITS,
    },
    policyVersion: broker.policy.set.digest,
  };
}

async function record(broker: Broker, draft: EscalationDraft): Promise<Result<Requested, Failure>> {
  try {
    const requested = await broker.escalations.request(draft);
    return requested.ok ? requested : err(refusalFailure(requested.error));
  } catch {
    return err({ code: "record_unavailable", step: "entry" });
  }
}

function refusalFailure(refusal: RequestRefusal): Failure {
  switch (refusal.reason) {
    case "frozen":
      return { code: "frozen", target: refusal.by };
    case "token_replayed":
      return { code: "token_replayed" };
    case "idempotency_key_used":
      return { code: "escalation_key_conflict", escalation: refusal.escalation };
    case "too_many_pending":
      return { code: "too_many_pending", pending: refusal.pending, limit: FATIGUE_LIMITS.maxPending };
    case "cooling_down":
      return { code: "cooling_down", until: refusal.until };
  }
}
