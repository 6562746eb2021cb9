/**
 * Every refusal Twokey can give, as one tagged union. Knows no HTTP: http/problem.ts maps each code to a status
 * once, exhaustively. Two audiences: `reasonOf` is the exact reason for the audit log; what the caller may read
 * is chosen by http/problem.ts.
 */
import type { EscalationState } from "./escalation/escalation.ts";
import type { FreezeTarget } from "./identity/freeze.ts";
import type { TokenFault } from "./identity/verify.ts";

/** One thing wrong with a request: `at` is a path into the body such as `task.intent`. */
export interface RequestFault {
  readonly at: string;
  readonly problem: string;
}

export type Failure =
  | { readonly code: "invalid_token"; readonly fault: TokenFault }
  | { readonly code: "invalid_request"; readonly faults: readonly RequestFault[] }
  | {
      readonly code: "invalid_parameters";
      readonly template: string;
      readonly faults: readonly RequestFault[];
    }
  | {
      readonly code: "template_not_open";
      readonly template: string;
      readonly open: readonly string[];
      /** Escalation templates open to the agent, which two people may approve. */
      readonly escalate: readonly string[];
    }
  /** The template needs two people's approval first. `command`: the exact words that ask for it. */
  | { readonly code: "escalation_required"; readonly template: string; readonly command: string }
  | {
      readonly code: "intent_exceeds_template";
      readonly template: string;
      readonly intent: string;
      readonly allowed: string;
      /** Templates open to the agent that serve the intent. */
      readonly instead: readonly string[];
      readonly escalate: readonly string[];
    }
  | {
      readonly code: "account_not_open";
      readonly template: string;
      readonly account: string | null;
      readonly open: readonly string[];
    }
  | {
      readonly code: "policy_too_large";
      readonly template: string;
      readonly size: number;
      readonly limit: number;
    }
  /** The template cannot be compiled safely with these parameters. */
  | { readonly code: "policy_refused"; readonly template: string; readonly faults: readonly string[] }
  | { readonly code: "already_issued"; readonly session: string }
  | { readonly code: "idempotency_conflict"; readonly session: string }
  /** Within every limit but STS's packed size, which only STS can tell; in the split form too, where there is one. */
  | { readonly code: "packed_policy_too_large"; readonly template: string }
  | {
      readonly code: "sts_refused";
      readonly stsCode: string;
      readonly message: string;
      /** Managed policies the session refers to, which STS refuses when they are not published. */
      readonly policyArns: readonly string[];
    }
  | { readonly code: "sts_throttled"; readonly stsCode: string; readonly message: string }
  | { readonly code: "sts_unknown"; readonly stsCode: string; readonly message: string }
  /** The record could not be written (or read): whatever STS issued was withheld. */
  | { readonly code: "record_unavailable"; readonly step: "intent" | "outcome" | "entry" | "read" }
  /** An escalation is asked for a standing template. */
  | { readonly code: "template_is_standing"; readonly template: string }
  /** The agent's owner is no single person of people.yaml: nobody would be excluded, so nothing is approved. */
  | { readonly code: "owner_not_resolved"; readonly owner: string }
  | { readonly code: "no_approval_rule"; readonly template: string; readonly account: string }
  /** What would be executed could not be shown to the people who decide. */
  | { readonly code: "change_set_unreadable"; readonly arn: string; readonly reason: string }
  /** This workload token asked for an escalation before (security case 10). */
  | { readonly code: "token_replayed" }
  | { readonly code: "escalation_key_conflict"; readonly escalation: string }
  | { readonly code: "too_many_pending"; readonly pending: readonly string[]; readonly limit: number }
  | { readonly code: "cooling_down"; readonly until: Date }
  | { readonly code: "slow_down"; readonly interval: number }
  /** Not decided yet. */
  | { readonly code: "authorization_pending"; readonly escalation: string; readonly interval: number }
  | { readonly code: "access_denied"; readonly escalation: string; readonly reason: string | null }
  | { readonly code: "expired_token"; readonly escalation: string }
  | { readonly code: "escalation_closed"; readonly escalation: string; readonly state: EscalationState }
  /** The grant was used for its one session. */
  | { readonly code: "grant_used"; readonly escalation: string; readonly session: string | null }
  | { readonly code: "grant_mismatch"; readonly escalation: string; readonly field: string }
  /** What would be minted now is not what was approved, to the byte. */
  | { readonly code: "policy_changed"; readonly escalation: string; readonly field: string }
  /** An approval no longer counts, and the rest are too few. */
  | {
      readonly code: "approval_withdrawn";
      readonly escalation: string;
      readonly counts: number;
      readonly quorum: number;
    }
  /** The agent, its template or everything is frozen: nothing is minted. */
  | { readonly code: "frozen"; readonly target: FreezeTarget }
  /** STS issued, and the session was frozen meanwhile: nothing was delivered. */
  | { readonly code: "session_frozen"; readonly session: string }
  /** Neither the operators' token, nor another that is let in here. */
  | { readonly code: "operator_refused" }
  /** Not Watch's token. */
  | { readonly code: "watch_refused" }
  /** Nothing of that name is frozen. */
  | { readonly code: "not_frozen"; readonly target: FreezeTarget }
  /** What is to be frozen is not there, or is over. */
  | { readonly code: "nothing_to_freeze"; readonly target: FreezeTarget }
  | { readonly code: "second_key_needed" }
  | { readonly code: "sign_in_required"; readonly reason: string }
  | { readonly code: "sign_in_refused"; readonly reason: string }
  /** The account that signed in is no single person of people.yaml. */
  | { readonly code: "not_a_person"; readonly issuer: string; readonly subject: string }
  | { readonly code: "not_an_approver"; readonly groups: readonly string[] }
  | { readonly code: "not_an_administrator" }
  | { readonly code: "owner_cannot_approve" }
  /** Another site, a link, or a form that is not ours. */
  | { readonly code: "cross_site"; readonly reason: string }
  | { readonly code: "passkey_refused"; readonly reason: string }
  | { readonly code: "passkey_too_new"; readonly countsFrom: Date }
  | { readonly code: "already_decided"; readonly escalation: string }
  | { readonly code: "invitation_refused" }
  | { readonly code: "bootstrap_refused" }
  | { readonly code: "not_found" }
  | { readonly code: "body_too_large"; readonly limit: number }
  | { readonly code: "unsupported_media_type" }
  | { readonly code: "shutting_down" };

export type FailureCode = Failure["code"];

/** The exact reason, for the audit log and nobody else. Holds no secret. */
export function reasonOf(failure: Failure): string {
  const { code, ...facts } = failure;
  return Object.keys(facts).length === 0 ? code : `${code}: ${JSON.stringify(facts)}`;
}
