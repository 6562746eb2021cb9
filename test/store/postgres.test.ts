/** What only several processes on one PostgreSQL can show. */
import pg from "pg";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { auditLogOn, openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import { MIGRATIONS } from "../../src/adapters/postgres/migrations.ts";
import { migrate } from "../../src/adapters/postgres/schema.ts";
import { openPostgres, sqlState } from "../../src/adapters/postgres/sql.ts";
import { postgresInstalled, startPostgres, type Postgres } from "../support/postgres.ts";
import { aSession, CONTEXT, ISSUED, LATER, REFUSED, withKey } from "./records.ts";

/** Prints how the connections of `openPostgres` are set, and what Node warned of meanwhile. */
const SETTINGS = `
  import { openPostgres } from "../../src/adapters/postgres/sql.ts";
  const warnings = [];
  process.on("warning", ({ message }) => warnings.push(message));
  const db = await openPostgres(process.argv.at(-1), { maxConnections: 2, timeoutMs: 5000 });
  const settings = "SELECT current_setting('jit') AS jit, current_setting('enable_seqscan') AS seqscan";
  const [reading, writing] = [await db.query(settings, []), await db.write(settings, [])];
  await db.close();
  await new Promise(setImmediate);
  console.log(JSON.stringify({ reading, writing, warnings }));
`;

const title = "the audit log of several brokers on one PostgreSQL";

describe.skipIf(!postgresInstalled)(postgresInstalled ? title : `${title} (needs PostgreSQL)`, () => {
  let cluster: Postgres;
  beforeAll(async () => {
    cluster = (await startPostgres()) as Postgres;
  });
  afterAll(async () => {
    await cluster.stop();
  });

  const open = (url: string) => openAuditLog({ url, folder: null });

  async function admin<T extends pg.QueryResultRow>(url: string, text: string): Promise<readonly T[]> {
    const client = new pg.Client(url);
    await client.connect();
    const { rows } = await client.query<T>(text);
    await client.end();
    return rows;
  }

  const connectionsOf = (url: string) =>
    admin<{ pid: number }>(
      url,
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'twokey' AND datname = current_database()`,
    );

  test("a connection has its settings before the first statement, which nothing queues in front of", async () => {
    // In a process of its own: Node tells such a warning once in a process's life.
    const args = ["--import", "tsx", "--input-type=module", "-e", SETTINGS, "--", await cluster.database()];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
    expect(JSON.parse(stdout)).toEqual({
      reading: [{ jit: "off", seqscan: "on" }],
      writing: [{ jit: "off", seqscan: "off" }],
      warnings: [],
    });
  });

  test("four brokers that start at once on an empty database all start", async () => {
    const url = await cluster.database();
    const logs = await Promise.all([open(url), open(url), open(url), open(url)]);
    expect(await Promise.all(logs.map((log) => log.ready()))).toEqual([true, true, true, true]);
    await Promise.all(logs.map((log) => log.close()));
    expect(await admin(url, "SELECT id FROM schema_migrations")).toEqual(
      MIGRATIONS.map(({ id }) => ({ id })),
    );
  });

  test("a broker refuses to start on a schema newer than it knows", async () => {
    const url = await cluster.database();
    await (await open(url)).close();
    await admin(url, "INSERT INTO schema_migrations VALUES (1000, now())");
    await expect(open(url)).rejects.toThrow(/schema is 1000, newer than \d+/);
  });

  test("a later migration is applied to a database that has the earlier ones", async () => {
    const db = await openPostgres(await cluster.database(), { maxConnections: 2, timeoutMs: 5_000 });
    await migrate(db);
    const later = { id: 1_000, statements: ["CREATE TABLE IF NOT EXISTS later (id integer PRIMARY KEY)"] };
    await migrate(db, [...MIGRATIONS, later]);
    expect(await db.query("SELECT id FROM later", [])).toEqual([]);
    await db.close();
  });

  test("a database user without the right to create tables starts on a ready schema", async () => {
    const url = await cluster.database();
    await (await open(url)).close();
    await admin(
      url,
      `CREATE ROLE broker LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
       GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO broker;
       GRANT DELETE ON challenges, logins, used_tokens, sign_ins, invitations TO broker`,
    );
    const log = await open(url.replace("twokey@", "broker@"));
    expect(await log.append(REFUSED)).toEqual({ entry: 0 });
    await log.humans.setBootstrap("token", 60);
    expect(await log.escalations.expire()).toBe(0);
    await log.close();
  });

  test("a database that answers COMMIT before it is on disk is refused", async () => {
    const url = await cluster.database();
    await admin(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = off`);
    await expect(open(url)).rejects.toThrow(/durable/);
  });

  test("two brokers that write at once leave no gap, no duplicate, and one winner for each key", async () => {
    const url = await cluster.database();
    const [one, two] = await Promise.all([open(url), open(url)]);
    const write = async (n: number) => {
      const log = n % 2 === 0 ? one : two;
      const session = aSession();
      const key = `key-${Math.floor(n / 2)}`;
      const intent = await log.recordIntent(session, withKey(key));
      if (!intent.ok) {
        const refusedFor = intent.error.reason === "idempotency_key_used" ? intent.error.session : "";
        return { key, session: session.id, refusedFor, told: [] };
      }
      const outcome = await log.recordOutcome(session, ISSUED, LATER);
      return { key, session: session.id, refusedFor: null, told: [intent.value.entry, outcome.entry] };
    };
    const written = await Promise.all(Array.from({ length: 400 }, (_, n) => write(n)));
    const winners = new Map(
      written.filter((one) => one.refusedFor === null).map((one) => [one.key, one.session]),
    );
    expect(winners.size).toBe(200);
    for (const { key, session, refusedFor } of written) expect(refusedFor ?? session).toBe(winners.get(key));
    const expected = Array.from({ length: 400 }, (_, n) => n);
    expect(written.flatMap((one) => one.told).sort((a, b) => a - b)).toEqual(expected);
    const entries = await two.entries({ from: 0, limit: 1_000 });
    expect(entries.map((entry) => entry.index)).toEqual(expected);
    await Promise.all([one.close(), two.close()]);
  });

  test("two outcomes for one session through two brokers at once are recorded once", async () => {
    const url = await cluster.database();
    const [one, two] = await Promise.all([open(url), open(url)]);
    const session = aSession();
    await one.recordIntent(session, CONTEXT);
    const both = await Promise.allSettled([one, two].map((log) => log.recordOutcome(session, ISSUED, LATER)));
    expect(both.map((each) => each.status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await one.size()).toBe(2);
    await Promise.all([one.close(), two.close()]);
  });

  test("a connection killed in mid-transaction rejects its group, and the next group is written", async () => {
    const url = await cluster.database();
    const log = await open(url);
    // Another session holds the head, so the group is surely waiting inside its transaction when it is killed.
    const holder = new pg.Client(url);
    await holder.connect();
    await holder.query("BEGIN; SELECT size FROM log_head WHERE id = 1 FOR UPDATE");
    const group = Promise.allSettled([log.append(REFUSED), log.recordIntent(aSession(), CONTEXT)]);
    let killed = 0;
    while (killed === 0) {
      const { rowCount } = await holder.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      killed = rowCount ?? 0;
    }
    expect((await group).map((each) => each.status)).toEqual(["rejected", "rejected"]);
    await holder.query("ROLLBACK");
    await holder.end();
    expect(await log.append(REFUSED)).toEqual({ entry: 0 });
    await log.close();
  });

  test("idle connections killed by the server are replaced, for writing and for reading", async () => {
    const url = await cluster.database();
    const log = await open(url);
    await log.append(REFUSED);
    await admin(
      url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'twokey' AND datname = current_database()`,
    );
    while ((await connectionsOf(url)).length > 0);
    // Whether the broker has heard of it yet or not: at most the first call fails, and nothing after it.
    await Promise.allSettled([log.append(REFUSED), log.size()]);
    await expect(log.append(REFUSED)).resolves.toBeDefined();
    await expect(log.size()).resolves.toBeGreaterThan(1);
    await log.close();
  });

  test("a COMMIT that the server answers with ROLLBACK is a rejection", async () => {
    const db = await openPostgres(await cluster.database(), { maxConnections: 1, timeoutMs: 5_000 });
    const swallowed = db.transaction(async (tx) => {
      await tx.query("SELECT 1 FROM no_such_table", []).catch(() => undefined);
    });
    await expect(swallowed).rejects.toThrow("COMMIT was answered ROLLBACK");
    await db.close();
  });

  test("a head locked by someone else costs a bounded wait, then a rejection", async () => {
    const url = await cluster.database();
    const log = await openAuditLog({ url, folder: null, timeoutMs: 200 });
    const holder = new pg.Client(url);
    await holder.connect();
    await holder.query("BEGIN; SELECT size FROM log_head WHERE id = 1 FOR UPDATE");
    const fault = await log.append(REFUSED).catch((error: unknown) => error);
    // lock_not_available: the server's own limit, not the client's.
    expect(sqlState(fault)).toBe("55P03");
    await holder.end();
    expect(await log.append(REFUSED)).toEqual({ entry: 0 });
    await log.close();
  });

  test("a group waits for the head another broker holds, and goes on from where that one left it", async () => {
    const url = await cluster.database();
    const log = await open(url);
    const other = new pg.Client(url);
    await other.connect();
    // RFC 6962: a tree of one leaf is the hash of a zero byte and the leaf.
    const root = createHash("sha256").update("\0{}").digest("base64");
    await other.query(
      `BEGIN; UPDATE log_head SET size = 1, frontier = '${root}';
       INSERT INTO entries (idx, at, kind, body) VALUES (0, now(), 'broker.started', '{}')`,
    );
    const waiting = log.append(REFUSED);
    for (let blocked = 0; blocked === 0;) {
      const text =
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
      blocked = (await other.query(text)).rowCount ?? 0;
    }
    await other.query("COMMIT");
    await other.end();
    expect(await waiting).toEqual({ entry: 1 });
    await log.close();
  });

  test("a server that falls silent costs a bounded wait, and its connection is not used again", async () => {
    const url = await cluster.database();
    const log = await openAuditLog({ url, folder: null, timeoutMs: 200 });
    const silent = await connectionsOf(url);
    for (const { pid } of silent) process.kill(pid, "SIGSTOP");
    const answers = [
      await Promise.allSettled([log.append(REFUSED)]),
      await Promise.allSettled([log.append(REFUSED)]),
    ];
    // Before any expectation: a stopped process would outlive a failed test.
    for (const { pid } of silent) process.kill(pid, "SIGCONT");
    expect(answers.flat()).toMatchObject([
      { status: "rejected", reason: { message: "Query read timeout" } },
      { status: "fulfilled", value: { entry: 0 } },
    ]);
    await log.close();
  });

  test("a serialisation failure is retried and the callers never hear of it", async () => {
    const db = await openPostgres(await cluster.database(), { maxConnections: 2, timeoutMs: 5_000 });
    await migrate(db);
    let failures = 2;
    const log = auditLogOn({
      ...db,
      transaction: (run) =>
        db.transaction(async (tx) => {
          const value = await run(tx);
          if (failures > 0) {
            failures -= 1;
            await tx.query("DO $$ BEGIN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; END $$", []);
          }
          return value;
        }),
    });
    expect(await Promise.all([log.append(REFUSED), log.append(REFUSED)])).toEqual([
      { entry: 0 },
      { entry: 1 },
    ]);
    expect(failures).toBe(0);
    await log.close();
  });

  test("it is not ready on a database that takes no writes, nor when the database is gone", async () => {
    const url = await cluster.database();
    await (await open(url)).close();
    await admin(
      url,
      `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET default_transaction_read_only = on`,
    );
    const db = await openPostgres(url, { maxConnections: 1, timeoutMs: 1_000 });
    expect(await auditLogOn(db).ready()).toBe(false);
    await db.close();
    const nowhere = await openPostgres("postgres://twokey@localhost/none?host=/nonexistent", {
      maxConnections: 1,
      timeoutMs: 1_000,
    });
    expect(await auditLogOn(nowhere).ready()).toBe(false);
    await nowhere.close();
  });
});
