/**
 * What the outside hears of a refusal: every Failure mapped once, exhaustively, to RFC 9457 problem details. The
 * exact reason stays in the audit log; a token's fault is never told. Longer than a function should be because an
 * exhaustive switch is one table.
 */
import type { Problem } from "../api.ts";
import type { Failure, RequestFault } from "../failure.ts";

interface ProblemKind {
  readonly status: number;
  readonly title: string;
}

/** Every `code` a problem can carry. Programs branch on the code; the docs page lists them. */
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
  not_found: { status: 404, title: "Not found" },
  body_too_large: { status: 413, title: "The body is too large" },
  unsupported_media_type: { status: 415, title: "The body must be application/json" },
  shutting_down: { status: 503, title: "This broker is stopping" },
  internal_error: { status: 500, title: "The broker failed" },
} as const satisfies Readonly<Record<string, ProblemKind>>;

export type ProblemCode = keyof typeof PROBLEMS;

interface Words {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly next?: string;
  readonly errors?: readonly RequestFault[];
}

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
  const { code, ...rest } = words;
  const { status, title } = PROBLEMS[code];
  const type = `/docs/problems#${code}`;
  return {
    problem: { type, title, status, code, ...rest, request_id: requestId },
    retryAfter: RETRY_AFTER[code] ?? null,
  };
}

const list = (names: readonly string[]): string => (names.length === 0 ? "none" : names.join(", "));

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
        next: "Ask for one of the templates that are open, or have the security team open another in agents.yaml.",
      };
    case "escalation_required":
      return {
        code: failure.code,
        detail: `Two people have to approve ${failure.template} before a session exists that can do it.`,
        // The queue that collects approvals is not built yet; an agent is told so, and not to try a command that is not there.
        next: "This broker cannot collect approvals yet: ask the people who own the account to make the change.",
      };
    case "intent_exceeds_template":
      return {
        code: failure.code,
        detail: `${failure.template} serves the intent ${failure.allowed} at most; the task says ${failure.intent}.`,
        next: `Templates open to this agent that serve ${failure.intent}: ${list(failure.instead)}.`,
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
