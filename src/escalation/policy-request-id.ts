/**
 * The id of a request to serve a changed policy set. It follows from what is asked for, so that a restarted broker and
 * every replica find the same request, and one that was made against another time in force is never found. Pure hashing.
 */
import { createHash } from "node:crypto";

export interface PolicyRequest {
  /** Which time in force the set is changed from; see ActiveSet. */
  readonly generation: number;
  /** Digests, hex. */
  readonly from: string;
  readonly to: string;
  /** Counts the requests for the same change from 0. */
  readonly number: number;
}

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const CHARACTERS = 24;

/** `esc-` and 24 characters, as every escalation's. */
export function policyRequestId({ generation, from, to, number }: PolicyRequest): string {
  const facts = ["twokey-policy-request-v1", generation, from, to, number].join("\n");
  const hash = createHash("sha256").update(facts, "utf8").digest().subarray(0, CHARACTERS);
  return `esc-${[...hash].map((byte) => BASE32.charAt(byte & 31)).join("")}`;
}
