/**
 * Applies the migrations at start. Safe to run on several replicas at once; must never start on a schema that is newer
 * than this code.
 */
import { adoptTree } from "./adopt-tree.ts";
import { MIGRATIONS } from "./migrations.ts";
import { sqlState, type Database } from "./sql.ts";

const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS schema_migrations (id integer PRIMARY KEY, applied_at timestamptz NOT NULL)`;

/**
 * Brings the schema up to the last of `migrations`, and the entries into their tree; throws where it is already newer than this code knows. Safe to
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
  await adoptTree(db);
}

/** The newest migration of the database (0: none yet) and the newest that this code knows. Changes nothing. */
export async function schemaState(
  db: Database,
): Promise<{ readonly newest: number; readonly known: number }> {
  const rows = await db.query("SELECT id FROM schema_migrations", []).catch((error: unknown) => {
    if (sqlState(error) !== UNDEFINED_TABLE) throw error;
    return [];
  });
  return {
    newest: Math.max(0, ...rows.map((row) => Number(row["id"]))),
    known: Math.max(0, ...MIGRATIONS.map(({ id }) => id)),
  };
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
