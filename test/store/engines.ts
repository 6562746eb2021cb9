/** Both engines, each with a store on an open database that a test may also look into. */
import { afterAll, beforeAll, describe } from "vitest";
import { auditLogOn, type Store } from "../../src/adapters/postgres/audit-log.ts";
import { migrate } from "../../src/adapters/postgres/schema.ts";
import { openPglite, openPostgres, type Database } from "../../src/adapters/postgres/sql.ts";
import { postgresInstalled, startPostgres } from "../support/postgres.ts";

export interface Opened {
  /** Of the tests that run now. */
  readonly log: Store;
  readonly db: Database;
}

interface Engine {
  readonly name: string;
  readonly available: boolean;
  open(): Promise<Database>;
  stop(): Promise<void>;
}

const pglite: Engine = {
  name: "PGlite",
  available: true,
  open: () => openPglite(null),
  stop: async () => undefined,
};

function postgres(): Engine {
  let stop = async (): Promise<void> => undefined;
  return {
    name: postgresInstalled ? "PostgreSQL" : "PostgreSQL (skipped: needs PostgreSQL)",
    available: postgresInstalled,
    open: async () => {
      const cluster = await startPostgres();
      if (cluster === null) throw new Error("PostgreSQL is not installed");
      stop = () => cluster.stop();
      return openPostgres(cluster.url, { maxConnections: 4, timeoutMs: 5_000 });
    },
    stop: () => stop(),
  };
}

/** The same tests on every engine. */
export function onEveryEngine(title: string, tests: (opened: Opened) => void): void {
  for (const engine of [pglite, postgres()]) {
    describe.skipIf(!engine.available)(`${title} on ${engine.name}`, () => {
      let log: Store | null = null;
      let db: Database | null = null;
      beforeAll(async () => {
        db = await engine.open();
        await migrate(db);
        log = auditLogOn(db);
      });
      afterAll(async () => {
        await log?.close();
        await engine.stop();
      });
      const opened = <T>(value: T | null): T => {
        if (value === null) throw new Error("the store is not open yet");
        return value;
      };
      tests({
        get log() {
          return opened(log);
        },
        get db() {
          return opened(db);
        },
      });
    });
  }
}
