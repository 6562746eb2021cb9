/**
 * Port: what approvers are to be told, as it waits in the database. A notice is written in the transaction of what it
 * tells, so a crash loses none; each channel delivers it on its own.
 */
import type { Result } from "../result.ts";
import type { EscalationState, Verdict } from "./escalation.ts";

export const NOTICE_KINDS = [
  "escalation.requested",
  "escalation.approved",
  "escalation.denied",
  "escalation.expired",
  "escalation.cancelled",
  "escalation.consumed",
  "passkey.enrolled",
  "freeze.made",
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

export interface Notice {
  /** `ntc-` and 24 base32 characters; a receiver may tell a repeated delivery by it. */
  readonly id: string;
  readonly kind: NoticeKind;
  /** The escalation it is about, or null. */
  readonly escalation: string | null;
  /** For `passkey.enrolled`: the person and the key's label. For `freeze.made`: what, why, by whom, whose. */
  readonly detail: Readonly<Record<string, string>>;
  readonly at: Date;
}

export interface Delivery {
  readonly notice: Notice;
  readonly channel: string;
  readonly attempts: number;
  /** What this channel answered for the escalation's first notice, so that it can be updated or followed up. */
  readonly thread: string | null;
}

/** Contract. Claims are by the database's clock; a claim that its replica did not settle is free again after the lease. */
export interface Outbox {
  /**
   * Claims up to `limit` deliveries that are due on the channel, oldest first, for `leaseSeconds`. A notice that is more
   * than a day old when the channel would first claim it is not told any more.
   */
  claim(channel: string, limit: number, leaseSeconds: number): Promise<readonly Delivery[]>;
  delivered(delivery: Delivery, thread: string | null): Promise<void>;
  /** Due again after `retrySeconds`; null: given up, and it stays on record. */
  failed(delivery: Delivery, reason: string, retrySeconds: number | null): Promise<void>;
}

/** What a message is about, for programs: the registry's and the policy files' words, no text an agent wrote. */
export interface EscalationFacts {
  readonly id: string;
  readonly kind: "session" | "policy";
  /** As it is when the message is made, which may be later than what the notice tells. */
  readonly state: EscalationState;
  /** The two words; see code.ts. */
  readonly code: string;
  /** Null for a policy set, like owner, template and account. */
  readonly agent: string | null;
  readonly owner: string | null;
  readonly template: string | null;
  readonly account: string | null;
  readonly expiresAt: Date;
  readonly usableUntil: Date | null;
  readonly quorum: number;
  readonly decisions: readonly { readonly person: string; readonly verdict: Verdict; readonly at: Date }[];
}

/**
 * Text for people. `text` may hold an agent's or a person's words: hidden characters are shown and line breaks are none,
 * but what a channel would take for markup it must show as it stands.
 */
export interface Message {
  readonly title: string;
  readonly lines: readonly { readonly label: string; readonly text: string }[];
  /** The page; a link and never a vote. */
  readonly url: string;
  /** `test`: nothing happened, an operator tries the channel. */
  readonly notice: Omit<Notice, "kind"> & { readonly kind: NoticeKind | "test" };
  readonly facts: EscalationFacts | null;
}

/** `reason` is safe to store. `retry` false: it will never work. `afterSeconds`: what the receiver asked for. */
export interface Undelivered {
  readonly reason: string;
  readonly retry: boolean;
  readonly afterSeconds?: number;
}

/** Contract: one delivery, bounded in time to 20 s. Never throws for a receiver that fails. */
export interface Channel {
  readonly name: string;
  deliver(
    message: Message,
    thread: string | null,
  ): Promise<Result<{ readonly thread: string | null }, Undelivered>>;
}
