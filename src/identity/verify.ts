/**
 * Port: proves that a workload token is genuine. Stands beside its consumer, flows/issue-credentials.
 */
import type { Result } from "../result.ts";

/** Claims of a token whose signature, issuer, audience and times were all verified. */
export interface VerifiedClaims {
  /** Issuer id (not URL) of the issuer that signed it. */
  readonly issuerId: string;
  readonly subject: string;
  /** `jti`, or where it has none the SHA-256 of the token's signed part (header and payload) in base64url. */
  readonly tokenId: string;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** For enrolled keys, the key that signed (its kid); null for OIDC. */
  readonly keyId: string | null;
  /** All claims, already parsed from the verified bytes. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Why a token failed. For the audit log only: the caller hears `invalid_token` and nothing else. */
export interface TokenFault {
  readonly reason:
    | "missing"
    | "malformed"
    | "duplicate_claim"
    | "unknown_issuer"
    | "algorithm_not_allowed"
    | "header_not_allowed"
    | "unknown_key"
    | "keys_unavailable"
    | "bad_signature"
    | "wrong_audience"
    | "missing_claim"
    | "expired"
    | "not_yet_valid"
    | "too_old"
    | "no_such_agent";
  /** Short and safe to store: never the token or any part of it that is secret. */
  readonly detail: string;
}

/**
 * Contract: `unverifiedToken` is what stood after `Bearer `. Resolves with claims only when every check held;
 * never throws for a bad token. May fetch keys; never trusts an address named by the token.
 */
export type VerifyToken = (unverifiedToken: string, now: Date) => Promise<Result<VerifiedClaims, TokenFault>>;
