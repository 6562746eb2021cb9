/** What is exported, in which order, and that nothing is where the log is not what it was. */
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createFolderExporter } from "../../src/adapters/export/folder.ts";
import { openExportFolder } from "../../src/adapters/export/read-folder.ts";
import type { AuditExporter, ExportBatch, ExportedCheckpoint } from "../../src/audit/export.ts";
import type { LogReader } from "../../src/audit/reader.ts";
import { exportLog } from "../../src/flows/export-log.ts";
import { ok } from "../../src/result.ts";
import { memoryLog, type MemoryLog } from "../support/memory-log.ts";

const NEVER = new AbortController().signal;

/** Keeps what it is given, and holds the caller to the order. `fail`: throws at the call of that number, from 0. */
function memoryExporter() {
  const entries = new Map<number, string>();
  const sealed: ExportedCheckpoint[] = [];
  const batches: [number, number][] = [];
  const control = { failAt: Number.POSITIVE_INFINITY, calls: 0 };
  const count = (): void => {
    control.calls += 1;
    if (control.calls > control.failAt) throw new Error("the storage is gone");
  };
  const exporter: AuditExporter = {
    name: "memory",
    latest: async () => sealed.toSorted((a, b) => b.size - a.size)[0] ?? null,
    put: async ({ from, texts }: ExportBatch) => {
      count();
      expect(texts.length).toBeGreaterThan(0);
      batches.push([from, from + texts.length]);
      for (const [n, text] of texts.entries()) {
        expect(entries.get(from + n) ?? text, "an entry was exported as something else").toBe(text);
        entries.set(from + n, text);
      }
      return ok(null);
    },
    seal: async (checkpoint) => {
      count();
      for (let at = 0; at < checkpoint.size; at += 1)
        expect(entries.has(at), `entry ${at} is missing`).toBe(true);
      sealed.push(checkpoint);
      return ok(null);
    },
  };
  return { exporter, entries, sealed, batches, control };
}

const run = ({
  log,
  exporter,
  reader = log.reader,
  stopping = NEVER,
}: {
  log: MemoryLog;
  exporter: AuditExporter;
  reader?: LogReader;
  stopping?: AbortSignal;
}) => exportLog({ log: reader, exporter, open: log.open, stopping });

test("a log without a checkpoint exports nothing", async () => {
  const { exporter, batches } = memoryExporter();
  const log = memoryLog();
  expect(await run({ log, exporter })).toEqual(ok({ size: 0, entries: 0 }));
  log.add(3);
  expect(await run({ log, exporter })).toEqual(ok({ size: 0, entries: 0 }));
  expect(batches).toEqual([]);
});

test("entries go out up to the newest checkpoint in batches that end at thousands, and the checkpoint last", async () => {
  const { exporter, batches, sealed, entries } = memoryExporter();
  const log = memoryLog();
  log.add(1_500);
  log.sign();
  log.add(900);
  const newest = log.sign();
  log.add(7);
  expect(await run({ log, exporter })).toEqual(ok({ size: 2_400, entries: 2_400 }));
  expect(batches).toEqual([
    [0, 1_000],
    [1_000, 2_000],
    [2_000, 2_400],
  ]);
  expect(sealed).toEqual([{ size: 2_400, note: newest.note }]);
  expect([...entries.values()]).toEqual(log.texts.slice(0, 2_400));
});

test("the next run goes on where the export ends, and one without news does nothing", async () => {
  const { exporter, batches, sealed } = memoryExporter();
  const log = memoryLog();
  log.add(1_200);
  log.sign();
  await run({ log, exporter });
  expect(await run({ log, exporter })).toEqual(ok({ size: 1_200, entries: 0 }));
  log.add(1_100);
  log.sign();
  expect(await run({ log, exporter })).toEqual(ok({ size: 2_300, entries: 1_100 }));
  expect(batches.slice(2)).toEqual([
    [1_200, 2_000],
    [2_000, 2_300],
  ]);
  expect(sealed.map(({ size }) => size)).toEqual([1_200, 2_300]);
});

describe("nothing is put, and the fault told, where", () => {
  /** A log of 50 entries, exported at 20, with later checkpoints at 30 and 50. */
  async function exported() {
    const memory = memoryExporter();
    const log = memoryLog();
    log.add(20);
    log.sign();
    await run({ log, exporter: memory.exporter });
    log.add(10);
    log.sign();
    log.add(20);
    log.sign();
    const before = memory.control.calls;
    const fault = async (reader?: LogReader) => {
      const answer = await run({ log, exporter: memory.exporter, ...(reader && { reader }) });
      expect(memory.control.calls - before, "something was put").toBe(0);
      return answer.ok ? null : answer.error;
    };
    return { ...memory, log, fault };
  }

  test("the log is shorter than what was exported", async () => {
    const { log, fault } = await exported();
    log.texts.length = 19;
    log.checkpoints.length = 0;
    expect(await fault()).toEqual({ fault: "log_rolled_back", promised: 20, holds: 19 });
  });

  test("an exported entry was changed, though all that follows was signed anew", async () => {
    const { log, fault } = await exported();
    log.texts[7] = "{}";
    log.checkpoints.length = 0;
    log.sign();
    expect(await fault()).toEqual({ fault: "log_forked", size: 20 });
  });

  test("the log goes on from the exported tree by its hashes alone, and its head is of another", async () => {
    const { log, fault } = await exported();
    const forked = log.copy();
    forked.texts[7] = "{}";
    const head = () => forked.reader.head();
    expect(await fault({ ...log.reader, head })).toEqual({ fault: "log_forked", size: 20 });
  });

  test("the hashes it goes on from are not those of the exported tree", async () => {
    const { log, fault } = await exported();
    let calls = 0;
    const hashes: LogReader["hashes"] = async (wanted) => {
      calls += 1;
      const found = await log.reader.hashes(wanted);
      return calls === 1 ? found.map(() => Buffer.alloc(32, 1)) : found;
    };
    expect(await fault({ ...log.reader, hashes })).toEqual({ fault: "log_forked", size: 20 });
  });

  test("an entry in the middle is gone", async () => {
    const { log, fault } = await exported();
    const leaves: LogReader["leaves"] = async ({ from, to }) =>
      log.texts.slice(from, to).filter((text) => text !== log.texts[25]);
    expect(await fault({ ...log.reader, leaves })).toMatchObject({ fault: "log_rolled_back", promised: 30 });
  });

  test.each([25, 29, 30, 49])(
    "entry %i is not the one that the checkpoints were signed over",
    async (index) => {
      const { log, fault } = await exported();
      log.texts[index] = "{}";
      expect(await fault()).toEqual({ fault: "log_forked", size: index < 30 ? 30 : 50 });
    },
  );

  test("a checkpoint between does not fit, though the newest does", async () => {
    const { log, fault } = await exported();
    log.checkpoints.splice(1, 1);
    log.sign({ size: 40, root: Buffer.alloc(32, 1) });
    expect(await fault()).toEqual({ fault: "log_forked", size: 40 });
  });

  test("a checkpoint promises more than the log holds", async () => {
    const { log, fault } = await exported();
    log.sign({ size: 51 });
    expect(await fault()).toEqual({ fault: "log_rolled_back", promised: 51, holds: 50 });
  });

  test("a checkpoint is signed by another key", async () => {
    const { log, fault } = await exported();
    const other = memoryLog();
    other.texts.push(...log.texts);
    log.checkpoints[2] = other.sign();
    expect(await fault()).toEqual({
      fault: "checkpoint_not_ours",
      of: "log",
      size: 50,
      reason: "no known key signed it",
    });
  });

  test("a checkpoint is of another log", async () => {
    const { log, fault } = await exported();
    log.checkpoints.length = 0;
    log.sign({ origin: "another.example.com/log" });
    expect(await fault()).toMatchObject({
      fault: "checkpoint_not_ours",
      of: "log",
      reason: "is of another log",
    });
  });

  test("a checkpoint is kept under another size than it is of", async () => {
    const { log, fault } = await exported();
    const [, second, third] = log.checkpoints;
    if (second === undefined || third === undefined) throw new Error("no checkpoints");
    log.checkpoints[1] = { ...second, size: 31 };
    expect(await fault()).toMatchObject({ fault: "checkpoint_not_ours", size: 31 });
  });

  test("somebody put a checkpoint into the export that no key of the log signed", async () => {
    const { sealed, fault } = await exported();
    const other = memoryLog();
    other.add(21);
    sealed.push(other.sign());
    expect(await fault()).toMatchObject({ fault: "checkpoint_not_ours", of: "export", size: 21 });
  });

  test("the entries are others when they are read to be put than when they were verified", async () => {
    const { log, fault } = await exported();
    let reads = 0;
    const leaves: LogReader["leaves"] = async ({ from, to }) => {
      reads += 1;
      // 20 to 30 and 30 to 50 are verified; then 20 to 50 is put.
      return log.texts
        .slice(from, to)
        .map((text) => (reads > 2 ? text.replace("orders-ci", "someone") : text));
    };
    expect(await fault({ ...log.reader, leaves })).toEqual({ fault: "log_forked", size: 50 });
    expect(reads).toBe(3);
  });
});

test("what is there under the name already and is something else is a fault that names it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "twokey-export-"));
  const exporter = createFolderExporter(folder);
  await exporter.put({ from: 0, texts: ["{}", "{}"] });
  const log = memoryLog();
  log.add(2);
  log.sign();
  const answer = await run({ log, exporter });
  const object = join(folder, "entries/000000000000000-000000000000002.jsonl");
  expect(answer).toEqual({ ok: false, error: { fault: "export_conflict", object } });
  expect(readdirSync(folder)).toEqual(["entries"]);
});

test("two replicas that export at once make one export", async () => {
  const folder = mkdtempSync(join(tmpdir(), "twokey-export-"));
  const log = memoryLog();
  log.add(2_345);
  log.sign();
  const exporters = [1, 2, 3].map(() => createFolderExporter(folder));
  const answers = await Promise.all(exporters.map((exporter) => run({ log, exporter })));
  expect(answers).toEqual([1, 2, 3].map(() => ok({ size: 2_345, entries: 2_345 })));
  expect(readdirSync(join(folder, "entries"))).toHaveLength(3);
});

test("a stop ends it between two batches without a seal, and the next run seals", async () => {
  const { exporter, batches, sealed } = memoryExporter();
  const log = memoryLog();
  log.add(2_500);
  log.sign();
  const stop = new AbortController();
  const stopped: AuditExporter = {
    ...exporter,
    put: async (batch) => {
      stop.abort();
      return exporter.put(batch);
    },
  };
  expect(await run({ log, exporter: stopped, stopping: stop.signal })).toEqual(ok({ size: 0, entries: 0 }));
  expect([batches, sealed]).toEqual([[[0, 1_000]], []]);
  expect(await run({ log, exporter })).toEqual(ok({ size: 2_500, entries: 2_500 }));
});

test("whatever happens in whatever order, an export is the beginning of the log up to a signed checkpoint", async () => {
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: 1, max: 700 }) }),
    fc.constant("sign" as const),
    fc.record({ exportFailingAt: fc.integer({ min: 0, max: 6 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const folder = mkdtempSync(join(tmpdir(), "twokey-export-"));
      const log = memoryLog();
      const attempt = async (failAt: number) => {
        const memory = memoryExporter();
        memory.control.failAt = failAt;
        const real = createFolderExporter(folder);
        // Crashes before the call, or after it was done and before that was known.
        const failing: AuditExporter = {
          ...real,
          put: async (batch) => {
            if (failAt % 2 === 0) await memory.exporter.put(batch);
            const done = await real.put(batch);
            if (failAt % 2 === 1) await memory.exporter.put(batch);
            return done;
          },
        };
        return run({ log, exporter: failing });
      };
      log.add(1);
      for (const next of steps) {
        if (next === "sign") log.sign();
        else if ("add" in next) log.add(next.add);
        else await attempt(next.exportFailingAt).catch(() => undefined);
      }
      const { size } = log.sign();
      expect(await attempt(Number.POSITIVE_INFINITY)).toMatchObject({ ok: true, value: { size } });
      const reader = await openExportFolder(folder);
      expect(await reader.leaves({ from: 0, to: size + 1 })).toEqual(log.texts);
      expect(await reader.head()).toEqual(await log.reader.head());
    }),
    { numRuns: 40 },
  );
});
