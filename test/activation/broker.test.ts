/** A whole broker whose policy changes take two keys: what it serves, says at /readyz, logs and puts on record. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { EscalationEvent } from "../../src/escalation/escalation.ts";
import { ok } from "../../src/result.ts";
import type { RunningBroker } from "../../src/wire.ts";
import { EVIDENCE } from "../escalation/escalations.ts";
import { replaceOnce } from "../policy-set/fixture.ts";
import { ask, send, startTestBroker, type Reply } from "../support/test-broker.ts";

function edit(folder: string, file: string, find: string, put: string): void {
  const path = join(folder, file);
  writeFileSync(path, replaceOnce(readFileSync(path, "utf8"), find, put));
}

const RULE = "activation_rule: { quorum: 2, groups: [platform], evidence: passkey, pending: 24h }";
const DECIDERS = ["platform-engineer", "security-engineer"];

async function approve({ audit }: RunningBroker, id: string): Promise<void> {
  for (const person of DECIDERS) {
    const account = { issuer: "https://login.example.com", subject: person };
    const decision = { verdict: "approve", person, account, reason: null, evidence: EVIDENCE } as const;
    const event: EscalationEvent = { kind: "decided", decision, counting: DECIDERS };
    const context = { requestId: null, policyVersion: "0".repeat(64), nonce: null, counter: null };
    expect(await audit.escalations.change(id, context, () => ok(event))).toMatchObject({ ok: true });
  }
}

const mayOf = ({ json }: Reply): unknown => (json["session"] as Readonly<Record<string, unknown>>)["may"];

test("agents get sessions of the set in force; /readyz says that a change waits, and where; then it is served", async () => {
  let look = (): void => undefined;
  const running = await startTestBroker(
    (config) => {
      edit(config.policies, "approvals.yaml", "activation: immediate\n", `activation: approval\n${RULE}\n`);
      return config;
    },
    {
      watchPolicy: () => ({ again: () => undefined, close: () => undefined }),
      watchRecord: (tell) => {
        look = tell;
        return { close: () => undefined };
      },
    },
  );
  const { broker, folder, url } = running;
  await broker.reloadPolicy();
  expect(running.log.join()).toContain("trusted on first use");
  edit(folder, "templates/observe.yaml", "title: Look around, anywhere", "title: Look around");
  expect(await broker.reloadPolicy()).toMatchObject({ outcome: "held" });
  expect(mayOf(await ask(running))).toMatch(/^Look around, anywhere/);

  const [waiting] = await broker.audit.escalations.list({
    agent: null,
    states: null,
    limit: 9,
    before: null,
  });
  const id = waiting?.id ?? "";
  expect(waiting?.content).toMatchObject({
    changes: ["changed: titles, descriptions, order or expected cases, and nothing that a session can do"],
  });
  const ready = await send(url, "GET", "/readyz");
  expect(ready.status).toBe(200);
  const page = `${broker.origin}/escalations/${id}`;
  expect(ready.text).toBe(`ready\na changed policy set waits for approval: ${page}\n`);
  expect(running.log.filter((line) => line.includes(page))).toHaveLength(1);

  await approve(broker, id);
  look();
  // Runs after the look.
  expect(await broker.reloadPolicy()).toEqual({ outcome: "unchanged" });
  expect(mayOf(await ask(running))).toMatch(/^Look around, in account/);
  expect((await send(url, "GET", "/readyz")).text).toBe("ready\n");
  expect(await broker.audit.escalations.find(id)).toMatchObject({ state: "consumed" });
  await running.close();
});
