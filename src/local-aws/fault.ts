/**
 * An error as AWS would answer it: code, message and HTTP status, as a value. Messages may quote hostile text;
 * whoever puts one on the wire escapes it (xml.ts, protocols.ts). Never holds a secret.
 */
import { err, type Result } from "../result.ts";

export interface AwsFault {
  /** HTTP status. Never 5xx for an expected refusal: clients retry those. */
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export type Answered<T> = Result<T, AwsFault>;

export const fault = (
  code: string,
  message: string,
  status = 400,
): { readonly ok: false; readonly error: AwsFault } => err({ status, code, message });

export const invalid = (message: string): { readonly ok: false; readonly error: AwsFault } =>
  fault("ValidationError", message);

/** AWS's words for a parameter outside its published constraint. */
export const constraint = (
  value: string,
  parameter: string,
  rule: string,
): { readonly ok: false; readonly error: AwsFault } =>
  invalid(
    `1 validation error detected: Value '${value}' at '${parameter}' failed to satisfy constraint: Member must ${rule}`,
  );

export const missing = (parameter: string): { readonly ok: false; readonly error: AwsFault } =>
  invalid(
    `1 validation error detected: Value null at '${parameter}' failed to satisfy constraint: Member must not be null`,
  );

/** For everything AWS can do and this cannot. A 4xx, so that no client retries it. */
export const notInLocalAws = (what: string): { readonly ok: false; readonly error: AwsFault } =>
  fault("NotInLocalAws", `${what} is not in local AWS. It holds STS, IAM and CloudFormation only.`);
