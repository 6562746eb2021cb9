/**
 * A generic webhook: one JSON event a notice, signed, so that its receiver knows it is Twokey's and when it was sent.
 * Holds no text an agent wrote and nothing that can vote. See docs/notifications.md.
 */
import { createHmac } from "node:crypto";
import type { Channel, EscalationFacts, Message } from "../../escalation/outbox.ts";
import { ok } from "../../result.ts";
import type { Secret } from "../../session/credentials.ts";
import { post } from "./post.ts";

export interface WebhookOptions {
  readonly url: Secret;
  readonly secret: Secret;
  readonly clock: () => Date;
}

export function createWebhook({ url, secret, clock }: WebhookOptions): Channel {
  return {
    name: "webhook",
    deliver: async (message) => {
      const body = JSON.stringify(event(message));
      const sent = await post(url, body, { "twokey-signature": sign(body, secret, clock()) });
      return sent.ok ? ok({ thread: null }) : sent;
    },
  };
}

/** The time is signed with the body: a receiver can refuse what is old. */
function sign(body: string, secret: Secret, now: Date): string {
  const t = Math.floor(now.getTime() / 1000);
  const v1 = createHmac("sha256", secret.reveal()).update(`${t}.${body}`, "utf8").digest("hex");
  return `t=${t},v1=${v1}`;
}

function event({ notice, facts, url }: Message) {
  return {
    id: notice.id,
    kind: notice.kind,
    at: notice.at,
    url,
    escalation: facts === null ? null : escalation(facts),
    passkey: notice.kind === "passkey.enrolled" ? { person: notice.detail["person"] ?? null } : null,
    freeze: notice.kind === "freeze.made" ? freeze(notice.detail) : null,
  };
}

/** Without its reason, which is somebody's text. */
function freeze(detail: Message["notice"]["detail"]) {
  const fields = ["kind", "name", "by", "person", "owner"];
  return Object.fromEntries(fields.map((field) => [field, detail[field] ?? null]));
}

function escalation(facts: EscalationFacts) {
  const { expiresAt, usableUntil, ...same } = facts;
  return { ...same, expires_at: expiresAt, usable_until: usableUntil };
}
