/** `twokey agent-key` as a real process, and the tokens its keys make, against the real verifier. */
import { execFile } from "node:child_process";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { createTokenVerifier } from "../../src/adapters/oidc/verify-token.ts";
import { tokenSource } from "../../src/client/workload-token.ts";
import type { AgentRegistry } from "../../src/identity/registry.ts";

const AUDIENCE = "https://twokey.example.com";
const PROGRAM = `
  import { agentKeyCommand } from "./src/cli/agent-key.ts";
  import { runCommand } from "./src/cli/run-command.ts";
  process.exitCode = await runCommand(agentKeyCommand(), process.argv.slice(1));
`;

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "twokey-key-"));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

function agentKey(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const options = { cwd: join(import.meta.dirname, "../.."), env: { ...process.env, HOME: home } };
  const args = ["--import", "tsx", "--input-type=module", "-e", PROGRAM, "--", ...argv];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

interface PrintedAgent {
  readonly name: string;
  readonly issuer: string;
  readonly keys: { kid: string; x: string }[];
  readonly templates: string[];
}

const registryOf = (agent: PrintedAgent): AgentRegistry => ({
  issuers: [
    { kind: "enrolled", id: "enrolled", issuer: "twokey:enrolled", audience: AUDIENCE, maxAgeSeconds: 60 },
  ],
  agents: [{ ...agent, owner: "orders-lead", subject: agent.name, claims: {} }],
});

const sourceOf = (agentKeyFile: string, audience = AUDIENCE) =>
  tokenSource({ agentKey: agentKeyFile, tokenFile: null, audience, env: {} });

describe("agent-key create", () => {
  test("makes a key only its user may read, whose printed lines let its agent in", async () => {
    const made = await agentKey("create", "--agent", "orders-laptop");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    const path = join(home, ".twokey", "orders-laptop.key.json");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, ".twokey")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(home, ".twokey"))).toEqual(["orders-laptop.key.json"]);
    const { key } = JSON.parse(readFileSync(path, "utf8")) as { key: { d: string } };
    expect(made.stdout).not.toContain(key.d);

    const [printed] = parse(made.stdout) as PrintedAgent[];
    if (printed === undefined) throw new Error("nothing was printed");
    expect(printed).toMatchObject({ name: "orders-laptop", issuer: "enrolled", templates: ["observe"] });
    const now = new Date();
    const verify = createTokenVerifier({
      registry: () => registryOf(printed),
      fetch: () => Promise.reject(new Error("an enrolled key needs no network")),
      clock: () => now,
      onAlert: () => undefined,
      dangerouslyAllowLoopbackHttpIssuers: false,
    });
    const source = sourceOf(path);
    const [one, two] = [await source(), await source()];
    if (!one.ok || !two.ok) throw new Error("no token");
    const verified = await verify(one.value, now);
    expect(verified).toMatchObject({ value: { subject: "orders-laptop", keyId: printed.keys[0]?.kid } });
    if (!verified.ok) throw new Error("not verified");
    expect(verified.value.expiresAt - verified.value.issuedAt).toBe(60);
    const again = await verify(two.value, now);
    expect(again.ok && again.value.tokenId).not.toBe(verified.value.tokenId);
  });

  test("replaces a key only when told to, and leaves no draft behind", async () => {
    const out = join(home, "key.json");
    expect(await agentKey("create", "--agent", "a-1", "--out", out)).toMatchObject({ code: 0 });
    const before = readFileSync(out, "utf8");
    const refused = await agentKey("create", "--agent", "a-1", "--out", out);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("--force");
    expect(readFileSync(out, "utf8")).toBe(before);
    expect(await agentKey("create", "--agent", "a-1", "--out", out, "--force")).toMatchObject({ code: 0 });
    expect(readFileSync(out, "utf8")).not.toBe(before);
    expect(readdirSync(home)).toEqual(["key.json"]);
  });

  test("answers 2 for a usage error, a name with a path in it included", async () => {
    for (const argv of [
      ["create"],
      ["create", "--agent", "../x"],
      ["create", "--agent", "--help"],
      ["--nope"],
    ]) {
      expect(await agentKey(...argv)).toMatchObject({ code: 2 });
    }
    expect(readdirSync(home)).toEqual([]);
  });

  test("show prints the public part alone", async () => {
    const out = join(home, "key.json");
    const made = await agentKey("create", "--agent", "a-1", "--audience", AUDIENCE, "--out", out, "--json");
    const shown = await agentKey("show", out, "--json");
    expect(JSON.parse(shown.stdout)).toEqual(JSON.parse(made.stdout));
    expect(JSON.parse(shown.stdout)).toMatchObject({ agent: "a-1", audience: AUDIENCE });
    const { key } = JSON.parse(readFileSync(out, "utf8")) as { key: { d: string } };
    expect(shown.stdout).not.toContain(key.d);
    expect(await agentKey("show", join(home, "missing"))).toMatchObject({ code: 1 });
  });
});

describe("an agent's key file", () => {
  const write = (text: string, mode = 0o600): string => {
    const path = join(home, "k.json");
    writeFileSync(path, text, { mode });
    chmodSync(path, mode);
    return path;
  };

  test.each([0o640, 0o604, 0o660, 0o644])("of mode %o is refused with what to do", async (mode) => {
    const path = write("{}", mode);
    const token = await sourceOf(path)();
    expect(token).toMatchObject({ ok: false, error: expect.stringContaining(`chmod 600 ${path}`) as string });
  });

  test.skipIf(process.getuid?.() !== 0)("of another user is refused (needs root to make one)", async () => {
    const { chownSync } = await import("node:fs");
    const path = write("{}");
    chownSync(path, 12345, 12345);
    expect(await sourceOf(path)()).toMatchObject({
      ok: false,
      error: expect.stringContaining("belongs to another user") as string,
    });
  });

  test("that is damaged, no key, a folder or missing is refused without showing what it holds", async () => {
    const secret = "canary-private-part";
    const jwk = { kty: "OKP", crv: "Ed25519", kid: "k", x: "x", d: secret };
    const texts = ["", "null", "[]", "{", JSON.stringify({ agent: "a", key: jwk })];
    const damaged = JSON.stringify({ agent: "a", issuer: "i", audience: null, key: jwk });
    for (const text of [...texts, damaged]) {
      const token = await sourceOf(write(text))();
      expect(token).toMatchObject({ ok: false });
      expect(JSON.stringify(token)).not.toContain(secret);
    }
    symlinkSync(home, join(home, "folder"));
    for (const path of [home, join(home, "folder"), join(home, "missing")]) {
      expect(await sourceOf(path)()).toMatchObject({ ok: false });
    }
  });
});
