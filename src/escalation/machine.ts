/**
 * The state machine of an escalation: what an event makes of it at a time. Pure and total: every event in every state
 * has one answer, and whatever is not listed changes nothing. Must never decide who may decide: that is
 * eligibility.ts, asked before an event is made.
 *
 *   pending  → pending | approved | denied | expired | cancelled
 *   approved → consumed | denied | expired | cancelled
 *   consumed → consumed (denied afterwards: frozen) | approved | denied | expired (STS certainly issued nothing)
 *   denied, expired and cancelled are final
 */
import type { PersonId } from "../identity/agent.ts";
import { err, ok, type Result } from "../result.ts";
import type {
  Decision,
  Escalation,
  EscalationEvent,
  EscalationFault,
  EscalationState,
} from "./escalation.ts";

export interface Applied {
  readonly escalation: Escalation;
  /** A denial came after the mint: its session must end. */
  readonly freeze: boolean;
}

type Answer = Result<Applied, EscalationFault>;
type DecidedEvent = Extract<EscalationEvent, { kind: "decided" }>;

/** `now`: the database's clock, read under the lock that the new state is written under. */
export function apply(escalation: Escalation, event: EscalationEvent, now: Date): Answer {
  switch (escalation.state) {
    case "pending":
    case "approved": {
      const over = stateAt(escalation, now) === "expired";
      if (event.kind === "expired") return over ? to(escalation, "expired") : err({ reason: "not_expired" });
      if (over) return err({ reason: "expired" });
      return escalation.state === "pending"
        ? whilePending(escalation, event, now)
        : whileApproved(escalation, event, now);
    }
    case "consumed":
      return whileConsumed(escalation, event, now);
    case "denied":
    case "expired":
    case "cancelled":
      return closed(escalation);
  }
}

/** What the state is at a time, whether or not anybody has written down that the wait or the grant is over. */
export function stateAt(
  { state, expiresAt, usableUntil }: Pick<Escalation, "state" | "expiresAt" | "usableUntil">,
  now: Date,
): EscalationState {
  if (state === "pending") return now >= expiresAt ? "expired" : state;
  // A grant without an end would be good for ever: it is none.
  if (state === "approved") return usableUntil === null || now >= usableUntil ? "expired" : state;
  return state;
}

function whilePending(
  escalation: Escalation,
  event: Exclude<EscalationEvent, { kind: "expired" }>,
  now: Date,
): Answer {
  switch (event.kind) {
    case "decided":
      if (event.decision.verdict === "deny") return denied(escalation, event, now);
      return hasDecided(escalation, event)
        ? err({ reason: "already_decided" })
        : approve(escalation, event, now);
    case "cancelled":
      return to(escalation, "cancelled");
    case "consumed":
      return err({ reason: "not_approved" });
    case "returned":
      return err({ reason: "not_this_session" });
  }
}

function whileApproved(
  escalation: Escalation,
  event: Exclude<EscalationEvent, { kind: "expired" }>,
  now: Date,
): Answer {
  switch (event.kind) {
    case "decided":
      return event.decision.verdict === "deny" ? denied(escalation, event, now) : closed(escalation);
    case "cancelled":
      return to(escalation, "cancelled");
    case "consumed":
      return to(escalation, "consumed", { session: event.session });
    case "returned":
      return err({ reason: "not_this_session" });
  }
}

function whileConsumed(escalation: Escalation, event: EscalationEvent, now: Date): Answer {
  // A policy set that is in force is changed by the next one: no session could be ended.
  const ends = escalation.content.kind === "session";
  if (ends && event.kind === "decided" && event.decision.verdict === "deny") {
    if (hasDenied(escalation, event.decision.person)) return err({ reason: "already_decided" });
    return ok({ escalation: withDecision(escalation, event, now), freeze: true });
  }
  if (event.kind !== "returned") return closed(escalation);
  if (event.session !== escalation.session) return err({ reason: "not_this_session" });
  const returned = { ...escalation, state: "approved", session: null } as const;
  // A denial that came while STS was asked is final: what comes back is no grant.
  const denial = escalation.decisions.some(({ verdict }) => verdict === "deny");
  return to(returned, denial ? "denied" : stateAt(returned, now));
}

function approve(escalation: Escalation, event: DecidedEvent, now: Date): Answer {
  const { quorum, usableSeconds } = escalation.content.rule;
  const decided = withDecision(escalation, event, now);
  const approvals = decided.decisions.filter(({ verdict }) => verdict === "approve");
  // People, not decisions: nobody is counted twice, and nobody who does not count now.
  const people = new Set(approvals.map(({ person }) => person).filter((id) => event.counting.includes(id)));
  return people.size < quorum
    ? ok({ escalation: decided, freeze: false })
    : to(decided, "approved", { usableUntil: new Date(now.getTime() + usableSeconds * 1000) });
}

function denied(escalation: Escalation, event: DecidedEvent, now: Date): Answer {
  return to(withDecision(escalation, event, now), "denied");
}

function withDecision(escalation: Escalation, event: DecidedEvent, now: Date): Escalation {
  const decision: Decision = { ...event.decision, at: now };
  return { ...escalation, decisions: [...escalation.decisions, decision] };
}

const hasDecided = (escalation: Escalation, event: DecidedEvent): boolean =>
  escalation.decisions.some(({ person }) => person === event.decision.person);

const hasDenied = (escalation: Escalation, denier: PersonId): boolean =>
  escalation.decisions.some(({ person, verdict }) => person === denier && verdict === "deny");

function to(
  escalation: Escalation,
  state: EscalationState,
  facts: Partial<Pick<Escalation, "session" | "usableUntil">> = {},
): Answer {
  return ok({ escalation: { ...escalation, ...facts, state }, freeze: false });
}

const closed = ({ state }: Escalation): Answer => err({ reason: "closed", state });
