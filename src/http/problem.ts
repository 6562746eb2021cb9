/**
 * What the outside hears of a refusal: every Failure mapped once, exhaustively, to RFC 9457 problem details. The
 * exact reason stays in the audit log; a token's fault is never told. Longer than a function should be because an
 * exhaustive switch is one table.
 */
import type { Problem } from "../api.ts";
import type { Failure } from "../failure.ts";
import { escalationWords } from "./escalation-words.ts";
import { humanWords } from "./human-words.ts";
import { PROBLEMS, type ProblemCode, type Words } from "./problem-kinds.ts";

/** `retryAfter`: seconds, where trying again is safe and may help. */
export interface ProblemReply {
  readonly problem: Problem;
  readonly retryAfter: number | null;
}

export function toProblem(failure: Failure, requestId: string): ProblemReply {
  return problemOf(wordsFor(failure), requestId);
}

/** For a throw: a bug or lost infrastructure. Says nothing about which. */
export function internalError(requestId: string): ProblemReply {
  return problemOf(
    { code: "internal_error", detail: "Nothing was delivered. Give an operator the request_id." },
    requestId,
  );
}

const RETRY_AFTER: Partial<Record<ProblemCode, number>> = {
  keys_unavailable: 5,
  sts_throttled: 5,
  record_unavailable: 5,
  shutting_down: 1,
};

function problemOf(words: Words, requestId: string): ProblemReply {
  const { code, retryAfter, ...rest } = words;
  const { status, title } = PROBLEMS[code];
  const type = `/docs/problems#${code}`;
  return {
    problem: { type, title, status, code, ...rest, request_id: requestId },
    retryAfter: retryAfter ?? RETRY_AFTER[code] ?? null,
  };
}

const list = (names: readonly string[]): string => (names.length === 0 ? "none" : names.join(", "));

/** Templates that take two keys, and how to ask for the first of them. */
const askPeople = (templates: readonly string[]): string =>
  `${templates.join(", ")}: twokey escalation request ${templates[0] ?? ""} --help`;

const ASK_OPERATOR = "Give an operator of Twokey the request_id; the audit log has the exact reason.";
const NOT_PUBLISHED =
  "This session is limited by published managed policies; `twokey policy publish` makes those that are missing.";
const NEW_KEY = "If the credentials were lost, ask again with a new Idempotency-Key.";

function wordsFor(failure: Failure): Words {
  switch (failure.code) {
    case "invalid_token":
      return tokenWords(failure.fault.reason);
    case "invalid_request":
      return {
        code: failure.code,
        detail: "Some fields are missing, unknown or malformed; see errors.",
        errors: failure.faults,
      };
    case "invalid_parameters":
      return {
        code: failure.code,
        detail: `Template ${failure.template} does not take these parameters; see errors.`,
        next: "GET /v1/templates shows the parameters each template takes.",
        errors: failure.faults,
      };
    case "template_not_open":
      return {
        code: failure.code,
        detail: `Open to this agent: ${list(failure.open)}.`,
        next:
          failure.escalate.length > 0
            ? `Ask for one that is open; two people can approve ${askPeople(failure.escalate)}.`
            : "Ask for one of the templates that are open, or have the security team open another in agents.yaml.",
      };
    case "escalation_required":
      return {
        code: failure.code,
        detail: `Two people have to approve ${failure.template} before a session exists that can do it.`,
        next: `Ask them: ${failure.command}`,
      };
    case "intent_exceeds_template":
      return {
        code: failure.code,
        detail: `${failure.template} serves the intent ${failure.allowed} at most; the task says ${failure.intent}.`,
        next: [
          `Templates open to this agent that serve ${failure.intent}: ${list(failure.instead)}.`,
          failure.escalate.length > 0 ? ` Two people can approve ${askPeople(failure.escalate)}.` : "",
        ].join(""),
      };
    case "account_not_open":
      return {
        code: failure.code,
        detail:
          failure.account === null
            ? `${failure.template} is open in several accounts: name one.`
            : `${failure.template} is not open in account ${failure.account}.`,
        next: `Accounts of ${failure.template}: ${list(failure.open)}.`,
      };
    case "policy_too_large":
      return {
        code: failure.code,
        detail: `The session policy takes ${failure.size} characters of ${failure.limit}. Nothing was left out to make it fit.`,
        next: "Name fewer resources at once.",
      };
    case "packed_policy_too_large":
      return {
        code: failure.code,
        detail: `STS found the policy and tags of ${failure.template} too large. No session was made.`,
        next: "Name fewer resources at once.",
      };
    case "policy_refused":
      return {
        code: failure.code,
        detail: `${failure.template} cannot be fenced safely with these parameters; see errors.`,
        next: "Choose other parameters, or show the security team this answer.",
        errors: failure.faults.map((problem) => ({ at: "parameters", problem })),
      };
    case "already_issued":
      return {
        code: failure.code,
        detail: `Session ${failure.session} came of this Idempotency-Key. Credentials are never kept, so they cannot be shown again.`,
        next: NEW_KEY,
      };
    case "idempotency_conflict":
      return {
        code: failure.code,
        detail: `Session ${failure.session} came of this Idempotency-Key and another body.`,
        next: "Use a fresh Idempotency-Key for each request.",
      };
    case "sts_refused":
      return {
        code: failure.code,
        detail: `STS answered ${failure.stsCode}. No session was made.`,
        next: failure.policyArns.length > 0 ? `${NOT_PUBLISHED} ${ASK_OPERATOR}` : ASK_OPERATOR,
      };
    case "sts_throttled":
      return {
        code: failure.code,
        detail: `STS answered ${failure.stsCode}. No session was made.`,
        next: "Try again in some seconds with a new Idempotency-Key.",
      };
    case "sts_unknown":
      return {
        code: failure.code,
        detail: "STS did not answer clearly. A session may exist, but nobody was given its credentials.",
        next: "It is safe to ask again, with a new Idempotency-Key. If it goes on, give an operator the request_id.",
      };
    case "record_unavailable":
      return {
        code: failure.code,
        detail: "Without a record there are no credentials: whatever was issued was withheld.",
        next: "Try again in some seconds with a new Idempotency-Key.",
      };
    case "template_is_standing":
    case "owner_not_resolved":
    case "no_approval_rule":
    case "change_set_unreadable":
    case "token_replayed":
    case "escalation_key_conflict":
    case "too_many_pending":
    case "cooling_down":
    case "slow_down":
    case "authorization_pending":
    case "access_denied":
    case "expired_token":
    case "escalation_closed":
    case "grant_used":
    case "grant_mismatch":
    case "policy_changed":
    case "approval_withdrawn":
    case "frozen":
    case "session_frozen":
      return escalationWords(failure);
    case "operator_refused":
    case "watch_refused":
    case "not_frozen":
    case "nothing_to_freeze":
    case "second_key_needed":
    case "sign_in_required":
    case "sign_in_refused":
    case "not_a_person":
    case "not_an_approver":
    case "not_an_administrator":
    case "owner_cannot_approve":
    case "cross_site":
    case "passkey_refused":
    case "passkey_too_new":
    case "already_decided":
    case "invitation_refused":
    case "bootstrap_refused":
      return humanWords(failure);
    case "not_found":
      return { code: failure.code, detail: "There is nothing here for you.", next: "See /docs." };
    case "body_too_large":
      return { code: failure.code, detail: `A body may hold ${failure.limit} bytes.` };
    case "unsupported_media_type":
      return { code: failure.code, detail: "Send Content-Type: application/json, not compressed." };
    case "shutting_down":
      return {
        code: failure.code,
        detail: "Nothing was started.",
        next: "Ask again; another broker answers.",
      };
  }
}

/** Security cases 1–16: all an attacker learns is that the token failed. */
function tokenWords(reason: Extract<Failure, { code: "invalid_token" }>["fault"]["reason"]): Words {
  if (reason === "no_such_agent") {
    return {
      code: "agent_not_registered",
      detail: "The token is genuine, but agents.yaml has no agent it proves.",
      next: "Have the security team register this workload in agents.yaml.",
    };
  }
  if (reason === "keys_unavailable") {
    return {
      code: "keys_unavailable",
      detail: "The token could not be checked.",
      next: "Try again in some seconds.",
    };
  }
  return {
    code: "invalid_token",
    detail: "Send a valid workload token as Authorization: Bearer <token>.",
    next: ASK_OPERATOR,
  };
}
