/** Two replicas on one real store. */
import { expect, test } from "vitest";
import { openAuditLog, type Store } from "../../src/adapters/postgres/audit-log.ts";
import type { Channel } from "../../src/escalation/outbox.ts";
import { deliverDue } from "../../src/flows/notify.ts";
import { ok } from "../../src/result.ts";
import { CONTEXT, request } from "./samples.ts";

const IDS = Array.from("abcdefghijkl", (letter) => `esc-${letter.repeat(24)}`);

function replica(store: Store, sent: string[], outbox: Store["outbox"] = store.outbox): Promise<void> {
  const channel: Channel = {
    name: "chat",
    deliver: async ({ notice }) => {
      sent.push(notice.escalation ?? "");
      return ok({ thread: null });
    },
  };
  const { escalations } = store;
  const stopping = new AbortController().signal;
  return deliverDue({ ...CONTEXT, outbox, escalations, channel, stopping, onFailure: () => undefined });
}

test("two replicas do not both send, and every notice is sent", async () => {
  const store = await openAuditLog({ url: null, folder: null });
  for (const id of IDS) await request(store, { id });
  const [one, other]: [string[], string[]] = [[], []];
  await Promise.all([replica(store, one), replica(store, other)]);
  expect([...one, ...other].sort()).toEqual(IDS);
  await store.close();
});

test("what one replica holds when it dies, no other sends before the lease is over", async () => {
  const store = await openAuditLog({ url: null, folder: null });
  for (const id of IDS.slice(0, 2)) await request(store, { id });
  const [one, other]: [string[], string[]] = [[], []];
  const dying = { ...store.outbox, delivered: () => Promise.reject(new Error("killed")) };
  await expect(replica(store, one, dying)).rejects.toThrow("killed");
  await replica(store, other);
  expect([one, other]).toEqual([[IDS[0]], [IDS[1]]]);
  await store.close();
});
