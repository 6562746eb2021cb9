/** `twokey policy publish`, run as people run it, against local AWS. */
import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { publishedPolicies } from "../../src/policy/published-policies.ts";
import { ADMIN_KEYS, startWorld } from "../local-aws/world.ts";
import { served } from "../policy/served.ts";
import { BUNDLE } from "../support/bundle.ts";

const REPOSITORY = join(import.meta.dirname, "..", "..");

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `endpoint` by flag or by environment, as both are promised. */
function publish(endpoint: string, words: readonly string[]): Promise<Run> {
  const dataDir = join(mkdtempSync(join(tmpdir(), "twokey-publish-")), "none");
  const args = [BUNDLE, "policy", "publish"];
  const env = {
    PATH: process.env["PATH"],
    HOME: "/nonexistent",
    // The SDK warns of Node 20 on standard error.
    NODE_NO_WARNINGS: "1",
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: ADMIN_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ADMIN_KEYS.secretAccessKey,
  };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...args, "--data-dir", dataDir, ...words],
      { cwd: REPOSITORY, env },
      (_, out, err) => {
        resolve({ code: child.exitCode ?? -1, out, err });
      },
    );
  });
}

test("shows the plan first, does nothing unasked, publishes, and then has nothing left to do", async () => {
  const world = await startWorld();
  const wanted = publishedPolicies(served);

  const dry = await publish(world.url, ["--dry-run"]);
  expect([dry.code, dry.err]).toEqual([0, ""]);
  expect(dry.out).toContain(`${wanted.length} to create, 0 to remove, 0 there already`);
  for (const { arn } of wanted) expect(dry.out).toContain(`+ ${arn}`);

  const unasked = await publish(world.url, []);
  expect(unasked.code).toBe(1);
  expect(unasked.err).toContain("nothing was changed");

  const done = await publish(world.url, ["--yes", "--json"]);
  expect(done.code).toBe(0);
  expect(JSON.parse(done.out)).toMatchObject({
    ok: true,
    without_record: "there is no record here",
    done: { created: wanted.map(({ arn }) => arn), removed: [] },
  });

  const again = await publish("http://127.0.0.1:1", ["--endpoint-url", world.url, "--json", "--yes"]);
  expect(JSON.parse(again.out)).toMatchObject({ ok: true, create: [], remove: [], done: null });
});

test("credentials of another account than the one named are refused", async () => {
  const world = await startWorld();
  const run = await publish(world.url, ["--account", "999988887777", "--yes"]);
  expect(run.code).toBe(1);
  expect(run.err).toContain("belong to account 111122223333, not 999988887777");
});
