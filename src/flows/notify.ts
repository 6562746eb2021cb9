/**
 * Tells approvers what they have to know: claim what is due on a channel → what is there to tell of it now → deliver →
 * settle. One delivery at a time. A crash before the settlement has it delivered again after the lease, under the same
 * notice id. Must never tell anything that can vote.
 */
import type { Escalation } from "../escalation/escalation.ts";
import type {
  Channel,
  Delivery,
  Message,
  Notice,
  NoticeKind,
  Outbox,
  Undelivered,
} from "../escalation/outbox.ts";
import type { EscalationStore } from "../escalation/store.ts";
import { escalationMessage, freezeMessage, passkeyMessage, type MessageContext } from "./notify-message.ts";

export interface Notifier extends MessageContext {
  readonly outbox: Outbox;
  readonly escalations: Pick<EscalationStore, "find">;
  readonly channel: Channel;
  /** Aborts when the broker stops: what is in hand is finished, nothing more is claimed. */
  readonly stopping: AbortSignal;
  readonly onFailure: (failed: FailedDelivery) => void;
}

export interface FailedDelivery {
  readonly notice: string;
  readonly kind: NoticeKind;
  readonly reason: string;
  /** Null: given up. */
  readonly retrySeconds: number | null;
}

/** Longer than a channel may take, and the two writes around it. */
const LEASE_SECONDS = 60;

/** Delivers until nothing is due. Rejects when the record cannot be read or written; what was claimed is due again. */
export async function deliverDue(notifier: Notifier): Promise<void> {
  const { outbox, channel, stopping } = notifier;
  while (!stopping.aborted) {
    const [delivery] = await outbox.claim(channel.name, 1, LEASE_SECONDS);
    if (delivery === undefined) return;
    await deliverOne(notifier, delivery);
  }
}

async function deliverOne(notifier: Notifier, delivery: Delivery): Promise<void> {
  const { outbox, channel } = notifier;
  const message = await messageOf(notifier, delivery.notice);
  if (message === "superseded") return outbox.delivered(delivery, delivery.thread);
  const answer =
    message === null ? { ok: false as const, error: GONE } : await channel.deliver(message, delivery.thread);
  if (answer.ok) return outbox.delivered(delivery, answer.value.thread ?? delivery.thread);
  const { reason } = answer.error;
  const retrySeconds = retryIn(delivery.attempts, answer.error);
  await outbox.failed(delivery, reason, retrySeconds);
  const { id, kind } = delivery.notice;
  notifier.onFailure({ notice: id, kind, reason, retrySeconds });
}

const GONE: Undelivered = { reason: "its escalation is not in the record", retry: false };

async function messageOf(notifier: Notifier, notice: Notice): Promise<Message | "superseded" | null> {
  if (notice.kind === "freeze.made") return freezeMessage(notice, notifier);
  if (notice.escalation === null) return passkeyMessage(notice, notifier);
  const escalation = await notifier.escalations.find(notice.escalation);
  if (escalation === null) return null;
  return superseded(notice.kind, escalation) ? "superseded" : escalationMessage(notice, escalation, notifier);
}

/**
 * Whether a later notice tells what it is by now: requested and decided before anybody heard of it is told once. Only
 * ever skips what a later notice, written with the later change, makes up for.
 */
export function superseded(kind: NoticeKind, escalation: Pick<Escalation, "state" | "decisions">): boolean {
  return PLACE[kind] < PLACE[toldBy(escalation)];
}

/** Order of a life. All ends are one: none follows another. */
const PLACE: Readonly<Record<NoticeKind, number>> = {
  "escalation.requested": 0,
  "escalation.approved": 1,
  "escalation.consumed": 2,
  "escalation.denied": 3,
  "escalation.expired": 3,
  "escalation.cancelled": 3,
  "passkey.enrolled": 3,
  "freeze.made": 3,
};

function toldBy({ state, decisions }: Pick<Escalation, "state" | "decisions">): NoticeKind {
  if (state === "pending") return "escalation.requested";
  // A denial after the mint leaves the state and freezes the session.
  const frozen = state === "consumed" && decisions.some(({ verdict }) => verdict === "deny");
  return frozen ? "escalation.denied" : `escalation.${state}`;
}

const FIRST_RETRY_SECONDS = 5;
const LONGEST_WAIT_SECONDS = 600;
/** 5 s doubling to 10 min: with this many attempts a day is over. */
const MOST_ATTEMPTS = 151;
const LONGEST_ASKED_SECONDS = 3600;

/** Seconds until the next attempt; null: no more. `attempts` counts the one that failed. */
export function retryIn(attempts: number, { retry, afterSeconds = 0 }: Undelivered): number | null {
  if (!retry || attempts >= MOST_ATTEMPTS) return null;
  const backOff = Math.min(FIRST_RETRY_SECONDS * 2 ** (attempts - 1), LONGEST_WAIT_SECONDS);
  return Math.max(backOff, Math.min(afterSeconds, LONGEST_ASKED_SECONDS));
}
