/** An export in a folder read back as the log it was, and as no more than that where files are missing or damaged. */
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { createFolderExporter } from "../../src/adapters/export/folder.ts";
import { openExportFolder } from "../../src/adapters/export/read-folder.ts";
import {
  consistencyProof,
  inclusionProof,
  provesConsistency,
  provesInclusion,
} from "../../src/audit/proof.ts";
import { leafHash, rootOf } from "../../src/audit/tree.ts";
import { exportLog } from "../../src/flows/export-log.ts";
import { memoryLog, ORIGIN } from "../support/memory-log.ts";

const log = memoryLog();
const original = mkdtempSync(join(tmpdir(), "twokey-export-"));

/** Exported at 700, 1,300 and 2,100 entries: batches that end at each, and at each thousand. */
beforeAll(async () => {
  for (const size of [700, 1_300, 2_100]) {
    log.add(size - log.texts.length);
    log.sign();
    const exporter = createFolderExporter(original);
    await exportLog({ log: log.reader, exporter, open: log.open, stopping: new AbortController().signal });
  }
});

const copy = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "twokey-export-"));
  cpSync(original, folder, { recursive: true });
  return folder;
};
const entriesOf = (folder: string): string[] => readdirSync(join(folder, "entries")).sort();
const file = (folder: string, n: number): string => join(folder, "entries", entriesOf(folder)[n] ?? "");

test("head, texts and checkpoints are those of the log", async () => {
  const reader = await openExportFolder(original);
  expect(entriesOf(original)).toHaveLength(5);
  expect(await reader.head()).toEqual(await log.reader.head());
  expect(await reader.leaves({ from: 0, to: 2_100 })).toEqual(log.texts);
  expect(await reader.leaves({ from: 650, to: 1_350 })).toEqual(log.texts.slice(650, 1_350));
  expect(await reader.leaves({ from: 2_090, to: 9_000 })).toEqual(log.texts.slice(2_090));
  const notes = log.checkpoints.map(({ size, note }) => ({ size, note }));
  expect(await reader.checkpoints({ after: 0, limit: 10 })).toMatchObject(notes);
  expect(await reader.checkpoints({ after: 700, limit: 1 })).toMatchObject(notes.slice(1, 2));
  expect(await reader.latestCheckpoint()).toMatchObject(notes.at(-1) ?? {});
});

test("it proves entries and earlier trees to whoever has a checkpoint", async () => {
  const reader = await openExportFolder(original);
  const hashes = { read: (wanted: readonly { level: number; index: number }[]) => reader.hashes(wanted) };
  const root = rootOf((await log.reader.head()).frontier);
  const leaf = leafHash(Buffer.from(log.texts[1_234] ?? ""));
  const inclusion = await inclusionProof(1_234, 2_100, hashes);
  expect(provesInclusion({ leaf, index: 1_234, size: 2_100, root }, inclusion)).toBe(true);
  const opened = log.open(log.checkpoints[0]?.note ?? "");
  if (!opened.ok) throw new Error(opened.error);
  const claim = { old: 700, oldRoot: opened.value.root, size: 2_100, root };
  expect(provesConsistency(claim, await consistencyProof(700, 2_100, hashes))).toBe(true);
});

test.each([
  [
    "is gone",
    (path: string) => {
      rmSync(path);
    },
  ],
  [
    "ends too early",
    (path: string) => {
      truncateSync(path, 1_000);
    },
  ],
  [
    "lacks its last line break",
    (path: string) => {
      writeFileSync(path, readFileSync(path, "utf8").trimEnd());
    },
  ],
  [
    "holds a line too many",
    (path: string) => {
      appendFileSync(path, "{}\n");
    },
  ],
  [
    "is no UTF-8",
    (path: string) => {
      writeFileSync(path, Buffer.concat([Buffer.of(0xff), readFileSync(path)]));
    },
  ],
])("the log ends before a file that %s", async (_what, damage) => {
  const folder = copy();
  damage(file(folder, 2));
  const reader = await openExportFolder(folder);
  expect(await reader.leaves({ from: 0, to: 2_100 })).toEqual(log.texts.slice(0, 1_000));
  expect((await reader.head()).frontier.size).toBe(1_000);
  expect((await reader.latestCheckpoint())?.size).toBe(2_100);
});

test("a changed text is read as it is, so that its hash tells", async () => {
  const folder = copy();
  writeFileSync(file(folder, 0), readFileSync(file(folder, 0), "utf8").replace("orders-ci", "orders-xx"));
  const reader = await openExportFolder(folder);
  const { frontier, origin } = await reader.head();
  expect([frontier.size, origin]).toEqual([2_100, ORIGIN]);
  expect(rootOf(frontier)).not.toEqual(rootOf((await log.reader.head()).frontier));
});

test("a byte order mark is a byte like any other", async () => {
  const folder = copy();
  writeFileSync(file(folder, 0), `\ufeff${readFileSync(file(folder, 0), "utf8")}`);
  const [first] = await (await openExportFolder(folder)).leaves({ from: 0, to: 1 });
  expect(first).toBe(`\ufeff${log.texts[0] ?? ""}`);
});

test("of files that overlap a sound one is read", async () => {
  const folder = copy();
  const put = createFolderExporter(folder);
  await put.put({ from: 700, texts: log.texts.slice(700, 900) });
  await put.put({ from: 800, texts: log.texts.slice(800, 1_000) });
  rmSync(file(folder, 2));
  expect(entriesOf(folder)[1]).toBe("000000000000700-000000000000900.jsonl");
  writeFileSync(join(folder, "entries", "000000000000700-000000000000950.jsonl"), "{}\n");
  const reader = await openExportFolder(folder);
  expect(await reader.leaves({ from: 0, to: 2_100 })).toEqual(log.texts);
});

test("a name of more than a batch is no batch's", async () => {
  const folder = copy();
  writeFileSync(join(folder, "entries", "000000000000000-000000000002100.jsonl"), "{}\n".repeat(2_100));
  expect(await (await openExportFolder(folder)).leaves({ from: 0, to: 2_100 })).toEqual(log.texts);
});

test("a folder that is no export is not read as an empty one", async () => {
  await expect(openExportFolder(mkdtempSync(join(tmpdir(), "twokey-none-")))).rejects.toThrow("ENOENT");
});
