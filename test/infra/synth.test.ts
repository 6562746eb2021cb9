/** `npx cdk synth` as a person runs it: offline, from a clone, without a finding; and what cfn-lint says where it is. */
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const out = mkdtempSync(join(tmpdir(), "twokey-cdk-"));
const TIMEOUT = 120_000;

test(
  "every stack is written, with no finding and without the network",
  async () => {
    const { stderr } = await promisify(execFile)(
      "npx",
      ["--no-install", "cdk", "synth", "--quiet", "--output", out, "--no-notices"],
      // A proxy that is not there: whatever reaches for the network fails.
      { cwd: ROOT, env: { ...process.env, HTTPS_PROXY: "http://127.0.0.1:9", CI: "true" } },
    );
    expect(stderr).not.toMatch(/error|warning/i);
    const templates = readdirSync(out).filter((name) => name.endsWith(".template.json"));
    expect(templates).toContain("TwokeyAccountRoles-demo.template.json");
    expect(templates).toContain("TwokeyOrganizationGuard.template.json");
  },
  TIMEOUT,
);

const lint = spawnSync("cfn-lint", ["--version"]).status === 0;

// Not skipped elsewhere: a machine without it has no such test.
if (lint)
  test(
    "cfn-lint finds no error in what was written",
    () => {
      expect(existsSync(out)).toBe(true);
      const files = readdirSync(out).filter((name) => name.endsWith(".template.json"));
      expect(files.length).toBeGreaterThan(0);
      const { status, stdout } = spawnSync("cfn-lint", ["--non-zero-exit-code", "error", ...files], {
        cwd: out,
        encoding: "utf8",
      });
      expect([status, stdout.split("\n").filter((line) => line.startsWith("E"))]).toEqual([0, []]);
    },
    TIMEOUT,
  );
