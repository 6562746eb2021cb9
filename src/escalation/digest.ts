/**
 * The digest of an escalation, and the challenge a passkey signs. Pure hashing over canonical bytes. Each begins with
 * a domain string of its own, so that bytes made for one purpose are never good for another.
 */
import { createHash } from "node:crypto";
import type { PersonId } from "../identity/agent.ts";
import type { Verdict } from "./escalation.ts";

/** SHA-256, hex. `canonical`: RFC 8785 JSON of the content. */
export function escalationDigest(canonical: string): string {
  return createHash("sha256").update(`twokey-escalation-v1\n${canonical}`, "utf8").digest("hex");
}

export interface DecisionChallenge {
  /** Base64url. */
  readonly nonce: string;
  /** Of the escalation, hex. */
  readonly digest: string;
  readonly verdict: Verdict;
  readonly person: PersonId;
}

/** SHA-256, base64url: the challenge of WebAuthn. No field can hold a line break, so the lines cannot be shifted. */
export function decisionChallenge({ nonce, digest, verdict, person }: DecisionChallenge): string {
  const lines = ["twokey-decision-v1", nonce, digest, verdict, person];
  if (lines.some((line) => !/^[\x21-\x7e]+$/.test(line)))
    throw new Error("a challenge's field is not one word");
  return createHash("sha256").update(lines.join("\n"), "utf8").digest("base64url");
}
