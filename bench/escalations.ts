/**
 * What the queue's questions cost as escalations pile up: the same store with 1,000, 10,000 and 100,000 of them, asked
 * in turns in one run, each size as a ratio of the smallest. Needs PostgreSQL.
 */
import pg from "pg";
import { openAuditLog, type Store } from "../src/adapters/postgres/audit-log.ts";
import { fillStore } from "../test/support/fill-store.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { measure } from "./measure.ts";

export interface QueueRow {
  readonly question: string;
  /** Milliseconds at p50, by number stored. */
  readonly p50: Readonly<Record<number, number>>;
}

const STORED = [1_000, 10_000, 100_000] as const;

const QUESTIONS: Readonly<Record<string, (log: Store, stored: number) => Promise<unknown>>> = {
  "what waits": (log) =>
    log.escalations.list({ agent: null, states: ["pending", "approved"], limit: 25, before: null }),
  "what was decided": (log) =>
    log.escalations.list({ agent: null, states: ["consumed", "denied", "expired"], limit: 25, before: null }),
  "a later page": (log, stored) =>
    log.escalations.list({ agent: null, states: null, limit: 25, before: `esc-${stored / 2}` }),
  "an agent's own": (log) =>
    log.escalations.list({ agent: "agent-7", states: null, limit: 25, before: null }),
  "one escalation": (log, stored) => log.escalations.find(`esc-${stored / 2}`),
};

/** Null where PostgreSQL is not installed. */
export async function queueRows(options: {
  readonly milliseconds: number;
  readonly rounds: number;
}): Promise<readonly QueueRow[] | null> {
  const cluster = await startPostgres();
  if (cluster === null) return null;
  const stores: (readonly [number, Store])[] = [];
  try {
    for (const stored of STORED) stores.push([stored, await filled(await cluster.database(), stored)]);
    const rows: QueueRow[] = [];
    for (const [question, ask] of Object.entries(QUESTIONS)) {
      const times = new Map<number, number[]>(STORED.map((stored) => [stored, []]));
      for (let round = 0; round < options.rounds; round++) {
        for (const [stored, log] of stores) {
          const task = async (): Promise<void> => {
            await ask(log, stored);
          };
          times.get(stored)?.push(...(await measure(task, { ...options, concurrency: 1 })));
        }
      }
      rows.push({ question, p50: Object.fromEntries([...times].map(([size, all]) => [size, median(all)])) });
    }
    return rows;
  } finally {
    await Promise.all(stores.map(([, log]) => log.close()));
    await cluster.stop();
  }
}

async function filled(url: string, stored: number): Promise<Store> {
  const log = await openAuditLog({ url, folder: null });
  const client = new pg.Client(url);
  await client.connect();
  await fillStore(client, stored);
  await client.end();
  return log;
}

const median = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
