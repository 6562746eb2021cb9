/** problem.ts's words for what an agent is refused around escalations: what to do next, for an honest one. */
import type { Failure } from "../failure.ts";
import type { FreezeTarget } from "../identity/freeze.ts";
import type { Words } from "./problem-kinds.ts";

export type EscalationFailure = Extract<
  Failure,
  {
    code:
      | "template_is_standing"
      | "owner_not_resolved"
      | "no_approval_rule"
      | "change_set_unreadable"
      | "token_replayed"
      | "escalation_key_conflict"
      | "too_many_pending"
      | "cooling_down"
      | "slow_down"
      | "authorization_pending"
      | "access_denied"
      | "expired_token"
      | "escalation_closed"
      | "grant_used"
      | "grant_mismatch"
      | "policy_changed"
      | "approval_withdrawn"
      | "frozen"
      | "session_frozen";
  }
>;

const ASK_AGAIN = "What people approved cannot be changed: ask for a new escalation.";

const FROZEN: Readonly<Record<FreezeTarget["kind"], string>> = {
  all: "All of Twokey is frozen: nobody is given a session.",
  agent: "This agent is frozen: it is given no session.",
  template: "This template is frozen: nobody is given a session of it.",
  session: "This session is frozen.",
};

/** Longer than a function should be because an exhaustive switch is one table. */
export function escalationWords(failure: EscalationFailure): Words {
  const { code } = failure;
  switch (code) {
    case "template_is_standing":
      return {
        code,
        detail: `${failure.template} is a standing template: nobody has to approve it.`,
        next: "Ask for its session with POST /v1/credentials.",
      };
    case "owner_not_resolved":
      return {
        code,
        detail:
          "people.yaml has no person for this agent's owner, so nobody could be kept from approving for themselves.",
        next: "Have the security team add the owner to people.yaml.",
      };
    case "no_approval_rule":
      return {
        code,
        detail: `approvals.yaml has no rule for ${failure.template} in account ${failure.account}.`,
        next: "Have the security team say in approvals.yaml who decides.",
      };
    case "change_set_unreadable":
      return {
        code,
        detail: `${failure.arn} could not be read, so nobody could see what they would approve: ${failure.reason}`,
        next: "Prepare the change set first, wait until it is AVAILABLE, and name its ARN.",
      };
    case "token_replayed":
      return {
        code,
        detail: "Each workload token asks for one escalation.",
        next: "Ask with a fresh token; with the same Idempotency-Key and body the first answer is given again.",
      };
    case "escalation_key_conflict":
      return {
        code,
        detail: `Escalation ${failure.escalation} came of this Idempotency-Key and another body.`,
        next: "Use a fresh Idempotency-Key for each request.",
      };
    case "too_many_pending":
      return {
        code,
        detail: `An agent may have ${failure.limit} escalations waiting: ${failure.pending.join(", ")}.`,
        next: "Wait for their decision, or cancel one: twokey escalation cancel <id>",
      };
    case "cooling_down":
      return {
        code,
        detail: `People denied this template to this agent. It can be asked for again from ${failure.until.toISOString()}.`,
        next: "Read the denial's reason first: twokey escalation ls",
      };
    case "slow_down":
      return {
        code,
        detail: `Ask every ${failure.interval} seconds, or with wait=30 to hear of the decision at once.`,
        retryAfter: failure.interval,
      };
    case "authorization_pending":
      return {
        code,
        detail: `Escalation ${failure.escalation} waits for its decision.`,
        next: `Wait for it: twokey escalation wait ${failure.escalation}`,
        retryAfter: failure.interval,
      };
    case "access_denied":
      return {
        code,
        detail: `Escalation ${failure.escalation} was denied${failure.reason === null ? "." : `: ${failure.reason}`}`,
        next: "A denial is final. Change the plan, then ask for a new escalation.",
      };
    case "expired_token":
      return { code, detail: `Escalation ${failure.escalation} is over.`, next: "Ask for a new escalation." };
    case "escalation_closed":
      return {
        code,
        detail: `Escalation ${failure.escalation} is ${failure.state} and changes no more that way.`,
        next: "Ask for a new escalation where one is still needed.",
      };
    case "grant_used":
      return {
        code,
        detail: `Escalation ${failure.escalation} was used for its one session${failure.session === null ? "" : `, ${failure.session}`}.`,
        next: ASK_AGAIN,
      };
    case "grant_mismatch":
      return {
        code,
        detail: `${failure.field} is not what escalation ${failure.escalation} was approved for.`,
        next: `Send the escalation's id alone, or ask anew. ${ASK_AGAIN}`,
      };
    case "policy_changed":
      return {
        code,
        detail: `The policy changed since escalation ${failure.escalation} was asked for: ${failure.field} would be another.`,
        next: ASK_AGAIN,
      };
    case "approval_withdrawn":
      return {
        code,
        detail: `Of the approvals of ${failure.escalation}, ${failure.counts} count now; it takes ${failure.quorum}.`,
        next: ASK_AGAIN,
      };
    case "frozen":
      return { code, detail: FROZEN[failure.target.kind], next: "Ask your agent's owner: people thaw it." };
    case "session_frozen":
      return {
        code,
        detail: `Session ${failure.session} was frozen before it was delivered. Nothing was delivered.`,
        next: "Ask the people who decide why.",
      };
  }
}
