/**
 * The two engines behind one small interface: PostgreSQL by `pg`, and PGlite (PostgreSQL in this process). Knows
 * no table. Must never retry: whoever wrote the transaction knows whether it may run again.
 */
import type { PGlite, Transaction } from "@electric-sql/pglite";
import type { ClientBase, PoolClient, PoolConfig } from "pg";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { connectionOf, type MakeToken } from "./connection.ts";
import { lockFolder } from "./folder-lock.ts";

export type Row = Readonly<Record<string, unknown>>;
export type Parameter = string | number | null;

/** Runs one statement, prepared where the engine can. Texts must be constants: each is kept for good. */
export interface Queries {
  query(text: string, parameters: readonly Parameter[]): Promise<readonly Row[]>;
}

/**
 * Contract. `transaction` commits when `run` resolves and rolls back when it rejects; transactions run one after
 * the other. It resolves only after the engine confirmed the commit, so a rejection may follow a commit whose
 * reply was lost. Where `keep` answers false to what `run` resolved to, it rolls back instead and resolves all the
 * same: a refusal that wrote nothing costs no flush to disk. Engine errors carry their SQLSTATE; see `sqlState`.
 */
export interface Database extends Queries {
  transaction<T>(run: (tx: Queries) => Promise<T>, keep?: (value: T) => boolean): Promise<T>;
  /** One statement that is a transaction of its own, in turn with the others: one round trip to the engine. */
  write(text: string, parameters: readonly Parameter[]): Promise<readonly Row[]>;
  close(): Promise<void>;
}

export interface PostgresOptions {
  /** Connections for reading; one more is kept for writing. */
  readonly maxConnections: number;
  /** Milliseconds to connect, to wait for a lock, to sit in a transaction. A statement may take twice that. */
  readonly timeoutMs: number;
  /** Makes the password of each connection; null: the URL has it. */
  readonly makeToken?: MakeToken | null;
}

/** The engine's five-character error code, or null where the error did not come from the engine's own answer. */
export function sqlState(error: unknown): string | null {
  const code: unknown = error instanceof Error && "code" in error ? error.code : null;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && "severity" in (error as Error)
    ? code
    : null;
}

/** Opens PostgreSQL at `url` (`postgres://…`; TLS as its `sslmode` says). Connects at the first query. */
export async function openPostgres(url: string, options: PostgresOptions): Promise<Database> {
  const { default: pg } = await import("pg");
  const config: PoolConfig = {
    ...connectionOf(url, options.makeToken ?? null),
    application_name: "twokey",
    keepAlive: true,
    connectionTimeoutMillis: options.timeoutMs,
    statement_timeout: 2 * options.timeoutMs,
    lock_timeout: options.timeoutMs,
    idle_in_transaction_session_timeout: options.timeoutMs,
    // The server's own limit answers first; this one is for a network that swallows the answer.
    query_timeout: 2 * options.timeoutMs + 1_000,
  };
  const readers = new pg.Pool({
    ...config,
    max: options.maxConnections,
    idleTimeoutMillis: 30_000,
    // Compiling a statement takes longer than any page of rows it is about to read.
    ...advised("SET jit = off"),
  });
  const writers = new pg.Pool({
    ...config,
    max: 1,
    idleTimeoutMillis: 0,
    // Writers look rows up by key only. Planned on an empty table, their statements would scan it, and go on
    // scanning it until the next ANALYZE.
    ...advised("SET jit = off", "SET enable_seqscan = off"),
  });
  for (const pool of [readers, writers]) {
    // An idle connection that dies is replaced by the next query; unheard, the event would end the process.
    pool.on("error", () => undefined);
    pool.on("connect", (client) => {
      client.on("error", () => undefined);
    });
  }
  return {
    query: (text, parameters) => queriesOn(readers).query(text, parameters),
    transaction: async (run, keep = () => true) => {
      const client = await writers.connect();
      try {
        await client.query("BEGIN");
        const value = await run(queriesOn(client));
        const end = keep(value) ? "COMMIT" : "ROLLBACK";
        const done = await client.query(end);
        if (done.command !== end) throw new Error(`${end} was answered ${done.command}`);
        client.release();
        return value;
      } catch (error) {
        client.release(!(await rolledBack(client, error)));
        throw error;
      }
    },
    write: async (text, parameters) => {
      const client = await writers.connect();
      try {
        const rows = await queriesOn(client).query(text, parameters);
        client.release();
        return rows;
      } catch (error) {
        client.release(sqlState(error) === null);
        throw error;
      }
    },
    close: async () => {
      await Promise.all([readers.end(), writers.end()]);
    },
  };
}

/**
 * Option of a pool, for its new connections. It hands one out only afterwards, so that nobody's first statement waits
 * behind these. An engine without a setting is merely not advised.
 */
function advised(...settings: readonly string[]) {
  return {
    onConnect: async (client: ClientBase): Promise<void> => {
      for (const setting of settings) await client.query(setting).catch(() => undefined);
    },
  };
}

const statementNames = new Map<string, string>();

function queriesOn(client: Pick<PoolClient, "query">): Queries {
  return {
    query: async (text, parameters) => {
      const name = statementNames.get(text) ?? `twokey_${statementNames.size}`;
      statementNames.set(text, name);
      const result = await client.query<Row>({ name, text, values: [...parameters] });
      return result.rows;
    },
  };
}

/** A statement thrown away by time-out may still run on its connection: only an answered one is worth keeping. */
async function rolledBack(client: PoolClient, cause: unknown): Promise<boolean> {
  if (sqlState(cause) === null) return false;
  return client.query("ROLLBACK").then(
    () => true,
    () => false,
  );
}

/**
 * Opens PGlite in `folder`, made if absent, which this process alone owns until `close`; null keeps everything in
 * memory. What is committed survives the death of the process but not a power cut: PGlite never calls fsync.
 */
export async function openPglite(folder: string | null): Promise<Database> {
  if (folder !== null) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const unlock = folder === null ? () => undefined : lockFolder(folder);
  try {
    const { PGlite: Engine } = await import("@electric-sql/pglite");
    const dataDir = folder === null ? "memory://" : join(folder, "pglite");
    const engine = await Engine.create({ dataDir, relaxedDurability: false });
    return {
      query: (text, parameters) => rowsOf(engine, text, parameters),
      transaction: (run, keep = () => true) =>
        engine.transaction(async (tx) => {
          const value = await run({ query: (text, parameters) => rowsOf(tx, text, parameters) });
          if (!keep(value)) await tx.rollback();
          return value;
        }),
      write: (text, parameters) => rowsOf(engine, text, parameters),
      close: async () => {
        await engine.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function rowsOf(
  engine: PGlite | Transaction,
  text: string,
  parameters: readonly Parameter[],
): Promise<readonly Row[]> {
  return (await engine.query<Row>(text, [...parameters])).rows;
}
