/** What a local AWS is started with: accounts and what stands in them. Only shapes; state.ts makes them live. */
import type { PolicyDocument } from "../policy/iam/types.ts";
import type { ActionTable } from "../policy/knowledge.ts";

export interface LocalAwsOptions {
  /** The published actions: which carry resource tags, and which exist at all. */
  readonly actions: ActionTable;
  readonly accounts: readonly AccountOptions[];
  /** The region the stacks of `accounts` stand in. Default `us-east-1`. */
  readonly region?: string;
  /** Default: the machine's clock. */
  readonly clock?: () => Date;
  /** Cryptographic randomness, `bytes` of it. Default: node's. */
  readonly random?: (bytes: number) => Buffer;
  /** How often a changed stack is described as `…_IN_PROGRESS` before it is complete. Default 0. */
  readonly describesUntilComplete?: number;
}

export interface AccountOptions {
  /** Twelve digits. */
  readonly id: string;
  /** Service control policies by level (root, unit, account). Left out: none apply, as in a management account. */
  readonly scps?: readonly (readonly PolicyDocument[])[];
  readonly users?: readonly UserOptions[];
  readonly roles?: readonly RoleOptions[];
  readonly policies?: readonly ManagedPolicyOptions[];
  readonly stacks?: readonly StackOptions[];
  /** Sessions that exist from the start, for a broker that runs on a role. */
  readonly sessions?: readonly RoleSessionOptions[];
}

/** A long-term key. `name: "root"` makes it the account's root user, which policies do not limit. */
export interface UserOptions {
  readonly name: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly policies?: readonly PolicyDocument[];
}

export interface RoleSessionOptions {
  readonly roleName: string;
  readonly sessionName: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiresAt: Date;
}

export interface RoleOptions {
  readonly name: string;
  /** Default `/`. */
  readonly path?: string;
  readonly trust: PolicyDocument;
  /** Inline policies by name. */
  readonly inline?: Readonly<Record<string, PolicyDocument>>;
  /** ARNs of managed policies, which must be in `policies`. */
  readonly attached?: readonly string[];
  readonly boundary?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Seconds, 3600 to 43200. Default 3600. */
  readonly maxSessionDuration?: number;
}

export interface ManagedPolicyOptions {
  readonly name: string;
  readonly path?: string;
  readonly document: PolicyDocument;
}

export interface StackOptions {
  readonly name: string;
  /** JSON or YAML. */
  readonly template: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly roleArn?: string;
  readonly terminationProtection?: boolean;
}
