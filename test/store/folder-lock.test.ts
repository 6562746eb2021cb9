/** One process owns a PGlite folder. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import { lockFolder } from "../../src/adapters/postgres/folder-lock.ts";
import { REFUSED } from "./records.ts";

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "twokey-lock-"));
  lock = join(folder, "owner.lock");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** The parent of this test process: certainly alive, certainly not this one. */
const living = process.ppid;
/** A process that has ended and was waited for. */
const dead = spawnSync(process.execPath, ["-e", ""]).pid;
const owned = (owner: object) => {
  writeFileSync(lock, JSON.stringify({ pid: living, host: hostname(), started: null, ...owner }));
};
const holder = () => (JSON.parse(readFileSync(lock, "utf8")) as { pid: number }).pid;

test("a folder in use is refused with a message that says by whom and what to do", async () => {
  const log = await openAuditLog({ url: null, folder });
  await expect(openAuditLog({ url: null, folder })).rejects.toThrow(
    new RegExp(`in use by process ${process.pid} on .*use PostgreSQL for more`),
  );
  await log.append(REFUSED);
  await log.close();
  const again = await openAuditLog({ url: null, folder });
  expect(await again.size()).toBe(1);
  await again.close();
  expect(existsSync(lock)).toBe(false);
});

test("a lock whose owner lives is refused and left alone", () => {
  owned({});
  expect(() => lockFolder(folder)).toThrow(`process ${living}`);
  expect(holder()).toBe(living);
});

test("a lock whose owner is dead is taken over", () => {
  owned({ pid: dead });
  const unlock = lockFolder(folder);
  expect(holder()).toBe(process.pid);
  unlock();
  expect(existsSync(lock)).toBe(false);
});

test("a lock with this process's own pid from an earlier life is taken over", () => {
  owned({ pid: process.pid });
  lockFolder(folder)();
  expect(existsSync(lock)).toBe(false);
});

test.skipIf(process.platform !== "linux")(
  "a lock whose pid was given to another process is taken over",
  () => {
    owned({ started: "1" });
    lockFolder(folder)();
    expect(existsSync(lock)).toBe(false);
  },
);

test("a lock of another host is refused, because its process cannot be seen from here", () => {
  owned({ host: "elsewhere", pid: dead });
  expect(() => lockFolder(folder)).toThrow(/on elsewhere.*delete/);
});

test("a lock that is not understood is refused", () => {
  writeFileSync(lock, "");
  expect(() => lockFolder(folder)).toThrow("not a lock file");
});

test("while another process takes a dead owner's lock over, nobody else does", () => {
  owned({ pid: dead });
  mkdirSync(`${lock}.takeover`);
  expect(() => lockFolder(folder)).toThrow("taking over");
  expect(holder()).toBe(dead);
});
