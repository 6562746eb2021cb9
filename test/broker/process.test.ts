import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import { policyFolder, type EnrolledAgent } from "../support/policy-folder.ts";
import { serveProcess, type ServeProcess } from "../support/serve-process.ts";
import { startStubSts, type StubSts } from "../support/stub-sts.ts";
import { ask } from "../support/test-broker.ts";

// A whole broker starts in each.
vi.setConfig({ testTimeout: 60_000 });

let sts: StubSts;
let data: string;
let serving: ServeProcess;
let agent: EnrolledAgent;

beforeEach(async () => {
  sts = await startStubSts();
  data = join(mkdtempSync(join(tmpdir(), "twokey-process-")), "data");
  const { folder, agents } = await policyFolder({ "orders-ci": ["observe"] });
  agent = agents["orders-ci"] as EnrolledAgent;
  serving = await serveProcess({ policies: folder, data, sts: sts.url });
});
afterEach(async () => {
  serving.child.kill("SIGKILL");
  await serving.ended;
  await sts.close();
});

/** STS never answers; resolves once it was asked. */
function stalledSts(): Promise<void> {
  return new Promise((resolve) => {
    sts.answer = () => {
      resolve();
    };
  });
}

test("killed between intent and outcome, the broker leaves the intent on record and delivered nothing", async () => {
  const asked = stalledSts();
  const answer = ask({ url: serving.url, agent }).then(
    () => "answered",
    () => "no answer",
  );
  await asked;
  serving.child.kill("SIGKILL");
  expect(await serving.ended).toBe("SIGKILL");
  expect(await answer).toBe("no answer");

  const store = await openAuditLog({ url: null, folder: data });
  const [session] = await store.sessions({ agent: "orders-ci", limit: 10, before: null });
  const kinds = (await store.entries({ from: 0, limit: 100 })).map(({ kind }) => kind);
  await store.close();
  expect(session).toMatchObject({ state: "intent", accessKeyId: null, expiresAt: null });
  expect(session?.session.id).toBe(sts.received[0]?.get("SourceIdentity"));
  expect(kinds).toEqual(["policy.loaded", "broker.started", "session.intent"]);
});

test("SIGTERM ends an idle broker with 0, its stop on record", async () => {
  serving.child.kill("SIGTERM");
  expect(await serving.ended).toBe(0);
  const store = await openAuditLog({ url: null, folder: data });
  const kinds = (await store.entries({ from: 0, limit: 100 })).map(({ kind }) => kind);
  await store.close();
  expect(kinds).toEqual(["policy.loaded", "broker.started", "broker.stopped"]);
});

test("a second SIGTERM ends a busy broker at once", async () => {
  const asked = stalledSts();
  const answer = ask({ url: serving.url, agent }).catch(() => "no answer");
  await asked;
  serving.child.kill("SIGTERM");
  // The first is being handled once the broker says it is unready.
  while ((await fetch(`${serving.url}/readyz`)).status !== 503);
  serving.child.kill("SIGTERM");
  expect(await serving.ended).toBe(1);
  expect(await answer).toBe("no answer");
});
