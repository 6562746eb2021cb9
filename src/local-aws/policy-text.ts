/** Policy documents as callers send them: text that must parse before anything keeps it. */
import { parsePolicy, type ParseOptions, type ParsedPolicy } from "../policy/iam/parse.ts";
import { ok } from "../result.ts";
import { type Answered, fault } from "./fault.ts";

export interface PolicyText {
  /** As sent, which is what a read gives back. */
  readonly text: string;
  readonly parsed: ParsedPolicy;
}

/** Trust policies: every statement names a principal, and the role itself is the resource. */
export const TRUST: ParseOptions = { resourcePolicy: true, allowMissingResource: true };

export function readPolicy(text: string, options: ParseOptions = {}): Answered<PolicyText> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fault("MalformedPolicyDocument", "Syntax errors in policy.");
  }
  const parsed = parsePolicy(json, options);
  return parsed.ok
    ? ok({ text, parsed: parsed.value })
    : fault("MalformedPolicyDocument", parsed.error.join(" "));
}

/** Quotas on stored policies count no white space. */
export const weight = (text: string): number => text.replace(/\s/g, "").length;
