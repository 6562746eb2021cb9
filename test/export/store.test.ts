/** The log as the store keeps it, exported and read back: the same tree, the same texts, the same checkpoints. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFolderExporter } from "../../src/adapters/export/folder.ts";
import { openExportFolder } from "../../src/adapters/export/read-folder.ts";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import type { LogReader } from "../../src/audit/reader.ts";
import { ENTRY_KINDS } from "../../src/audit/sentence.ts";
import { exportLog } from "../../src/flows/export-log.ts";
import { memoryLog } from "../support/memory-log.ts";
import { entryOf } from "../support/every-entry.ts";

test("what the store holds is what is exported, round after round", async () => {
  const store = await openAuditLog({ url: null, folder: null });
  // Its key signs; the origin is the store's.
  const signer = memoryLog();
  const { origin } = await store.tree.head();
  const log: LogReader = { ...store.tree, checkpoints: (query) => signer.reader.checkpoints(query) };
  const folder = mkdtempSync(join(tmpdir(), "twokey-export-"));
  const exporter = createFolderExporter(folder);
  const stopping = new AbortController().signal;
  const kinds = ENTRY_KINDS.map((kind) => {
    const { index, ...entry } = entryOf(kind);
    expect(index).toBeGreaterThanOrEqual(0);
    return entry;
  });
  for (let round = 1; round <= 3; round += 1) {
    await Promise.all(Array.from({ length: 20 }, () => kinds.map((entry) => store.append(entry))).flat());
    const size = await store.size();
    signer.texts.push(...(await store.tree.leaves({ from: signer.texts.length, to: size })));
    signer.sign({ origin });
    const exported = await exportLog({ log, exporter, open: signer.open, stopping });
    expect(exported).toEqual({ ok: true, value: { size, entries: 20 * kinds.length } });
  }
  const reader = await openExportFolder(folder);
  const all = { from: 0, to: await store.size() };
  expect(await reader.leaves(all)).toEqual(await store.tree.leaves(all));
  expect(await reader.head()).toEqual(await store.tree.head());
  await store.close();
});
