/**
 * Whether a grant may be used for what an agent asks, and the session it is for: escalation → its state → the fields
 * that were given → the policy served now → the approvals that count now. All of it is held against the escalation
 * again inside the transaction that consumes the grant.
 */
import type { Escalation, EscalationFault, SessionContent } from "../escalation/escalation.ts";
import { approvers } from "../escalation/eligibility.ts";
import type { Failure } from "../failure.ts";
import type { Agent } from "../identity/agent.ts";
import type { Person } from "../identity/registry.ts";
import type { Task } from "../identity/task.ts";
import { mismatch, replan, type GrantWish } from "../policy/decide-escalation.ts";
import type { IssuePlan } from "../policy/decide.ts";
import { err, ok, type Result } from "../result.ts";
import { tagsBeforeMint } from "../session/name.ts";
import type { Broker } from "./admit.ts";
import { peopleNow } from "./admit-person.ts";
import type { Grant } from "./issue-credentials.ts";

/** Seconds between two questions of an agent that does not use `wait`. */
export const POLL_INTERVAL_SECONDS = 5;

export interface PlannedGrant {
  readonly plan: IssuePlan;
  readonly task: Task;
  readonly grant: Grant;
}

export async function planGrant(
  broker: Broker,
  agent: Agent,
  wish: GrantWish,
): Promise<Result<PlannedGrant, Failure>> {
  const read = await readGrant(broker, wish.escalation);
  if (!read.ok) return read;
  const { escalation, humans } = read.value;
  const own = ownContent(escalation, agent);
  if (escalation === null || own === null) return err({ code: "not_found" });

  const usable = usableNow(escalation);
  if (!usable.ok) return usable;
  const field = mismatch(own, wish);
  if (field !== null) return err({ code: "grant_mismatch", escalation: escalation.id, field });
  const approved = { content: own, canonical: escalation.canonical };
  const plan = replan(approved, agent, tagsBeforeMint(escalation.id), broker.policy);
  if (!plan.ok) return plan;
  const check = (locked: Escalation): Result<null, Failure> => {
    // The content is never edited; should the record say otherwise, nothing is minted from it.
    if (locked.canonical !== escalation.canonical) return err({ code: "not_found" });
    return stillApproved(locked, humans);
  };
  const checked = check(escalation);
  return checked.ok
    ? ok({ plan: plan.value, task: own.task, grant: { escalation: own.id, check } })
    : checked;
}

interface ReadGrant {
  readonly escalation: Escalation | null;
  readonly humans: HumansNow;
}

async function readGrant(broker: Broker, id: string): Promise<Result<ReadGrant, Failure>> {
  try {
    const [escalation, humans] = await Promise.all([broker.escalations.find(id), humansNow(broker)]);
    return ok({ escalation, humans });
  } catch {
    return err({ code: "record_unavailable", step: "read" });
  }
}

/** What an approval is counted by. */
export interface HumansNow {
  /** With the groups they have now. */
  readonly people: readonly Person[];
  /** Credential ids. */
  readonly removedKeys: ReadonlySet<string>;
}

interface CountsBy {
  readonly policy: Broker["policy"];
  readonly humans: Pick<Broker["humans"], "memberships" | "passkeys">;
}

export async function humansNow(broker: CountsBy): Promise<HumansNow> {
  const [people, passkeys] = await Promise.all([peopleNow(broker), broker.humans.passkeys({ person: null })]);
  const removed = passkeys.filter(({ removedAt }) => removedAt !== null);
  return {
    people,
    removedKeys: new Set(removed.map(({ credentialId }) => credentialId)),
  };
}

/** How many approvals count as of now: different people, still eligible, by keys that were not removed since. */
export function approvalsNow({ content, decisions }: Escalation, { people, removedKeys }: HumansNow): number {
  const standing = decisions.filter(({ evidence }) => !removedKeys.has(evidence.credentialId));
  return approvers({ content, decisions: standing }, people).length;
}

/** Its content where it is this agent's own request for a session; another agent's is not there (security case 49). */
export function ownContent(escalation: Escalation | null, agent: Pick<Agent, "name">): SessionContent | null {
  if (escalation === null || escalation.content.kind !== "session") return null;
  return escalation.content.agent === agent.name ? escalation.content : null;
}

/** Whoever approved may have lost the role since (security case 32). */
function stillApproved(escalation: Escalation, humans: HumansNow): Result<null, Failure> {
  const counts = approvalsNow(escalation, humans);
  const { quorum } = escalation.content.rule;
  if (counts >= quorum) return ok(null);
  return err({ code: "approval_withdrawn", escalation: escalation.id, counts, quorum });
}

function usableNow(escalation: Escalation): Result<null, Failure> {
  return escalation.state === "approved" ? ok(null) : err(stateFailure(escalation));
}

/** Why there is no grant to use. */
function stateFailure(escalation: Escalation): Failure {
  const { id, state, session } = escalation;
  switch (state) {
    case "pending":
      return { code: "authorization_pending", escalation: id, interval: POLL_INTERVAL_SECONDS };
    case "denied":
      return { code: "access_denied", escalation: id, reason: denialOf(escalation) };
    case "expired":
      return { code: "expired_token", escalation: id };
    case "consumed":
      return { code: "grant_used", escalation: id, session };
    case "cancelled":
    case "approved":
      return { code: "escalation_closed", escalation: id, state };
  }
}

/** What the state machine says to a mint that others were faster than. */
export function machineFailure(escalation: Escalation, fault: EscalationFault): Failure {
  return fault.reason === "expired"
    ? { code: "expired_token", escalation: escalation.id }
    : stateFailure(escalation);
}

/** The words of whoever denied it, or null. */
export const denialOf = ({ decisions }: Pick<Escalation, "decisions">): string | null =>
  decisions.find(({ verdict }) => verdict === "deny")?.reason ?? null;
