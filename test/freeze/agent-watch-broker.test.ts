/** A rule of guardrails.yaml freezes an agent of a running broker; nobody else is touched. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { StoredEntry } from "../../src/audit/entry.ts";
import { DENIES_EVERYTHING } from "../../src/policy/doctor/session.ts";
import { startBroker, type RunningBroker } from "../../src/wire.ts";
import { thawing } from "../store/freezes.ts";
import { aSession, CONTEXT } from "../store/records.ts";
import { policyFolder, type EnrolledAgent } from "../support/policy-folder.ts";
import { startStubSts, type StubSts } from "../support/stub-sts.ts";
import { ask, BROKER_KEYS, OBSERVE, testConfig } from "../support/test-broker.ts";

/** Resolves at the entry: the broker itself wakes whoever waits for a change. */
async function entryOf(broker: RunningBroker, kind: StoredEntry["kind"]): Promise<StoredEntry> {
  for (;;) {
    const found = (await broker.audit.entries({ from: 0, limit: 1_000 })).find(
      (entry) => entry.kind === kind,
    );
    if (found !== undefined) return found;
    await changed();
  }
}

const changed = (): Promise<unknown> =>
  watching.broker.audit.escalations.changed(1_000, new AbortController().signal);

interface Watching {
  readonly broker: RunningBroker;
  readonly agent: EnrolledAgent;
  readonly other: EnrolledAgent;
  /** Asks for what is not open to it, as often as is said. */
  readonly refused: (agent: EnrolledAgent, times: number) => Promise<void>;
  readonly restart: () => Promise<void>;
}

let sts: StubSts;
let watching: Watching;

/** A broker whose `rules` freeze, on a record that outlives it. */
async function start(rules: string): Promise<void> {
  sts = await startStubSts();
  const { folder, agents } = await policyFolder(
    { "orders-ci": ["observe"], "billing-ci": ["observe"] },
    rules,
  );
  const store = { url: null, folder: mkdtempSync(join(tmpdir(), "twokey-watching-")) };
  const [agent, other] = [agents["orders-ci"], agents["billing-ci"]];
  if (agent === undefined || other === undefined) throw new Error("no agents");
  const broker = async (): Promise<RunningBroker> => {
    const started = await startBroker(
      { ...testConfig(folder, sts.url), store },
      { awsCredentials: BROKER_KEYS, log: { write: () => undefined } },
    );
    if (!started.ok) throw new Error(started.error.join());
    return started.value;
  };
  watching = {
    broker: await broker(),
    agent,
    other,
    refused: async (who, times) => {
      for (let n = 0; n < times; n += 1) {
        const wish = { ...OBSERVE, template: "staging-deploy" };
        expect((await ask({ url: watching.broker.url, agent: who }, wish)).status).toBe(403);
      }
    },
    restart: async () => {
      await watching.broker.close();
      watching = { ...watching, broker: await broker() };
    },
  };
  onTestFinished(async () => {
    await watching.broker.close();
    await sts.close();
  });
}

const frozen = async (): Promise<readonly (string | null)[]> =>
  (await watching.broker.audit.entries({ from: 0, limit: 1_000 }))
    .filter(({ kind }) => kind === "freeze.made")
    .map(({ agent }) => agent);

const FIVE_REFUSALS = "{ refusals: { count: 5, minutes: 10 } }";

test("an agent that is refused again and again is frozen by the rule, its owner named, and gets nothing any more", async () => {
  await start(FIVE_REFUSALS);
  const { broker, agent, other, refused } = watching;
  expect((await ask({ url: broker.url, agent })).status).toBe(200);
  await refused(agent, 5);
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
});

test("what it was refused before a broker's start counts", async () => {
  await start(FIVE_REFUSALS);
  await watching.refused(watching.agent, 4);
  await watching.restart();
  await watching.refused(watching.agent, 1);
  expect(await entryOf(watching.broker, "freeze.made")).toMatchObject({ agent: "orders-ci" });
});

test("what it was frozen for, and thawed from, freezes it no second time, at a start either", async () => {
  await start(FIVE_REFUSALS);
  await watching.refused(watching.agent, 5);
  await entryOf(watching.broker, "freeze.made");
  const target = { kind: "agent", name: "orders-ci" } as const;
  await watching.broker.audit.freezes.thaw(target, thawing("security-engineer"));
  await watching.restart();
  // The log is read in its order: once this one is frozen, all before was seen.
  await watching.refused(watching.other, 5);
  while (!(await frozen()).includes("billing-ci")) await changed();
  expect(await frozen()).toEqual(["orders-ci", "billing-ci"]);
});

test("an operator's `twokey doctor` is no agent's doing", async () => {
  await start("{ sessions: { count: 5, minutes: 10 } }");
  const { audit } = watching.broker;
  const intents = async (agent: string, policyDigest: string): Promise<void> => {
    for (let n = 0; n < 5; n += 1) {
      await audit.recordIntent(aSession({ agent, policyDigest, requestedAt: new Date() }), CONTEXT);
    }
  };
  await intents("orders-ci", DENIES_EVERYTHING.digest);
  await intents("billing-ci", "a".repeat(64));
  await entryOf(watching.broker, "freeze.made");
  expect(await frozen()).toEqual(["billing-ci"]);
});
