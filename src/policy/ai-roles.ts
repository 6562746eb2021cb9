/**
 * The AI roles of one account as they must be: who may assume each, what bounds it, how long a session lives. Pure.
 * `infra/` deploys them, the demo stands on them and `twokey doctor` compares an account with them.
 */
import type { Result } from "../result.ts";
import type { PolicyDocument } from "./iam/types.ts";
import type { ServedPolicy } from "./serve.ts";
import type { Account, RoleName } from "./set.ts";

/** An AI role's name in accounts.yaml, or the role CloudFormation acts with outside production. */
export type AiRoleName = RoleName | "stack_service";

export interface AiRole {
  readonly name: AiRoleName;
  readonly arn: string;
  /** Who may assume it, and with which tags. */
  readonly trust: PolicyDocument;
  /** One managed policy: what the role may do, and its boundary. */
  readonly boundary: BoundaryPolicy;
  /** The role's MaxSessionDuration, in seconds. */
  readonly maxSessionSeconds: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface BoundaryPolicy {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  readonly document: PolicyDocument;
  /** The document's JSON without white space. */
  readonly text: string;
}

export interface AiRoleFault {
  readonly role: AiRoleName;
  readonly message: string;
  readonly fix: string;
}

/** `brokerArn`: the IAM role or user the broker runs as. In the order observer, operator, escalated, stack_service. */
export declare function aiRoles(
  served: ServedPolicy,
  account: Account,
  brokerArn: string,
): Result<readonly AiRole[], readonly AiRoleFault[]>;
