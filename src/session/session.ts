/**
 * One vended STS session: its name, tags, source identity and limits. Secrets live in credentials.ts and are
 * never part of a Session.
 */
import type { Agent } from "../identity/agent.ts";
import type { Task } from "../identity/task.ts";

export interface Session {
  /** `tks-` and 24 lower-case base32 characters. Also the STS SourceIdentity. */
  readonly id: string;
  readonly agent: Agent["name"];
  readonly owner: Agent["owner"];
  readonly proof: Agent["proof"];
  readonly template: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly account: string;
  readonly roleArn: string;
  readonly roleSessionName: string;
  readonly task: Task;
  readonly durationSeconds: number;
  /** SHA-256 of the compiled policy and its ARNs, hex. */
  readonly policyDigest: string;
  /** Published managed policies it is limited by; they must stay as long as it lives. */
  readonly policyArns: readonly string[];
  /** Digest of the policy set it was compiled from. */
  readonly policyVersion: string;
  /** The escalation it consumed, or null. */
  readonly escalation: string | null;
  readonly requestedAt: Date;
}

/**
 * What became of a session's one STS attempt.
 * `intent`: recorded, STS not yet answered (or the broker died). `issued`: delivered. `failed`: STS certainly
 * issued nothing. `unknown`: STS may have issued, nothing was delivered.
 */
export type SessionState = "intent" | "issued" | "failed" | "unknown";
