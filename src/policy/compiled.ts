/** What the compiler makes of a template: the session as STS will be asked for it, but for the session's own id. */
import { createHash } from "node:crypto";
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
  /** See compiledDigest. */
  readonly digest: string;
}

/** SHA-256, hex, of the inline policy's text and the ARNs, a line each. An ARN holds the hash of its document. */
export const compiledDigest = (policy: string, policyArns: readonly string[]): string =>
  createHash("sha256")
    .update([policy, ...policyArns].join("\n"))
    .digest("hex");

/** Every document that limits the session. */
export const documentsOf = (compiled: CompiledSession): readonly PolicyDocument[] => [
  compiled.document,
  ...compiled.published,
];
