/**
 * An escalation: an immutable request that waits for two people. Its content is fixed when it is made and never
 * edited; what changes is its state, and only through machine.ts. Times that decide anything are the database's.
 */
import type { AgentName, PersonId } from "../identity/agent.ts";
import type { HumanAccount } from "../identity/approver.ts";
import type { Task } from "../identity/task.ts";

export const ESCALATION_STATES = [
  "pending",
  "approved",
  "consumed",
  "denied",
  "expired",
  "cancelled",
] as const;
export type EscalationState = (typeof ESCALATION_STATES)[number];

/** The rule of approvals.yaml it was made under. Part of the content: another rule is another request. */
export interface FrozenRule {
  readonly quorum: number;
  /** Members of any of these may decide. */
  readonly groups: readonly string[];
  readonly evidence: "passkey";
  readonly pendingSeconds: number;
  readonly usableSeconds: number;
}

/** Everything that will be executed, and all an approver is shown. The digest covers every field. */
export interface SessionContent {
  readonly kind: "session";
  /** The escalation's own id, which is also the tag `twokey:escalation`. */
  readonly id: string;
  readonly agent: AgentName;
  readonly owner: PersonId;
  readonly proof: { readonly issuer: string; readonly subject: string };
  readonly account: string;
  readonly roleArn: string;
  readonly template: string;
  /** SHA-256, hex, of the template, the guardrails and the account's entry. */
  readonly templateVersion: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  /** JSON text of the compiled session policy: the bytes STS will be sent. */
  readonly policy: string;
  readonly policyArns: readonly string[];
  /** Every session tag but `twokey:session`, which is new for each mint. */
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  readonly durationSeconds: number;
  readonly reason: string;
  readonly task: Task;
  readonly rule: FrozenRule;
  /** The change sets it may execute, as AWS showed them when it was asked for. */
  readonly changeSets: readonly ChangeSet[];
}

/** A changed policy set that waits to be served. */
export interface PolicyContent {
  readonly kind: "policy";
  readonly id: string;
  /** Digest of the set now served. */
  readonly from: string;
  /** Digest of the set that would be served. */
  readonly to: string;
  /** What it means, a sentence each; see policy/diff.ts. */
  readonly changes: readonly string[];
  readonly rule: FrozenRule;
}

export type EscalationContent = SessionContent | PolicyContent;

/** A prepared CloudFormation change set as AWS described it. Text in it may be an agent's. */
export interface ChangeSet {
  readonly arn: string;
  readonly name: string;
  readonly stack: string;
  readonly description: string | null;
  /** AWS's words, e.g. `AVAILABLE`. */
  readonly executionStatus: string;
  readonly changes: readonly ResourceChange[];
  /** Tags the stack would have afterwards. */
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  /**
   * What an approver must be told before anything else, a sentence each: nested stacks that are not shown, imports,
   * macros, a stack that was never created, changes to the environment tag.
   */
  readonly warnings: readonly string[];
}

export interface ResourceChange {
  readonly action: "Add" | "Modify" | "Remove" | "Import" | "Dynamic";
  readonly logicalId: string;
  readonly physicalId: string | null;
  readonly type: string;
  /** `True` and `Conditional` mean that the resource may be deleted and made again. */
  readonly replacement: "True" | "False" | "Conditional" | null;
  /** What AWS does with the old one: `Delete`, `Retain`, `Snapshot`, …; null where it does not say. */
  readonly policyAction: string | null;
  /** The properties or attributes that change, with their values where AWS shows them. Foreign text. */
  readonly details: readonly string[];
}

export const VERDICTS = ["approve", "deny"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Everything needed to verify the passkey's signature later, from the record alone. Base64url without padding. */
export interface PasskeyEvidence {
  readonly kind: "passkey";
  readonly credentialId: string;
  /** COSE key. */
  readonly publicKey: string;
  /** The challenge's nonce; see decision.ts. */
  readonly nonce: string;
  readonly origin: string;
  readonly rpId: string;
  readonly clientDataJSON: string;
  readonly authenticatorData: string;
  readonly signature: string;
}

export interface Decision {
  readonly verdict: Verdict;
  readonly person: PersonId;
  readonly account: HumanAccount;
  /** What the agent is told; always there with a denial. */
  readonly reason: string | null;
  readonly evidence: PasskeyEvidence;
  /** The database's clock. */
  readonly at: Date;
}

export interface Escalation {
  /** `esc-` and 24 lower-case base32 characters. */
  readonly id: string;
  readonly content: EscalationContent;
  /** Canonical JSON (RFC 8785) of `content`: the bytes the digest is over. */
  readonly canonical: string;
  /** SHA-256, hex; see digest.ts. */
  readonly digest: string;
  readonly state: EscalationState;
  readonly requestedAt: Date;
  /** End of the wait for decisions. */
  readonly expiresAt: Date;
  /** End of the grant; null until there was one. */
  readonly usableUntil: Date | null;
  readonly decisions: readonly Decision[];
  /** The session that consumed it, or null. */
  readonly session: string | null;
}

/** What may happen to an escalation. */
export type EscalationEvent =
  /** `counting`: everybody whose approval counts as of now, by people.yaml, whether or not they have decided. */
  | {
      readonly kind: "decided";
      readonly decision: Omit<Decision, "at">;
      readonly counting: readonly PersonId[];
    }
  | { readonly kind: "cancelled"; readonly by: "agent" | "policy" }
  /** Its time is over. */
  | { readonly kind: "expired" }
  | { readonly kind: "consumed"; readonly session: string }
  /** STS certainly issued nothing to that session: the grant is there again. */
  | { readonly kind: "returned"; readonly session: string };

/** Why an event changes nothing. */
export type EscalationFault =
  | { readonly reason: "closed"; readonly state: EscalationState }
  | { readonly reason: "expired" }
  | { readonly reason: "not_approved" }
  | { readonly reason: "already_decided" }
  | { readonly reason: "not_expired" }
  | { readonly reason: "not_this_session" };
