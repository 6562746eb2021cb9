/**
 * Port: one STS AssumeRole attempt. Stands beside its consumer, flows/issue-credentials.
 */
import type { Result } from "../result.ts";
import type { Credentials } from "./credentials.ts";

export interface AssumeRoleRequest {
  readonly roleArn: string;
  readonly roleSessionName: string;
  readonly sourceIdentity: string;
  readonly externalId: string;
  /** All are sent as transitive. */
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  /** JSON text, exactly the bytes that were digested. */
  readonly policy: string;
  readonly policyArns: readonly string[];
  readonly durationSeconds: number;
  readonly region: string;
}

export interface AssumedRole {
  readonly credentials: Credentials;
  readonly assumedRoleArn: string;
  /** Percent, where STS said. */
  readonly packedPolicySize: number | null;
}

/**
 * `definite`: STS parsed the request and refused it (4xx), or the connection was refused: nothing was issued.
 * `unknown`: 5xx, time-out, reset, an unreadable answer: a session may exist.
 */
export interface AssumeRoleFault {
  readonly certainty: "definite" | "unknown";
  /** The STS error code, e.g. `AccessDenied`, `PackedPolicyTooLarge`, `Throttling`; or `TimeoutError`, … */
  readonly code: string;
  /** STS's words, safe to store. Holds no secret. */
  readonly message: string;
}

/** Contract: exactly one attempt on the wire, a bounded deadline, and it never throws for a failed call. */
export type AssumeRole = (request: AssumeRoleRequest) => Promise<Result<AssumedRole, AssumeRoleFault>>;

/** A request that may lack what every session has. Null: left out. */
export interface ProbeRequest extends Omit<AssumeRoleRequest, "sourceIdentity" | "externalId"> {
  readonly sourceIdentity: string | null;
  readonly externalId: string | null;
  readonly transitiveKeys: readonly string[];
}

/**
 * Contract: as AssumeRole. Stands for flows/doctor alone, which sees such requests refused; must never be asked for a
 * session whose policy does not deny everything.
 */
export type ProbeRole = (request: ProbeRequest) => Promise<Result<AssumedRole, AssumeRoleFault>>;
