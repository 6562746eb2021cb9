import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import type { Entry } from "../../src/audit/entry.ts";
import { auditCommand } from "../../src/cli/audit.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { serveCommand } from "../../src/cli/serve.ts";
import { SETTINGS } from "../../src/config.ts";
import { policyFolder } from "../support/policy-folder.ts";
import { BUNDLE } from "../support/bundle.ts";

vi.setConfig({ testTimeout: 60_000 });

let out: string;
let exitCode: typeof process.exitCode;
beforeEach(() => {
  out = "";
  exitCode = process.exitCode;
  const keep = (text: string | Uint8Array): boolean => {
    out += String(text);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(keep);
  vi.spyOn(process.stderr, "write").mockImplementation(keep);
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = exitCode;
});

async function twokey(...argv: string[]): Promise<{ code: number; text: string }> {
  const child = spawn(process.execPath, [BUNDLE, ...argv], { env: { PATH: process.env["PATH"] } });
  let text = "";
  child.stdout.on("data", (data) => (text += String(data)));
  child.stderr.on("data", (data) => (text += String(data)));
  const code = await new Promise<number>((resolve) =>
    child.on("close", (ended) => {
      resolve(ended ?? -1);
    }),
  );
  return { code, text };
}

describe("twokey", () => {
  test("--help lists every command and exits 0", async () => {
    const { code, text } = await twokey("--help");
    expect(code).toBe(0);
    for (const word of [
      "serve",
      "init",
      "policy",
      "audit",
      "agent-key",
      "agent",
      "exec",
      "credential-process",
      "setup",
    ]) {
      expect(text).toContain(`\n  ${word} `);
    }
  });

  test("an unknown command exits 2 with a suggestion", async () => {
    expect(await twokey("sevre")).toMatchObject({
      code: 2,
      text: expect.stringContaining("Did you mean serve?") as string,
    });
  });

  test("an unknown option of a command exits 2", async () => {
    expect((await twokey("serve", "--surprise")).code).toBe(2);
  });
});

test("serve --help names every setting with its flag, environment name and key", async () => {
  expect(await runCommand(serveCommand(), ["--help"])).toBe(0);
  for (const { env, key, flag } of Object.values(SETTINGS)) {
    expect(out).toContain(env);
    expect(out).toContain(`in the file: ${key}`);
    if (flag !== null) expect(out).toContain(`--${flag}`);
  }
});

describe("serve --check", () => {
  test("says that configuration and policy set are sound", async () => {
    const { folder } = await policyFolder({ "orders-ci": ["observe"] });
    expect(await runCommand(serveCommand(), ["--check", "--json", "--policies", folder])).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      policy_version: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });

  test("exits 1 with every fault of the policy set", async () => {
    const { folder } = await policyFolder({ "orders-ci": ["no-such-template"] });
    writeFileSync(join(folder, "people.yaml"), "people: 7\n");
    expect(await runCommand(serveCommand(), ["--check", "--policies", folder])).toBe(1);
    expect(out).toMatch(/agents\.yaml:\d+:\d+: /);
    expect(out).toMatch(/people\.yaml:\d+:\d+: /);
  });

  test("exits 2 on a configuration that will not do", async () => {
    expect(await runCommand(serveCommand(), ["--check", "--listen", "0.0.0.0:80"])).toBe(2);
    expect(out).toContain("--tls-is-terminated-in-front");
  });
});

test("audit ls shows the last entries, agents' text inert", async () => {
  const folder = join(mkdtempSync(join(tmpdir(), "twokey-audit-")), "data");
  const store = await openAuditLog({ url: null, folder });
  const base = {
    at: new Date("2030-01-01T00:00:00Z"),
    requestId: "req-1",
    person: null,
    session: null,
    escalation: null,
    policyVersion: null,
  };
  const refused = (reason: string): Entry => ({
    ...base,
    kind: "request.refused",
    agent: "orders-ci",
    owner: "orders-lead",
    detail: { route: "POST /v1/credentials", code: "invalid_request", reason },
  });
  await store.append(refused("first"));
  await store.append(refused("\u202e\u001b[2J second"));
  await store.close();

  const audit = async (argv: readonly string[]): Promise<number> =>
    runCommand(await auditCommand(argv), argv);
  expect(await audit(["ls", "--limit", "1", "--data-dir", folder])).toBe(0);
  expect(out).toContain("orders-ci was refused POST /v1/credentials");
  expect(out).toContain("\\u{202e}");
  expect(out).not.toContain("first");
  expect(out).not.toMatch(/[\u001b\u202e]/);

  out = "";
  expect(await audit(["ls", "--json", "--data-dir", folder])).toBe(0);
  const lines = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { index: number; kind: string });
  expect(lines.map(({ index, kind }) => [index, kind])).toEqual([
    [0, "request.refused"],
    [1, "request.refused"],
  ]);
});
