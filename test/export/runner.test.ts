/** The loop a broker runs: exports what was signed, tells faults loudly, and exports once more when it stops. */
import { Writable } from "node:stream";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { AuditExporter, ExportedCheckpoint } from "../../src/audit/export.ts";
import { ok } from "../../src/result.ts";
import { startAuditExport } from "../../src/wire/audit-export.ts";
import { memoryLog } from "../support/memory-log.ts";

const LONG_MS = 3_600_000;

function stand(everyMs = LONG_MS) {
  const log = memoryLog();
  const sealed: ExportedCheckpoint[] = [];
  const lines: Record<string, unknown>[] = [];
  const waiting: { done: () => boolean; resolve: () => void }[] = [];
  const look = (): void => {
    for (const { done, resolve } of waiting) if (done()) resolve();
  };
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      look();
      done();
    },
  });
  const exporter: AuditExporter = {
    name: "s3://acme-audit/",
    latest: async () => sealed.at(-1) ?? null,
    put: async () => ok(null),
    seal: async (checkpoint) => {
      sealed.push(checkpoint);
      look();
      return ok(null);
    },
  };
  const start = (changes: Partial<AuditExporter> = {}) =>
    startAuditExport({
      exporter: { ...exporter, ...changes },
      log: log.reader,
      open: log.open,
      logger: pino({ level: "debug" }, destination),
      everyMs,
    });
  const until = (done: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      waiting.push({ done, resolve });
      look();
    });
  return { log, sealed, lines, start, until };
}

test("what is signed is exported, round after round", async () => {
  const { log, sealed, start, until } = stand(1);
  log.add(3);
  log.sign();
  const running = start();
  await until(() => sealed.length === 1);
  log.add(2);
  log.sign();
  await until(() => sealed.length === 2);
  await running.close(LONG_MS);
  expect(sealed.map(({ size }) => size)).toEqual([3, 5]);
});

test("a stop does not wait for the next round, and exports what was signed since", async () => {
  const { log, sealed, start, until } = stand();
  log.add(3);
  log.sign();
  const running = start();
  await until(() => sealed.length === 1);
  log.add(1);
  log.sign();
  await running.close(LONG_MS);
  expect(sealed.map(({ size }) => size)).toEqual([3, 4]);
});

test("a stop ends with its grace where the storage does not answer", async () => {
  const { log, sealed, start } = stand();
  log.add(3);
  log.sign();
  const running = start({ latest: () => new Promise(() => undefined) });
  await running.close(20);
  expect(sealed).toEqual([]);
});

test("a log that is not what it was is an error in the operator's log, with the fault and the place", async () => {
  const { log, lines, start, until } = stand();
  log.add(3);
  log.sign();
  log.texts[1] = "{}";
  const running = start();
  await until(() => lines.length === 1);
  expect(lines[0]).toMatchObject({ level: 50, to: "s3://acme-audit/", fault: "log_forked", size: 3 });
  await running.close(LONG_MS);
});

test("a storage that is out of reach is an error in the operator's log, without its words", async () => {
  const { lines, start, until } = stand();
  const running = start({
    latest: async () => {
      throw new TypeError("CANARY");
    },
  });
  await until(() => lines.length === 1);
  await running.close(LONG_MS);
  expect(lines[0]).toMatchObject({ level: 50, error: "TypeError" });
  expect(JSON.stringify(lines)).not.toContain("CANARY");
});
