/**
 * The schema, as an ordered list of migrations, and their application at start. Stays inside what Aurora DSQL runs:
 * no foreign keys, triggers, sequences or json columns, one DDL statement a transaction. Every statement may run
 * again, because a crash or a second replica can stand between any two of them. Never edit a released migration.
 */
import { sqlState, type Database } from "./sql.ts";

export interface Migration {
  readonly id: number;
  readonly statements: readonly string[];
}

export const MIGRATIONS: readonly Migration[] = [
  {
    id: 1,
    statements: [
      // `entry` is the index of the session's intent: its whole record, and an order that no clock can disturb.
      `CREATE TABLE IF NOT EXISTS sessions (
        id text PRIMARY KEY,
        agent text NOT NULL,
        owner text NOT NULL,
        template text NOT NULL,
        account text NOT NULL,
        state text NOT NULL,
        requested_at timestamptz NOT NULL,
        expires_at timestamptz,
        access_key_id text,
        policy_version text NOT NULL,
        escalation text,
        entry bigint NOT NULL
      )`,
      `CREATE INDEX IF NOT EXISTS sessions_by_entry ON sessions (entry)`,
      `CREATE INDEX IF NOT EXISTS sessions_by_agent ON sessions (agent, entry)`,
      // The key is text an agent chose, of any length and characters: its SHA-256 stands for it.
      `CREATE TABLE IF NOT EXISTS idempotency (
        agent text NOT NULL,
        key_digest text NOT NULL,
        body_digest text NOT NULL,
        session text NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (agent, key_digest)
      )`,
      // `body` is the whole entry; the other columns are for searching and may hold less exact text.
      `CREATE TABLE IF NOT EXISTS entries (
        idx bigint PRIMARY KEY,
        at timestamptz NOT NULL,
        kind text NOT NULL,
        agent text,
        owner text,
        session text,
        request_id text,
        policy_version text,
        body text NOT NULL
      )`,
      `CREATE TABLE IF NOT EXISTS log_head (id integer PRIMARY KEY, size bigint NOT NULL)`,
      `INSERT INTO log_head (id, size) VALUES (1, 0) ON CONFLICT DO NOTHING`,
    ],
  },
];

const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS schema_migrations (id integer PRIMARY KEY, applied_at timestamptz NOT NULL)`;

/**
 * Brings the schema up to the last of `migrations`; throws where it is already newer than this code knows. Safe to
 * run on several replicas at once.
 */
export async function migrate(db: Database, migrations = MIGRATIONS): Promise<void> {
  const applied = await appliedMigrations(db);
  const newest = Math.max(0, ...applied);
  const known = Math.max(0, ...migrations.map((migration) => migration.id));
  if (newest > known) {
    throw new Error(
      `the database schema is ${newest}, newer than ${known} which this version knows: upgrade Twokey`,
    );
  }
  for (const migration of migrations.filter(({ id }) => !applied.includes(id))) {
    for (const statement of migration.statements) await runOnce(db, statement, []);
    await runOnce(
      db,
      "INSERT INTO schema_migrations (id, applied_at) VALUES ($1, now()) ON CONFLICT DO NOTHING",
      [migration.id],
    );
  }
}

/** Reads before it creates, so that a database user without the right to create tables can start on a ready schema. */
async function appliedMigrations(db: Database): Promise<readonly number[]> {
  const read = async () =>
    (await db.query("SELECT id FROM schema_migrations", [])).map((row) => Number(row["id"]));
  try {
    return await read();
  } catch (error) {
    if (sqlState(error) !== UNDEFINED_TABLE) throw error;
    await runOnce(db, MIGRATIONS_TABLE, []);
    return read();
  }
}

const UNDEFINED_TABLE = "42P01";
/** What PostgreSQL says when two sessions create the same thing at once (IF NOT EXISTS does not prevent it). */
const CREATED_MEANWHILE = ["23505", "42P07", "42710", "40001", "40P01", "XX000"];

async function runOnce(db: Database, statement: string, parameters: readonly number[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await db.transaction((tx) => tx.query(statement, parameters));
      return;
    } catch (error) {
      if (attempt === 5 || !CREATED_MEANWHILE.includes(sqlState(error) ?? "")) throw error;
    }
  }
}
