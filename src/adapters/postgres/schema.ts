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
  {
    id: 2,
    statements: [
      `ALTER TABLE entries ADD COLUMN IF NOT EXISTS person text`,
      `ALTER TABLE entries ADD COLUMN IF NOT EXISTS escalation text`,
      `CREATE INDEX IF NOT EXISTS entries_by_escalation ON entries (escalation, idx)`,
      `CREATE INDEX IF NOT EXISTS entries_by_session ON entries (session, idx)`,
      `CREATE INDEX IF NOT EXISTS entries_by_agent ON entries (agent, idx)`,
      `CREATE INDEX IF NOT EXISTS entries_by_person ON entries (person, idx)`,
      `CREATE INDEX IF NOT EXISTS entries_by_kind ON entries (kind, idx)`,
      `ALTER TABLE sessions ADD COLUMN IF NOT EXISTS frozen_at timestamptz`,
      // `entry` is the index of the request's entry: an order that no clock can disturb. `agent` and `template` are
      // null for a policy set. `open` holds the join key while the escalation waits, null afterwards.
      `CREATE TABLE IF NOT EXISTS escalations (
        id text PRIMARY KEY,
        kind text NOT NULL,
        agent text,
        template text,
        state text NOT NULL,
        canonical text NOT NULL,
        digest text NOT NULL,
        open text,
        requested_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        usable_until timestamptz,
        usable_seconds integer NOT NULL,
        closed_at timestamptz,
        denied_at timestamptz,
        session text,
        entry bigint NOT NULL
      )`,
      // None by `entry` alone: whoever wants a page of a rare state would be led through all the others.
      `CREATE INDEX IF NOT EXISTS escalations_by_state ON escalations (state, entry)`,
      `CREATE INDEX IF NOT EXISTS escalations_by_agent_state ON escalations (agent, state, entry)`,
      `CREATE INDEX IF NOT EXISTS escalations_by_denial ON escalations (agent, template, denied_at)`,
      `CREATE UNIQUE INDEX IF NOT EXISTS escalations_open ON escalations (open)`,
      // `body` is the whole decision as JSON; `place` counts from 0.
      `CREATE TABLE IF NOT EXISTS decisions (
        escalation text NOT NULL,
        place integer NOT NULL,
        person text NOT NULL,
        verdict text NOT NULL,
        at timestamptz NOT NULL,
        body text NOT NULL,
        PRIMARY KEY (escalation, place)
      )`,
      `CREATE INDEX IF NOT EXISTS decisions_by_person ON decisions (person, at)`,
      `CREATE TABLE IF NOT EXISTS escalation_keys (
        agent text NOT NULL,
        key_digest text NOT NULL,
        body_digest text NOT NULL,
        escalation text NOT NULL,
        PRIMARY KEY (agent, key_digest)
      )`,
      `CREATE TABLE IF NOT EXISTS used_tokens (
        token_digest text PRIMARY KEY,
        agent text NOT NULL,
        key_digest text,
        body_digest text NOT NULL,
        escalation text NOT NULL,
        expires_at timestamptz NOT NULL
      )`,
      `CREATE TABLE IF NOT EXISTS passkeys (
        credential_id text PRIMARY KEY,
        public_key text NOT NULL,
        account_issuer text NOT NULL,
        account_subject text NOT NULL,
        person text NOT NULL,
        label text NOT NULL,
        counter bigint NOT NULL,
        transports text NOT NULL,
        enrolled_at timestamptz NOT NULL,
        counts_from timestamptz NOT NULL,
        removed_at timestamptz
      )`,
      `CREATE INDEX IF NOT EXISTS passkeys_by_person ON passkeys (person)`,
      `CREATE TABLE IF NOT EXISTS sign_ins (
        token_digest text PRIMARY KEY,
        account_issuer text NOT NULL,
        account_subject text NOT NULL,
        method text NOT NULL,
        groups text,
        signed_in_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz
      )`,
      `CREATE INDEX IF NOT EXISTS sign_ins_by_account ON sign_ins (account_issuer, account_subject, signed_in_at)`,
      // The bootstrap token is the row without a person.
      `CREATE TABLE IF NOT EXISTS invitations (
        token_digest text PRIMARY KEY,
        person text,
        invited_by text,
        expires_at timestamptz NOT NULL,
        spent_at timestamptz
      )`,
      `CREATE TABLE IF NOT EXISTS challenges (
        nonce text PRIMARY KEY,
        purpose text NOT NULL,
        person text,
        subject text,
        expires_at timestamptz NOT NULL
      )`,
      `CREATE TABLE IF NOT EXISTS logins (
        state_digest text PRIMARY KEY,
        login text NOT NULL,
        expires_at timestamptz NOT NULL
      )`,
      `CREATE TABLE IF NOT EXISTS notices (
        id text PRIMARY KEY,
        kind text NOT NULL,
        escalation text,
        detail text NOT NULL,
        at timestamptz NOT NULL,
        entry bigint NOT NULL
      )`,
      `CREATE INDEX IF NOT EXISTS notices_by_entry ON notices (entry)`,
      // A row appears when a channel first claims a notice, in the order of `entry`, which is the notice's.
      `CREATE TABLE IF NOT EXISTS deliveries (
        channel text NOT NULL,
        notice text NOT NULL,
        escalation text,
        state text NOT NULL,
        attempts integer NOT NULL,
        due_at timestamptz NOT NULL,
        thread text,
        reason text,
        entry bigint NOT NULL,
        PRIMARY KEY (channel, notice)
      )`,
      `CREATE INDEX IF NOT EXISTS deliveries_by_escalation ON deliveries (channel, escalation)`,
      `CREATE INDEX IF NOT EXISTS deliveries_by_entry ON deliveries (channel, entry)`,
      `CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (channel, state, due_at)`,
      `CREATE TABLE IF NOT EXISTS policy_sets (digest text PRIMARY KEY, files text NOT NULL, kept_at timestamptz NOT NULL)`,
      `CREATE TABLE IF NOT EXISTS policy_active (id integer PRIMARY KEY, digest text NOT NULL, escalation text)`,
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
