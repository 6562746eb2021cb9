/**
 * Port: what doctor asks of AWS besides sessions. Reads, and IAM's own simulator; no call of it changes anything.
 * Contract: nothing rejects; what AWS does not answer comes back as Unread, in words that hold no secret.
 */
import type { Result } from "../../result.ts";
import type { Decision } from "../iam/types.ts";

export interface Unread {
  /** AWS's code, such as `AccessDenied`, or the error's name. */
  readonly code: string;
  readonly message: string;
  /** The action that was asked for, such as `iam:GetRole`. */
  readonly action: string;
}

export interface Caller {
  /** As STS tells it: a user, the root user, or a role's session. */
  readonly arn: string;
  readonly account: string;
}

/** One call of STS: who called, where it went, and how AWS's clock stood. */
export interface CallerSeen {
  readonly caller: Result<Caller, Unread>;
  /** Host that was called; null: nothing was sent. */
  readonly host: string | null;
  /** AWS's clock as it answered, to the second; null where it told no time. */
  readonly time: Date | null;
}

export interface RoleSeen {
  readonly arn: string;
  /** JSON value of the trust policy; null where its text is no JSON. */
  readonly trust: unknown;
  readonly boundaryArn: string | null;
  readonly maxSessionSeconds: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface RolePolicies {
  /** ARNs of attached managed policies. */
  readonly attached: readonly string[];
  /** Inline policies by name, as JSON values. */
  readonly inline: Readonly<Record<string, unknown>>;
}

/** Whose policies IAM is to simulate: those of a user or role with everything that limits them, or these documents alone. */
export type Simulated = { readonly principal: string } | { readonly documents: readonly string[] };

export interface Simulation {
  readonly of: Simulated;
  readonly actions: readonly string[];
  readonly resource: string;
  /** Condition keys; a list is a multi-valued key. */
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

export interface SimulatedAnswer {
  readonly action: string;
  readonly decision: Decision;
  /** Whether the organisation's policies let it through; null: IAM says nothing of an organisation. */
  readonly allowedByOrganisation: boolean | null;
}

/** `region`: of the account; whichever STS or IAM endpoint belongs to it is asked. */
export interface InspectAws {
  caller(region: string): Promise<CallerSeen>;
  /** Of the caller's own account, by its name. Null: there is none. */
  role(region: string, name: string): Promise<Result<RoleSeen | null, Unread>>;
  policiesOf(region: string, roleName: string): Promise<Result<RolePolicies, Unread>>;
  /** JSON value of the managed policy's version in force; null: there is no such policy. */
  managedPolicy(region: string, arn: string): Promise<Result<{ readonly document: unknown } | null, Unread>>;
  simulate(region: string, simulation: Simulation): Promise<Result<readonly SimulatedAnswer[], Unread>>;
}

/** Of `arn:…:role/path/name`; IAM takes names. */
export const roleNameOf = (arn: string): string => arn.slice(arn.lastIndexOf("/") + 1);

export const saidBy = ({ action, code, message }: Unread): string =>
  `${action} was answered ${code}${message === "" ? "" : `: ${message}`}`;
