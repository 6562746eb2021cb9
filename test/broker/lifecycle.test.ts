import { mkdtempSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import type { StoredEntry } from "../../src/audit/entry.ts";
import { startBroker } from "../../src/wire.ts";
import { policyFolder } from "../support/policy-folder.ts";
import { assumed } from "../support/stub-sts.ts";
import { ask, send, startTestBroker, testConfig, type TestBroker } from "../support/test-broker.ts";

const dataFolder = (): string => join(mkdtempSync(join(tmpdir(), "twokey-data-")), "data");

const withFolder = (folder: string) => (config: ReturnType<typeof testConfig>) => ({
  ...config,
  store: { url: null, folder },
});

async function entriesIn(folder: string): Promise<readonly StoredEntry[]> {
  const store = await openAuditLog({ url: null, folder });
  const entries = await store.entries({ from: 0, limit: 1000 });
  await store.close();
  return entries;
}

/** Holds STS's answer; resolves with the response once the request is there. */
function holdSts({ sts }: TestBroker): Promise<ServerResponse> {
  return new Promise((resolve) => {
    sts.answer = (response) => {
      resolve(response);
    };
  });
}

test("start and stop are on record, with the policy that was served", async () => {
  const folder = dataFolder();
  const running = await startTestBroker(withFolder(folder));
  const digest = running.broker.policy().set.digest;
  await running.close();
  const entries = await entriesIn(folder);
  expect(entries.map(({ kind }) => kind)).toEqual(["policy.loaded", "broker.started", "broker.stopped"]);
  expect(entries[0]).toMatchObject({ policyVersion: digest, detail: { digest } });
});

test("a stopping broker is unready at once, refuses new work, and finishes what it accepted", async () => {
  const folder = dataFolder();
  const running = await startTestBroker(withFolder(folder));
  const held = holdSts(running);
  const accepted = ask(running);
  const response = await held;

  const stopped = running.broker.close();
  expect((await send(running.url, "GET", "/readyz")).status).toBe(503);
  expect((await send(running.url, "GET", "/healthz")).status).toBe(200);
  const refused = await ask(running);
  expect([refused.status, refused.json["code"]]).toEqual([503, "shutting_down"]);

  assumed()(response, response.req);
  expect((await accepted).status).toBe(200);
  await stopped;
  await running.sts.close();
  const kinds = (await entriesIn(folder)).map(({ kind }) => kind);
  expect(kinds.slice(2)).toEqual(["session.intent", "session.issued", "broker.stopped"]);
});

test("closing twice is closing once", async () => {
  const running = await startTestBroker();
  await Promise.all([running.broker.close(), running.broker.close()]);
  await running.close();
});

test("a policy set with faults is not served: every fault is told and no port is opened", async () => {
  const { folder } = await policyFolder({ "orders-ci": ["observe"] });
  writeFileSync(join(folder, "accounts.yaml"), "accounts: []\nsurprise: true\n");
  writeFileSync(join(folder, "templates", "observe.yaml"), "name: observe\n");
  const started = await startBroker(testConfig(folder, "http://127.0.0.1:9"));
  if (started.ok) throw new Error("served");
  const told = JSON.stringify(started.error);
  expect(told).toContain("accounts.yaml");
  expect(told).toContain("templates/observe.yaml");
});

test("an address in use ends the start and releases the store", async () => {
  const running = await startTestBroker();
  const folder = dataFolder();
  const { folder: policies } = await policyFolder({ "orders-ci": ["observe"] });
  const config = withFolder(folder)(testConfig(policies, running.sts.url));
  const port = Number(new URL(running.url).port);
  await expect(
    startBroker({ ...config, listen: { host: "127.0.0.1", port }, logLevel: "silent" }),
  ).rejects.toThrow("EADDRINUSE");
  expect((await entriesIn(folder)).length).toBeGreaterThan(0);
  await running.close();
});

test("no record, no credential: when the store is gone every request is a 503 and STS is not called", async () => {
  const running = await startTestBroker();
  await running.broker.audit.close();
  const reply = await ask(running);
  expect([reply.status, reply.json["code"], running.sts.received.length]).toEqual([
    503,
    "record_unavailable",
    0,
  ]);
  expect((await send(running.url, "GET", "/readyz")).status).toBe(503);
  await running.broker.close().catch(() => undefined);
  await running.sts.close();
});
