/**
 * Port: the kill switch in the record, and what AWS is to deny because of it. Stands for the flows freeze, thaw and
 * enforce-freezes; adapters/postgres keeps it.
 */
import type { FreezeTarget } from "../identity/freeze.ts";
import type { Result } from "../result.ts";
import type { DeniedSession, DenialForm } from "./denial.ts";

/** Who froze: a person on a page, the operators' token, or a rule of guardrails.yaml. */
export type FreezeMaker = "person" | "operator" | "rule";

export interface Freeze {
  /** `frz-` and 24 characters. */
  readonly id: string;
  readonly target: FreezeTarget;
  readonly reason: string;
  readonly by: FreezeMaker;
  /** Id of the person; null where it was none. */
  readonly person: string | null;
  /** By the database's clock. */
  readonly frozenAt: Date;
  /** Index of the entry that records it. */
  readonly entry: number;
  /** The administrator whose key lies there, where a thaw takes a second; null: none. */
  readonly firstKey: string | null;
}

export interface FreezeWish extends Pick<Freeze, "id" | "target" | "reason" | "by" | "person"> {
  readonly requestId: string | null;
  readonly policyVersion: string | null;
  /** Of the agent, where one is frozen. A session's is the record's to say. */
  readonly owner: string | null;
  /** Roles whose every session is denied with it, by ARN: for `all`. Of other targets the sessions are. */
  readonly roles: readonly string[];
}

export interface Thawing {
  readonly person: string;
  readonly requestId: string;
  readonly policyVersion: string;
  /** How many different administrators it takes. */
  readonly quorum: 1 | 2;
  /** Who is one now: the first key of somebody who no longer is does not count. */
  readonly administrators: readonly string[];
}

/** Where one role stands. Every field as of the last time IAM was asked. */
export interface RoleDenial {
  readonly roleArn: string;
  readonly state: "waiting" | "in_force" | "failed";
  readonly form: DenialForm | null;
  /** Since when IAM has the policy that is wanted; null: it has not. */
  readonly since: Date | null;
  /** AWS's word where it failed. */
  readonly message: string | null;
}

/** Work of one role: what IAM is to be told, and the number that says what was wanted. */
export interface DueDenial {
  readonly roleArn: string;
  readonly wanted: number;
  readonly sessions: readonly DeniedSession[];
  /** Every session STS issued before then, for `all`; null: none. */
  readonly everyoneBefore: Date | null;
  readonly everyoneUntil: Date | null;
  /** What IAM was given last; null: nothing. */
  readonly document: string | null;
  readonly attempts: number;
}

export interface DenialOutcome {
  readonly document: string | null;
  readonly form: DenialForm;
  readonly sessions: number;
  /** What is denied is over by then. */
  readonly until: Date | null;
  /** AWS's word; null: it is in force. */
  readonly fault: string | null;
}

/**
 * Contract. Everything resolves only once it is durable. A freeze that is answered holds on every replica: no intent is
 * recorded and no outcome delivered after it that it covers. Whoever changes what AWS is to deny says so in the same
 * transaction, so that a crash loses nothing; one process at a time works on a role.
 */
export interface FreezeStore {
  /** The one that is there, where it is frozen already. Null: no such session, or STS certainly issued none. */
  freeze(wish: FreezeWish): Promise<Freeze | null>;

  /** `first_key`: it takes another administrator, within the hour. */
  thaw(
    target: FreezeTarget,
    thawing: Thawing,
  ): Promise<Result<{ readonly state: "thawed" | "first_key" }, "not_frozen" | "same_person">>;

  /** Newest first. Sessions that are over are frozen no more. */
  active(): Promise<readonly Freeze[]>;

  /** Puts the sessions of frozen agents and templates on the list of what AWS denies. Answers whether there were any. */
  spread(): Promise<boolean>;

  /** One role whose policy is not what is wanted; nobody else is given it meanwhile. Null: there is none. */
  claimRole(leaseSeconds: number): Promise<DueDenial | null>;

  settleRole(due: DueDenial, outcome: DenialOutcome, policyVersion: string | null): Promise<void>;

  /** Roles that deny something now, or should. */
  roles(): Promise<readonly RoleDenial[]>;

  /** How many live sessions a freeze covers in AWS. */
  deniedSessions(limit: number): Promise<readonly (DeniedSession & { readonly roleArn: string })[]>;
}
