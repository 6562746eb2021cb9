/**
 * `source .twokey/demo.env` sets AWS_CONFIG_FILE=/dev/null. A command that renames its file into place would, run by
 * root, take /dev/null from the machine. Tried on a socket, which the machine can spare.
 */
import { mkdtempSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createKey } from "../../src/cli/agent-key.ts";
import { writePrivateFile } from "../../src/client/private-file.ts";
import { newcomer, start } from "./program.ts";
import { BUNDLE } from "../support/bundle.ts";

const path = join(mkdtempSync(join(tmpdir(), "twokey-special-")), "socket");
const server = createServer();
beforeAll(async () => {
  await once(server.listen(path), "listening");
});
afterAll(() => {
  server.close();
});

test("setup aws leaves a config path that is not a file alone, and says so", async () => {
  const { folder, env } = newcomer();
  const args = [BUNDLE, "setup", "aws", "--template", "observe", "--write"];
  const ended = await start(process.execPath, args, { folder, env: { ...env, AWS_CONFIG_FILE: path } }).ended;
  expect(ended).toMatchObject({ code: 1, out: "", err: expect.stringContaining("is not a file") as string });
  expect(statSync(path).isSocket()).toBe(true);
});

test("a private file never takes the place of something that is not a file", () => {
  expect(writePrivateFile(path, "text")).toEqual({ ok: false, error: `${path} is not a file.` });
  expect(statSync(path).isSocket()).toBe(true);
});

test("a key made with --force never takes the place of something that is not a file", async () => {
  const made = await createKey({ agent: "orders-laptop", out: path, force: true });
  expect(made).toEqual({ ok: false, error: `${path} is not a file.` });
  expect(statSync(path).isSocket()).toBe(true);
});
