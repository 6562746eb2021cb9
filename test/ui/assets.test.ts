/** The pages' files: served from memory, each with its type, and missed in plain words. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadUiAssets } from "../../src/adapters/ui-assets/load.ts";

test("every file the pages ask for is there, with its type", () => {
  const assets = loadUiAssets();
  const types = [...assets].map(([name, { type }]) => `${name} ${type}`).sort();
  expect(types).toEqual([
    "pico.css text/css; charset=utf-8",
    "twokey.css text/css; charset=utf-8",
    "twokey.js text/javascript; charset=utf-8",
    "twokey.svg image/svg+xml",
  ]);
});

test("the tag of a file changes with its bytes, and files of other kinds are left out", async () => {
  const folder = await mkdtemp(join(tmpdir(), "twokey-assets-"));
  await writeFile(join(folder, "a.css"), "a{}");
  await writeFile(join(folder, "notes.txt"), "no");
  const before = loadUiAssets(folder).get("a.css")?.etag;
  await writeFile(join(folder, "a.css"), "b{}");
  const after = loadUiAssets(folder);
  await rm(folder, { recursive: true });
  expect(before).toMatch(/^"[\w-]{22}"$/);
  expect(after.get("a.css")?.etag).not.toBe(before);
  expect([...after.keys()]).toEqual(["a.css"]);
});

test("where the pages were never built, it says what to do", () => {
  expect(() => loadUiAssets(join(tmpdir(), "twokey-no-such-folder"))).toThrow("run npm run build");
});
