/**
 * `twokey audit verify` on a real record of each engine, and on an export of it: what somebody with the database does
 * to it is told in a plain line, with the exit code that says so.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createFolderExporter } from "../../src/adapters/export/folder.ts";
import { openAuditKey, verifyEd25519 } from "../../src/adapters/key-files/key-files.ts";
import type { Database, Row } from "../../src/adapters/postgres/sql.ts";
import { openCheckpoint, verifierLine } from "../../src/audit/checkpoint.ts";
import { append, EMPTY_FRONTIER, frontierText, leafHash } from "../../src/audit/tree.ts";
import { auditCommand } from "../../src/cli/audit.ts";
import { exportLog } from "../../src/flows/export-log.ts";
import { onEveryRecord, signNow } from "../support/record-on-engines.ts";
import { aSession, FAILED, ISSUED, LATER, REFUSED, CONTEXT } from "../store/records.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), "twokey-verify-"));
const written = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

onEveryRecord("twokey audit verify", (place) => {
  const name = place.embedded ? "embedded" : "postgres";
  /** A checkpoint of 7 entries, and one of all 12. */
  let early = "";
  let latest = "";
  const exported = join(folder, `${name}-export`);
  beforeAll(async () => {
    const store = await place.open();
    for (let n = 0; n < 7; n += 1) await store.append(REFUSED);
    early = written(`${name}-7.txt`, await signNow(store, place.key));
    for (const outcome of [ISSUED, FAILED]) {
      const session = aSession();
      await store.recordIntent(session, CONTEXT);
      await store.recordOutcome(session, outcome, LATER);
    }
    await store.append({ ...REFUSED, agent: "deploy-agent" });
    latest = written(`${name}-12.txt`, await signNow(store, place.key));
    const { origin } = await store.tree.head();
    const keys = [{ name: origin, publicKey: place.key.publicKey }];
    const done = await exportLog({
      log: store.tree,
      exporter: createFolderExporter(exported),
      open: (note) => openCheckpoint(note, keys, verifyEd25519),
      stopping: new AbortController().signal,
    });
    expect(done).toMatchObject({ ok: true, value: { size: 12 } });
    await store.close();
    await place.tamper(async (db) => {
      for (const table of TABLES) await db.write(`CREATE TABLE true_${table} AS SELECT * FROM ${table}`, []);
    });
  });
  // The record as it was.
  afterEach(() =>
    place.tamper(async (db) => {
      for (const table of TABLES) {
        await db.write(`DELETE FROM ${table}`, []);
        await db.write(`INSERT INTO ${table} SELECT * FROM true_${table}`, []);
      }
    }),
  );
  const verify = (...flags: readonly string[]) => place.run(auditCommand, "verify", ...flags);

  test("of a log nobody touched ends with 0 and says what is signed and what no checkpoint from outside covers", async () => {
    const { code, out } = await verify();
    expect(code).toBe(0);
    expect(out).toMatch(/^Entries {5}12$/m);
    expect(out).toMatch(/^Signed {6}12 entries, by 2 checkpoints in the record$/m);
    expect(out).toMatch(/^Outside {5}no checkpoint from outside was given: /m);
    expect(out).toMatch(/✓ The log is what was signed\.\n$/);
  });

  test("with --since hashes what came after the newest checkpoint from outside alone", async () => {
    const { code, out } = await verify("--since", "--checkpoint", early, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ ok: true, from: 7, size: 12, uncovered: 5, faults: [] });
    const both = await verify("--since", "--checkpoint", early, "--checkpoint", latest, "--json");
    expect(JSON.parse(both.out)).toMatchObject({ ok: true, from: 12, uncovered: 0 });
  });

  test("with --since finds a change behind that checkpoint, and one before it by a hash that no longer fits", async () => {
    await place.tamper((db) =>
      db.write(`UPDATE entries SET body = replace(body, 'req-2', 'req-3') WHERE idx = 8`, []),
    );
    const behind = await verify("--since", "--checkpoint", early);
    expect(behind.code).toBe(1);
    expect(behind.out).toContain("✗ the first 12 entries are not those of a checkpoint in the record\n");
    await place.tamper((db) =>
      db.write(`UPDATE entries SET body = replace(body, 'req-9', 'req-8') WHERE idx = 2`, []),
    );
    const before = await verify("--since", "--checkpoint", early);
    expect(before.out).toContain("✗ the first 7 entries are not those of a checkpoint kept outside\n");
  });

  test.each<[string, (db: Database) => Promise<unknown>, string]>([
    [
      "an entry's text",
      (db) => db.write("UPDATE entries SET body = replace(body, 'expired', 'Expired') WHERE idx = 3", []),
      "✗ the first 7 entries are not those of a checkpoint in the record",
    ],
    [
      "a column that searches go by",
      (db) => db.write("UPDATE entries SET agent = 'somebody-else' WHERE idx = 11", []),
      "✗ entry 11 is filed under what it does not say",
    ],
    [
      "a deleted entry",
      (db) => db.write("DELETE FROM entries WHERE idx = 5", []),
      "✗ of the entries 0 to 11 there are 11, and not 12",
    ],
    [
      "a deleted entry whose place the next ones took",
      async (db) => {
        await db.write("DELETE FROM entries WHERE idx = 8", []);
        await db.write("UPDATE entries SET idx = idx - 1 + 1000 WHERE idx > 8", []);
        await db.write("UPDATE entries SET idx = idx - 1000 WHERE idx > 1000", []);
        await moveHead(db);
      },
      "✗ the log has 11 entries, and a checkpoint in the record says that it had 12: its tail was cut, or the database was rolled back",
    ],
    [
      "two entries in each other's place",
      async (db) => {
        await db.write("UPDATE entries SET idx = 1007 WHERE idx = 7", []);
        await db.write("UPDATE entries SET idx = 7 WHERE idx = 8", []);
        await db.write("UPDATE entries SET idx = 8 WHERE idx = 1007", []);
      },
      "✗ the first 12 entries are not those of a checkpoint in the record",
    ],
    [
      "an entry behind the last",
      (db) =>
        db.write(
          "INSERT INTO entries SELECT 12, at, kind, agent, owner, session, request_id, policy_version, body FROM entries WHERE idx = 0",
          [],
        ),
      "✗ there is an entry behind the last, at 12, that the head does not count",
    ],
    [
      "a checkpoint of another key",
      (db) => db.write("UPDATE checkpoints SET note = replace(note, '— ', '— other-') WHERE size = 12", []),
      "✗ a checkpoint in the record is not valid: no known key signed it",
    ],
  ])("finds %s, ends with 1 and says it in a line", async (_, change, line) => {
    await place.tamper(change);
    const { code, out, err } = await verify();
    expect(out.split("\n")).toContain(line);
    expect(out).toMatch(/The log is NOT what was signed\.\n$/);
    expect([code, err]).toEqual([1, ""]);
    const json = await verify("--json");
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      faults: expect.arrayContaining([line.slice(2)]) as unknown,
    });
    expect(json.code).toBe(1);
  });

  test("finds a tail that was cut with its head and checkpoints by a checkpoint from outside, and by that alone", async () => {
    await place.tamper(async (db) => {
      await db.write("DELETE FROM entries WHERE idx >= 9", []);
      await db.write("DELETE FROM checkpoints WHERE size > 9", []);
      await moveHead(db);
    });
    const alone = await verify();
    expect([
      alone.code,
      alone.out.includes("a record cut together with its checkpoints is not seen"),
    ]).toEqual([0, true]);
    expect((await verify("--checkpoint", early)).code).toBe(0);
    const { code, out } = await verify("--checkpoint", latest);
    expect(code).toBe(1);
    expect(out.split("\n")).toContain(
      "✗ the log has 9 entries, and a checkpoint kept outside says that it had 12: its tail was cut, or the database was rolled back",
    );
  });

  test("takes a checkpoint from outside for nothing if no known key signed it", async () => {
    const forged = written(`${name}-forged.txt`, readFileSync(latest, "utf8").replace("\n12\n", "\n11\n"));
    const { code, out } = await verify("--checkpoint", forged);
    expect(code).toBe(1);
    expect(out).toMatch(/✗ a checkpoint kept outside is not valid: the signature of .* does not fit/);
  });

  test.each([
    [["--since"], "--since starts at a --checkpoint"],
    [["--checkpoint", join(folder, "none.txt")], "none.txt: cannot be read"],
    [["--key", "nonsense"], "nonsense: is neither a verifier key nor a file of them"],
    [["--colour"], "unknown option"],
  ])("with %j is wrong usage", async (flags, words) => {
    const { code, out, err } = await verify(...flags);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(words);
  });

  describe("--export", () => {
    const copy = (as: string): string => {
      const to = join(folder, `${name}-${as}`);
      cpSync(exported, to, { recursive: true });
      return to;
    };
    const change = (copied: string, edit: (text: string) => string): string => {
      const [file = ""] = readdirSync(join(copied, "entries")).sort();
      const path = join(copied, "entries", file);
      writeFileSync(path, edit(readFileSync(path, "utf8")));
      return copied;
    };

    test("asks the export alone, and ends with 0 for what was exported", async () => {
      await place.tamper((db) => db.write("UPDATE entries SET body = replace(body, 'req-9', 'req-8')", []));
      const { code, out } = await verify("--export", exported, "--checkpoint", latest, "--json");
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ ok: true, size: 12, uncovered: 0 });
    });

    test("finds a changed letter, and ends with 1", async () => {
      const { code, out } = await verify(
        "--export",
        change(copy("edited"), (text) => text.replace("req-9", "req-8")),
      );
      expect(code).toBe(1);
      expect(out).toMatch(/^✗ the first \d+ entries are not those of a checkpoint/m);
    });

    test("with --since starts at the checkpoint", async () => {
      const { code, out } = await verify("--export", exported, "--since", "--checkpoint", latest, "--json");
      expect([code, JSON.parse(out)]).toMatchObject([0, { ok: true, from: 12 }]);
    });
  });

  test("a new key goes on once the old key's checkpoints are out of the record, and both keys verify the whole", async () => {
    const oldKey = (await place.run(auditCommand, "key")).out.trim();
    const made = openAuditKey(join(folder, `${name}-new.pem`), true);
    if (!made.ok) throw new Error(made.error);
    const before = await place.open();
    await expect(signNow(before, made.value)).rejects.toThrow("not_signed");
    await before.close();
    await place.tamper((db) => db.write("DELETE FROM checkpoints", []));
    const store = await place.open();
    const [origin = ""] = (await signNow(store, made.value)).split("\n");
    await store.append(REFUSED);
    await signNow(store, made.value);
    await store.close();
    const newKey = verifierLine({ name: origin, publicKey: made.value.publicKey });
    const keys = written(`${name}-keys.txt`, `${oldKey}\n${newKey}\n`);
    const { code, out } = await verify("--key", keys, "--checkpoint", latest, "--json");
    expect([code, JSON.parse(out)]).toMatchObject([0, { ok: true, size: 13, checkpoints: 2, uncovered: 1 }]);
  });
});

const TABLES = ["entries", "log_head", "checkpoints"];

/** What somebody who knows how the head is made does after a change of the entries. */
async function moveHead(db: Database): Promise<void> {
  const rows: readonly Row[] = await db.query("SELECT body FROM entries ORDER BY idx", []);
  const tree = rows.reduce(
    (reached, row) => append(reached, leafHash(row["body"] as string)),
    EMPTY_FRONTIER,
  );
  await db.write("UPDATE log_head SET size = $1::bigint, frontier = $2", [tree.size, frontierText(tree)]);
}
