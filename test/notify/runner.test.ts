/** The loops that a broker runs: woken by the record, one delivery at a time, stopped cleanly. */
import { pino } from "pino";
import { expect, test } from "vitest";
import type { Channel } from "../../src/escalation/outbox.ts";
import type { EscalationStore } from "../../src/escalation/store.ts";
import { ok } from "../../src/result.ts";
import { startNotifications } from "../../src/wire/notifications.ts";
import { fakeOutbox } from "./fake-outbox.ts";
import { CONTEXT, escalation, notice } from "./samples.ts";

function signal() {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return {
    give: () => {
      give();
    },
    given,
  };
}

function stand(deliver: () => Promise<void>) {
  const outbox = fakeOutbox();
  const idle = signal();
  const expired = signal();
  const wake = signal();
  const errors: unknown[] = [];
  const channel: Channel = {
    name: "chat",
    deliver: async () => {
      await deliver();
      return ok({ thread: null });
    },
  };
  const escalations = {
    find: async () => escalation(),
    expire: async () => {
      expired.give();
      return 0;
    },
    changed: (_ms: number, stopping: AbortSignal) => {
      idle.give();
      const stopped = new Promise<void>((resolve) => {
        if (stopping.aborted) resolve();
        else
          stopping.addEventListener("abort", () => {
            resolve();
          });
      });
      return Promise.race([wake.given, stopped]);
    },
  } as unknown as EscalationStore;
  const start = () =>
    startNotifications({
      channels: [channel],
      store: { outbox, escalations },
      context: () => CONTEXT,
      log: pino({ enabled: false }),
      onError: (error) => void errors.push(error),
    });
  return { outbox, idle, expired, wake, errors, start };
}

test("a change of the record wakes the channels, and what is over is written down", async () => {
  const delivered = signal();
  const { outbox, idle, expired, wake, errors, start } = stand(async () => {
    delivered.give();
  });
  const running = start();
  await Promise.all([idle.given, expired.given]);
  outbox.add(notice("escalation.requested", { id: "ntc-1" }));
  wake.give();
  await delivered.given;
  await running.close();
  expect(errors).toEqual([]);
});

test("a stop waits for the delivery in hand, settles it, and begins no other", async () => {
  const [begun, answer] = [signal(), signal()];
  const { outbox, errors, start } = stand(async () => {
    begun.give();
    await answer.given;
  });
  for (const id of ["ntc-1", "ntc-2"]) outbox.add(notice("escalation.requested", { id }));
  const running = start();
  await begun.given;
  let closed = false;
  const closing = running.close().then(() => {
    closed = true;
  });
  // Everything that could still happen without the receiver's answer has happened by then.
  await new Promise((resolve) => setImmediate(resolve));
  expect(closed).toBe(false);
  answer.give();
  await closing;
  expect(outbox.row("chat", "ntc-1")?.state).toBe("delivered");
  expect(outbox.row("chat", "ntc-2")?.attempts).toBe(0);
  expect(errors).toEqual([]);
});
