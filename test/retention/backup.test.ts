/**
 * A backup of PostgreSQL, restored for real: what goes on as before, and how a restore of an older one is told. As
 * docs/backup.md has it.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createFolderExporter } from "../../src/adapters/export/folder.ts";
import { openAuditKey, verifyEd25519 } from "../../src/adapters/key-files/key-files.ts";
import { openAuditLog, type Store } from "../../src/adapters/postgres/audit-log.ts";
import { openCheckpoint } from "../../src/audit/checkpoint.ts";
import { exportLog } from "../../src/flows/export-log.ts";
import { verifyLog } from "../../src/flows/verify-log.ts";
import { postgresTool, startPostgres, type Postgres } from "../support/postgres.ts";
import { signNow } from "../support/record-on-engines.ts";
import { decided, happen, requested } from "../store/escalations.ts";
import { aSession, ISSUED, LATER, withKey } from "../store/records.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const run = promisify(execFile);
const TOOLS = { dump: postgresTool("pg_dump"), restore: postgresTool("pg_restore") };
const missing = TOOLS.dump === null || TOOLS.restore === null;
const skipped = missing && process.env["TWOKEY_TEST_ALL"] === undefined;

const folder = mkdtempSync(join(tmpdir(), "twokey-backup-"));
const opened = openAuditKey(join(folder, "audit-key.pem"), true);
if (!opened.ok) throw new Error(opened.error);
const key = opened.value;

const mint = async (store: Store, name: string): Promise<string> => {
  const session = aSession();
  expect(await store.recordIntent(session, withKey(name))).toMatchObject({ ok: true });
  expect(await store.recordOutcome(session, ISSUED, LATER)).toMatchObject({ delivered: true });
  return session.id;
};

const keysOf = async (store: Store) => [{ name: (await store.tree.head()).origin, publicKey: key.publicKey }];

const verify = async (store: Store, outside: readonly string[]) =>
  verifyLog({
    tree: store.tree,
    keys: await keysOf(store),
    verify: verifyEd25519,
    outside,
    since: false,
    misfiled: null,
    onProgress: () => undefined,
  });

const exportTo = async (store: Store, place: string) => {
  const keys = await keysOf(store);
  return exportLog({
    log: store.tree,
    exporter: createFolderExporter(place),
    open: (note) => openCheckpoint(note, keys, verifyEd25519),
    stopping: new AbortController().signal,
  });
};

describe.skipIf(skipped)(`a backup${skipped ? " (skipped: needs pg_dump)" : ""}`, () => {
  let cluster: Postgres;
  const stores: Store[] = [];
  /** Two backups, an hour of work between them; and what stood outside at the end. */
  const [older, newer] = [join(folder, "older.dump"), join(folder, "newer.dump")];
  const place = join(folder, "export");
  const sessions: string[] = [];
  let [decision, withdrawn, olderNote, newerNote] = ["", "", "", ""];
  let sizes: readonly number[] = [];

  const open = async (url: string): Promise<Store> => {
    const store = await openAuditLog({ url, folder: null });
    stores.push(store);
    return store;
  };
  const dump = (url: string, file: string) =>
    run(TOOLS.dump ?? "pg_dump", ["--format=custom", `--file=${file}`, `--dbname=${url}`]);
  const restored = async (file: string): Promise<Store> => {
    const url = await cluster.database();
    await run(TOOLS.restore ?? "pg_restore", ["--exit-on-error", "--no-owner", `--dbname=${url}`, file]);
    return open(url);
  };

  beforeAll(async () => {
    const starting = startPostgres();
    if (starting === null || missing) throw new Error("PostgreSQL, pg_dump and pg_restore must be installed");
    cluster = await starting;
    const url = await cluster.database();
    const store = await open(url);
    sessions.push(await mint(store, "before"));
    decision = (await requested(store)).id;
    await happen(store, decision, decided("orders-second", "approve"));
    withdrawn = (await requested(store)).id;
    olderNote = await signNow(store, key);
    expect(await exportTo(store, place)).toMatchObject({ ok: true });
    await dump(url, older);
    const size = await store.size();
    sessions.push(await mint(store, "between"));
    await happen(store, withdrawn, { kind: "cancelled", by: "agent" });
    newerNote = await signNow(store, key);
    expect(await exportTo(store, place)).toMatchObject({ ok: true });
    // Beside a broker that writes.
    await Promise.all([dump(url, newer), mint(store, "meanwhile")]);
    sizes = [size, size + 3];
  });
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await cluster.stop();
  });

  test("of the whole, restored, is the log that was signed, and everything goes on", async () => {
    const store = await restored(newer);
    expect(await verify(store, [olderNote, newerNote])).toMatchObject({ checkpoints: 2, faults: [] });
    for (const id of sessions) expect(await store.session(id)).toMatchObject({ state: "issued" });
    expect(await store.recordIntent(aSession(), withKey("before"))).toMatchObject({
      ok: false,
      error: { reason: "idempotency_key_used", session: sessions[0] },
    });
    await happen(store, decision, decided("platform-oncall", "approve"));
    expect(await store.escalations.find(decision)).toMatchObject({ state: "approved" });
    await mint(store, "after");
    const note = await signNow(store, key);
    const copy = join(folder, "export-of-newer");
    cpSync(place, copy, { recursive: true });
    expect(await exportTo(store, copy)).toMatchObject({ ok: true });
    expect(await verify(store, [note])).toMatchObject({ uncovered: 0, faults: [] });
  });

  test("that is older than a checkpoint outside agrees with itself, and is told by verify and the exporter", async () => {
    const store = await restored(older);
    const [holds, promised] = sizes;
    expect(await verify(store, [])).toMatchObject({ size: holds, faults: [] });
    const { faults } = await verify(store, [newerNote]);
    expect(faults).toEqual([
      `the log has ${holds} entries, and a checkpoint kept outside says that it had ${promised}: its tail was cut, or the database was rolled back`,
    ]);
    expect(await exportTo(store, place)).toEqual({
      ok: false,
      error: { fault: "log_rolled_back", promised, holds },
    });
  });

  test("that is older, and is gone on with, is another log from there on, which the exporter goes on refusing", async () => {
    const store = await restored(older);
    for (let n = 0; n < 3; n += 1) await mint(store, `fork-${n}`);
    // The broker's own check knows only what is in the record, and signs.
    await signNow(store, key);
    const [, promised] = sizes;
    expect(await exportTo(store, place)).toEqual({
      ok: false,
      error: { fault: "log_forked", size: promised },
    });
    const { faults } = await verify(store, [newerNote]);
    expect(faults).toEqual([`the first ${promised} entries are not those of a checkpoint kept outside`]);
    // A new place takes the log as it is now.
    expect(await exportTo(store, join(folder, "new-place"))).toMatchObject({ ok: true });
  });

  test("that is older forgets what came after: sessions, used keys, what was withdrawn", async () => {
    const store = await restored(older);
    expect(await store.session(sessions[1] ?? "")).toBeNull();
    expect(await store.recordIntent(aSession(), withKey("between"))).toMatchObject({ ok: true });
    expect(await store.escalations.find(withdrawn)).toMatchObject({ state: "pending" });
  });
});

test("a copy of the embedded store's folder, made while it is stopped, is the same log", async () => {
  const [data, copy] = [join(folder, "data"), join(folder, "data-copy")];
  const store = await openAuditLog({ url: null, folder: data });
  const session = await mint(store, "one");
  const note = await signNow(store, key);
  await store.close();
  cpSync(data, copy, { recursive: true });
  const again = await openAuditLog({ url: null, folder: copy });
  expect(await verify(again, [note])).toMatchObject({ uncovered: 0, faults: [] });
  expect(await again.session(session)).toMatchObject({ state: "issued" });
  await mint(again, "two");
  await again.close();
});
