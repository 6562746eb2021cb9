/** What the compiler makes of a template: the session as STS will be asked for it, but for the session's own id. */
import type { PolicyDocument } from "./iam/types.ts";

export interface CompiledSession {
  readonly document: PolicyDocument;
  /** The document as JSON text without white space: the bytes that are sent and digested. */
  readonly policy: string;
  readonly policyArns: readonly string[];
  /** SHA-256 of `policy`, hex. */
  readonly digest: string;
}
