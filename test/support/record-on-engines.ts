/**
 * A record with its audit key on each engine, as an operator's command finds it: a data folder, or a database and a key
 * file named by environment. Commands run in this process; what they print is answered.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, vi } from "vitest";
import { openAuditKey, verifyEd25519, type AuditKey } from "../../src/adapters/key-files/key-files.ts";
import { openAuditLog, type Store } from "../../src/adapters/postgres/audit-log.ts";
import { openPglite, openPostgres, type Database } from "../../src/adapters/postgres/sql.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { signDue } from "../../src/flows/sign-checkpoint.ts";
import { postgresInstalled, startPostgres, type Postgres } from "./postgres.ts";

export interface RecordPlace {
  readonly embedded: boolean;
  /** Of the audit key. */
  readonly keyFile: string;
  readonly key: AuditKey;
  /** The broker's own way in. */
  open(): Promise<Store>;
  /** Somebody with the database and nothing else. */
  tamper(work: (db: Database) => Promise<unknown>): Promise<void>;
  /** `twokey <noun> …` on this record. */
  run(noun: Noun, ...argv: readonly string[]): Promise<Ran>;
}

export type Noun = (argv: readonly string[]) => Promise<Command>;

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The same tests on a record of each engine. */
export function onEveryRecord(title: string, tests: (place: RecordPlace) => void): void {
  describe(`${title}, in an embedded store`, () => {
    const folder = join(mkdtempSync(join(tmpdir(), "twokey-record-")), "data");
    const keyFile = join(folder, "audit-key.pem");
    tests({
      ...common(keyFile),
      embedded: true,
      open: () => openAuditLog({ url: null, folder }),
      tamper: async (work) => closing(await openPglite(folder), work),
      run: (noun, ...argv) => ran(noun, [...argv, "--data-dir", folder], {}),
    });
  });
  const skipped = postgresInstalled ? "" : " (skipped: needs PostgreSQL)";
  describe.skipIf(!postgresInstalled)(`${title}, in PostgreSQL${skipped}`, () => {
    let cluster: Postgres | null = null;
    beforeAll(async () => {
      cluster = await startPostgres();
    });
    afterAll(() => cluster?.stop());
    const url = (): string => cluster?.url ?? "";
    const keyFile = join(mkdtempSync(join(tmpdir(), "twokey-key-")), "audit-key.pem");
    tests({
      ...common(keyFile),
      embedded: false,
      open: () => openAuditLog({ url: url(), folder: null }),
      tamper: async (work) =>
        closing(await openPostgres(url(), { maxConnections: 2, timeoutMs: 5_000 }), work),
      run: (noun, ...argv) => ran(noun, argv, { TWOKEY_DATABASE_URL: url(), TWOKEY_AUDIT_KEY_FILE: keyFile }),
    });
  });
}

function common(keyFile: string): Pick<RecordPlace, "keyFile" | "key"> {
  const key = openAuditKey(keyFile, true);
  if (!key.ok) throw new Error(key.error);
  return { keyFile, key: key.value };
}

async function closing(db: Database, work: (db: Database) => Promise<unknown>): Promise<void> {
  try {
    await work(db);
  } finally {
    await db.close();
  }
}

async function ran(noun: Noun, argv: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  const told = { out: "", err: "" };
  const listen = (stream: "stdout" | "stderr", to: "out" | "err") =>
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      told[to] += String(text);
      return true;
    });
  const spies = [listen("stdout", "out"), listen("stderr", "err")];
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    return { code: await runCommand(await noun(argv), argv), ...told };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
  }
}

/** Signs the log as it is, as the broker does, and answers the note. */
export async function signNow(store: Store, key: AuditKey): Promise<string> {
  const keep = (size: number, note: string) => store.keepCheckpoint(size, note);
  const signed = await signDue({ tree: store.tree, keep, key, verify: verifyEd25519 }, null);
  if (!signed.ok) throw new Error(`not signed: ${signed.error.reason}`);
  return (await store.tree.latestCheckpoint())?.note ?? "";
}
