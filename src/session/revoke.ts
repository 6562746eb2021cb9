/** Port: ends a vended session in AWS before its time. Stands for flows/freeze-session. */
import type { Result } from "../result.ts";

export interface Revocation {
  /** Role the session is of. */
  readonly roleArn: string;
  /** The session's id. */
  readonly sourceIdentity: string;
  /** After this the deny may be dropped: the session is over. */
  readonly until: Date;
  readonly region: string;
}

/**
 * Contract: denies everything to sessions of the role with this source identity, by a policy on the role. `err` is AWS's
 * word, safe to store. Never throws for a failed call.
 */
export type RevokeSession = (revocation: Revocation) => Promise<Result<null, string>>;
