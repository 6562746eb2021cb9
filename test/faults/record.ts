/**
 * The record as the harness reads it: straight from the tables, with none of the broker's code, and only what is new
 * since the last look, so that a long run can look after every fault.
 */
import pg from "pg";

export interface EntryLine {
  readonly index: number;
  readonly kind: string;
  readonly session: string | null;
  readonly escalation: string | null;
  readonly person: string | null;
  /** Of `session.issued`. */
  readonly accessKeyId: string | null;
}

export interface RecordReader {
  /** Resolves once no broker is connected: what a killed broker had sent is committed or gone. */
  readonly quiet: () => Promise<void>;
  /** The entries since the last call, and the head's size. */
  readonly news: () => Promise<{ readonly size: number; readonly entries: readonly EntryLine[] }>;
  /** Every row of every table as text. */
  readonly dump: () => Promise<string>;
  readonly query: (text: string, values?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;
  readonly close: () => Promise<void>;
}

const NEWS = `
  SELECT idx::integer AS index, kind, session, escalation, person,
    CASE kind WHEN 'session.issued' THEN body::json -> 'detail' ->> 'accessKeyId' END AS "accessKeyId"
  FROM entries WHERE idx >= $1 AND idx < $2 ORDER BY idx`;
const OTHERS = `
  SELECT 1 FROM pg_stat_activity
  WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> 'harness'`;
const TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1";

/** `url` is the database's own, behind no proxy. */
export function readRecord(url: string): RecordReader {
  const pool = new pg.Pool({ connectionString: url, application_name: "harness", max: 4 });
  // The database may be stopped while nobody reads.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  const query: RecordReader["query"] = async (text, values = []) =>
    (await pool.query<Record<string, unknown>>(text, [...values])).rows;
  let next = 0;
  return {
    query,
    quiet: async () => {
      while ((await query(OTHERS)).length > 0);
    },
    news: async () => {
      // The head first: whoever writes meanwhile only adds entries, which are left for the next look.
      const [head] = await query("SELECT size::integer AS size FROM log_head WHERE id = 1");
      const size = Number(head?.["size"]);
      const entries = (await query(NEWS, [next, size])) as unknown as readonly EntryLine[];
      next = size;
      return { size, entries };
    },
    dump: async () => {
      const texts: string[] = [];
      for (const { table_name: table } of await query(TABLES)) {
        const rows = await query(`SELECT t::text AS row FROM ${String(table)} t`);
        texts.push(String(table), ...rows.map(({ row }) => String(row)));
      }
      return texts.join("\n");
    },
    close: () => pool.end(),
  };
}
