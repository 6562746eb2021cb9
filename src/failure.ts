/**
 * Every refusal Twokey can give, as one tagged union. Knows no HTTP: http/problem.ts maps each code to a status
 * once, exhaustively. Two audiences: `reasonOf` is the exact reason for the audit log; what the caller may read
 * is chosen by http/problem.ts.
 */
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
  | { readonly code: "template_not_open"; readonly template: string; readonly open: readonly string[] }
  /** The template needs two people's approval first. */
  | { readonly code: "escalation_required"; readonly template: string }
  | {
      readonly code: "intent_exceeds_template";
      readonly template: string;
      readonly intent: string;
      readonly allowed: string;
      /** Templates open to the agent that serve the intent. */
      readonly instead: readonly string[];
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
