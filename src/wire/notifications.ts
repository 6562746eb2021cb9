/**
 * Runs the notifications of a broker: one loop a channel, one delivery at a time, woken when the record changes; and
 * writes down what is over, so that it is told. Any number of replicas may do so at once: the store hands each delivery
 * to one of them.
 */
import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import { createEmail } from "../adapters/notify/email.ts";
import { createSlack } from "../adapters/notify/slack.ts";
import { createWebhook } from "../adapters/notify/webhook.ts";
import type { Store } from "../adapters/postgres/audit-log.ts";
import type { Config } from "../config.ts";
import type { Channel, Undelivered } from "../escalation/outbox.ts";
import { deliverDue } from "../flows/notify.ts";
import { testMessage, type MessageContext } from "../flows/notify-message.ts";
import type { Result } from "../result.ts";
import { base32 } from "../session/name.ts";
import { loop, pause } from "./loop.ts";

/** What is due again after a failure, and what another replica wrote, is found after so long at the latest. */
const LONGEST_IDLE_MS = 3_000;
/** A busy record wakes often; nobody needs to hear sooner. */
const SHORTEST_ROUND_MS = 500;
const EXPIRY_MS = 5_000;

export interface NotificationParts {
  readonly channels: readonly Channel[];
  readonly store: Pick<Store, "escalations" | "outbox">;
  /** Asked for each round, since a reload changes it. */
  readonly context: () => MessageContext;
  readonly log: Logger;
  /** The record could not be read or written. */
  readonly onError: (error: unknown) => void;
}

export interface Notifications {
  /** Claims nothing more and resolves when what is in hand is settled. */
  readonly close: () => Promise<void>;
}

export function startNotifications({
  channels,
  store,
  context,
  log,
  onError,
}: NotificationParts): Notifications {
  const stop = new AbortController();
  const stopping = stop.signal;
  const { escalations, outbox } = store;
  const told = channels.map((channel) =>
    loop(stopping, onError, async () => {
      const onFailure = (failed: object): void => {
        log.warn({ channel: channel.name, ...failed }, "notification not delivered");
      };
      await deliverDue({ ...context(), outbox, escalations, channel, stopping, onFailure });
      await Promise.all([escalations.changed(LONGEST_IDLE_MS, stopping), pause(SHORTEST_ROUND_MS, stopping)]);
    }),
  );
  const expired = loop(stopping, onError, async () => {
    await escalations.expire();
    await pause(EXPIRY_MS, stopping);
  });
  return {
    close: async () => {
      stop.abort();
      await Promise.all([...told, expired]);
    },
  };
}

/** The channels that are set up. */
export function channelsOf(
  { slack, webhook, email }: Config["notify"],
  clock: () => Date = () => new Date(),
): readonly Channel[] {
  return [
    ...(slack === null ? [] : [createSlack(slack)]),
    ...(webhook === null ? [] : [createWebhook({ ...webhook, clock })]),
    ...(email === null ? [] : [createEmail(email)]),
  ];
}

export interface Tried {
  readonly channel: string;
  readonly answer: Result<unknown, Undelivered>;
}

/** Sends a test message through every channel that is set up, or through the one named. */
export async function tryChannels(config: Config, only: string | null): Promise<readonly Tried[]> {
  const origin = config.publicUrl ?? `http://localhost:${config.listen.port}`;
  const message = testMessage(`ntc-${base32(randomBytes(15))}`, origin, new Date());
  const channels = channelsOf(config.notify).filter(({ name }) => only === null || name === only);
  return Promise.all(
    channels.map(async (channel) => ({
      channel: channel.name,
      answer: await channel.deliver(message, null),
    })),
  );
}
