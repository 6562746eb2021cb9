/** What the compiler makes of a template: the session as STS will be asked for it, but for the session's own id. */
import type { PolicyDocument } from "./iam/types.ts";

export interface CompiledSession {
  /** The inline policy. It alone is not the session's whole policy: see documentsOf. */
  readonly document: PolicyDocument;
  /** The document as JSON text without white space: the bytes that are sent and digested. */
  readonly policy: string;
  /** Managed policies passed beside it; empty unless the session is in the split form. */
  readonly policyArns: readonly string[];
  /** The documents behind `policyArns`, in their order. */
  readonly published: readonly PolicyDocument[];
  /** SHA-256, hex, of `policy` and the ARNs, a line each. An ARN holds the hash of its document. */
  readonly digest: string;
}

/** Every document that limits the session. */
export const documentsOf = (compiled: CompiledSession): readonly PolicyDocument[] => [
  compiled.document,
  ...compiled.published,
];
