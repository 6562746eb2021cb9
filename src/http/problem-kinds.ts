/** Every `code` a problem can carry, with its status and title. Programs branch on the code; the docs page lists them. */
import type { RequestFault } from "../failure.ts";

interface ProblemKind {
  readonly status: number;
  readonly title: string;
}

export const PROBLEMS = {
  invalid_token: { status: 401, title: "The workload token was not accepted" },
  agent_not_registered: { status: 403, title: "No registered agent has this identity" },
  keys_unavailable: { status: 503, title: "The token issuer's keys cannot be had just now" },
  invalid_request: { status: 400, title: "The request is not well-formed" },
  invalid_parameters: { status: 400, title: "The template does not take these parameters" },
  template_not_open: { status: 403, title: "This template is not open to this agent" },
  escalation_required: { status: 403, title: "This template takes two keys" },
  intent_exceeds_template: { status: 403, title: "The template does not serve this intent" },
  account_not_open: { status: 403, title: "The template is not open in this account" },
  policy_too_large: { status: 422, title: "The session policy would not fit" },
  packed_policy_too_large: { status: 422, title: "The session policy and tags do not fit STS's packed size" },
  policy_refused: { status: 422, title: "No safe session policy can be made from this request" },
  already_issued: { status: 409, title: "This request was already answered" },
  idempotency_conflict: { status: 409, title: "This Idempotency-Key belongs to another request" },
  sts_refused: { status: 502, title: "STS refused the session" },
  sts_throttled: { status: 503, title: "STS is throttling" },
  sts_unknown: { status: 504, title: "STS gave no clear answer" },
  record_unavailable: { status: 503, title: "The record cannot be kept just now" },
  template_is_standing: { status: 422, title: "This template needs no approval" },
  owner_not_resolved: { status: 403, title: "The agent's owner is not a known person" },
  no_approval_rule: { status: 403, title: "Nobody may approve this template here" },
  change_set_unreadable: { status: 422, title: "The change set cannot be shown to the people who decide" },
  token_replayed: { status: 409, title: "This workload token asked for an escalation before" },
  escalation_key_conflict: { status: 409, title: "This Idempotency-Key belongs to another request" },
  too_many_pending: { status: 429, title: "Too many escalations of this agent are waiting" },
  cooling_down: { status: 429, title: "This was denied a short while ago" },
  slow_down: { status: 429, title: "Ask less often" },
  authorization_pending: { status: 409, title: "Not decided yet" },
  access_denied: { status: 403, title: "The escalation was denied" },
  expired_token: { status: 410, title: "The escalation's time is over" },
  escalation_closed: { status: 409, title: "The escalation is closed" },
  grant_used: { status: 409, title: "The grant was used" },
  grant_mismatch: { status: 409, title: "This is not what was approved" },
  policy_changed: { status: 409, title: "The policy is no longer what was approved" },
  approval_withdrawn: { status: 409, title: "Too few of the approvals still count" },
  frozen: { status: 403, title: "Frozen" },
  operator_refused: { status: 401, title: "The operators' token was not accepted" },
  watch_refused: { status: 401, title: "Watch's token was not accepted" },
  not_frozen: { status: 409, title: "That is not frozen" },
  nothing_to_freeze: { status: 404, title: "There is nothing like that to freeze" },
  second_key_needed: { status: 409, title: "It takes another administrator's key" },
  session_frozen: { status: 403, title: "The session was frozen" },
  sign_in_required: { status: 401, title: "Sign in first" },
  sign_in_refused: { status: 403, title: "The sign-in was refused" },
  not_a_person: { status: 403, title: "This account is no single known person's" },
  not_an_approver: { status: 403, title: "You may not decide this" },
  not_an_administrator: { status: 403, title: "This is for administrators" },
  owner_cannot_approve: { status: 403, title: "An owner does not approve for their own agent" },
  cross_site: { status: 403, title: "This request did not come from Twokey's own pages" },
  passkey_refused: { status: 403, title: "The passkey was not accepted" },
  passkey_too_new: { status: 403, title: "This passkey may not decide yet" },
  already_decided: { status: 409, title: "You decided this already" },
  invitation_refused: { status: 403, title: "The invitation is not valid" },
  bootstrap_refused: { status: 403, title: "The bootstrap token is not valid" },
  not_found: { status: 404, title: "Not found" },
  body_too_large: { status: 413, title: "The body is too large" },
  unsupported_media_type: { status: 415, title: "The body must be application/json" },
  shutting_down: { status: 503, title: "This broker is stopping" },
  internal_error: { status: 500, title: "The broker failed" },
} as const satisfies Readonly<Record<string, ProblemKind>>;

export type ProblemCode = keyof typeof PROBLEMS;

/** What a refusal's reader is told. */
export interface Words {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly next?: string;
  /** Seconds, where trying again is safe and may help. */
  readonly retryAfter?: number;
  readonly errors?: readonly RequestFault[];
}
