/** A rule of guardrails.yaml freezes an agent of a running broker; nobody else is touched. */
import { expect, test } from "vitest";
import type { StoredEntry } from "../../src/audit/entry.ts";
import { startBroker, type RunningBroker } from "../../src/wire.ts";
import { policyFolder } from "../support/policy-folder.ts";
import { startStubSts } from "../support/stub-sts.ts";
import { ask, BROKER_KEYS, OBSERVE, testConfig } from "../support/test-broker.ts";

/** Resolves at the entry: the broker itself wakes whoever waits for a change. */
async function entryOf(broker: RunningBroker, kind: StoredEntry["kind"]): Promise<StoredEntry> {
  const { signal } = new AbortController();
  for (;;) {
    const found = (await broker.audit.entries({ from: 0, limit: 1_000 })).find(
      (entry) => entry.kind === kind,
    );
    if (found !== undefined) return found;
    await broker.audit.escalations.changed(1_000, signal);
  }
}

test("an agent that is refused again and again is frozen by the rule, its owner named, and gets nothing any more", async () => {
  const sts = await startStubSts();
  const { folder, agents } = await policyFolder(
    { "orders-ci": ["observe"], "billing-ci": ["observe"] },
    "{ refusals: { count: 5, minutes: 10 } }",
  );
  const started = await startBroker(testConfig(folder, sts.url), {
    awsCredentials: BROKER_KEYS,
    log: { write: () => undefined },
  });
  if (!started.ok) throw new Error(started.error.join());
  const broker = started.value;
  const [agent, other] = [agents["orders-ci"], agents["billing-ci"]];
  if (agent === undefined || other === undefined) throw new Error("no agents");
  expect((await ask({ url: broker.url, agent })).status).toBe(200);
  for (let n = 0; n < 5; n += 1) {
    const wish = { ...OBSERVE, template: "staging-deploy" };
    expect((await ask({ url: broker.url, agent }, wish)).status).toBe(403);
  }
  expect(await entryOf(broker, "freeze.made")).toMatchObject({
    agent: "orders-ci",
    owner: "orders-lead",
    person: null,
    detail: {
      target: { kind: "agent", name: "orders-ci" },
      by: "rule",
      reason: "5 refused requests within 10 minutes",
    },
  });
  const calls = sts.received.length;
  expect(await ask({ url: broker.url, agent })).toMatchObject({ status: 403, json: { code: "frozen" } });
  expect(sts.received.length).toBe(calls);
  expect((await ask({ url: broker.url, agent: other })).status).toBe(200);
  await broker.close();
  await sts.close();
});
