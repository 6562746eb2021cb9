/**
 * Everything this AWS remembers, in memory and mutable: accounts, roles, policies, stacks, events and the mint
 * ledger. Holds no logic of a service, and no secret: those are the credential store's.
 */
import type { ParsedPolicy } from "../policy/iam/parse.ts";
import type { ChangeSet, Stack } from "./cloudformation/stack.ts";
import type { CredentialStore } from "./credentials.ts";
import type { CloudTrailEvent } from "./events.ts";
import type { PolicyText } from "./policy-text.ts";
import type { Tag } from "./tags.ts";

export interface Role {
  readonly account: string;
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  readonly id: string;
  readonly createdAt: Date;
  description: string | null;
  maxSessionDuration: number;
  trust: PolicyText;
  tags: readonly Tag[];
  /** ARN of a managed policy. */
  boundary: string | null;
  readonly inline: Map<string, PolicyText>;
  readonly attached: Set<string>;
}

export interface PolicyVersion {
  /** `v1`, `v2`, …; a number is never given twice. */
  readonly id: string;
  readonly document: PolicyText;
  readonly createdAt: Date;
}

export interface ManagedPolicy {
  readonly account: string;
  readonly arn: string;
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly description: string | null;
  readonly createdAt: Date;
  /** Oldest first. */
  readonly versions: PolicyVersion[];
  /** The default version: the one that counts. */
  inForce: PolicyVersion;
  lastVersion: number;
  updatedAt: Date;
  readonly tags: readonly Tag[];
}

export interface User {
  readonly arn: string;
  readonly id: string;
  readonly policies: readonly ParsedPolicy[];
}

export interface Account {
  readonly id: string;
  readonly scps: readonly (readonly ParsedPolicy[])[] | null;
  readonly users: Map<string, User>;
  /** By name: role names are unique in an account whatever their paths and case. Keys are lower case. */
  readonly roles: Map<string, Role>;
  /** By ARN. */
  readonly policies: Map<string, ManagedPolicy>;
  /** By stack id (ARN), deleted ones included, oldest first. */
  readonly stacks: Map<string, Stack>;
  /** By change set id (ARN). */
  readonly changeSets: Map<string, ChangeSet>;
}

/** One session STS issued: what the broker's own records are reconciled with. */
export interface Mint {
  readonly at: Date;
  readonly requestId: string;
  /** ARN of the caller. */
  readonly by: string;
  readonly accessKeyId: string;
  readonly assumedRoleArn: string;
  readonly roleArn: string;
  readonly sourceIdentity: string | null;
  readonly tags: readonly Tag[];
  readonly transitiveKeys: readonly string[];
  readonly policy: string | null;
  readonly policyArns: readonly string[];
  readonly packedPolicySize: number | null;
  readonly expiresAt: Date;
}

export interface World {
  readonly accounts: ReadonlyMap<string, Account>;
  readonly credentials: CredentialStore;
  readonly events: CloudTrailEvent[];
  readonly mints: Mint[];
  readonly describesUntilComplete: number;
}

export function roleByArn(world: World, arn: string): Role | undefined {
  const [, account] = /^arn:aws:iam::(\d{12}):role\//.exec(arn) ?? [];
  if (account === undefined) return undefined;
  const role = world.accounts.get(account)?.roles.get(arn.slice(arn.lastIndexOf("/") + 1).toLowerCase());
  return role?.arn === arn ? role : undefined;
}
