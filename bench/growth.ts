/**
 * Whether a long life makes anything slower: mints on a database that holds a million sessions and ten million entries
 * beside an empty one, on one PostgreSQL in turns; proofs and `audit verify` over the long log.
 */
import pg from "pg";
import { verifyEd25519 } from "../src/adapters/key-files/key-files.ts";
import { openAuditLog } from "../src/adapters/postgres/audit-log.ts";
import { MIGRATIONS } from "../src/adapters/postgres/migrations.ts";
import { inclusionProof, provesInclusion, rootAt } from "../src/audit/proof.ts";
import { leafHash } from "../src/audit/tree.ts";
import { verifyLog } from "../src/flows/verify-log.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { measure, sideBySide, summary, type Measured } from "./measure.ts";
import { prepare, startStub } from "./mint.ts";

export interface GrowthFigures {
  readonly sessions: number;
  readonly entries: number;
  readonly empty: Measured;
  readonly grown: Measured;
  readonly emptyAt64: Measured;
  readonly grownAt64: Measured;
  /** Of an inclusion proof, from the question to a proof that was checked. */
  readonly proof: Measured;
  readonly verifiedPerSecond: number;
  /** Search columns held against each entry too. */
  readonly verifiedWithColumnsPerSecond: number;
}

export async function growthFigures(
  size: { readonly sessions: number; readonly entries: number; readonly milliseconds: number },
  note: (text: string) => void,
): Promise<GrowthFigures> {
  const postgres = await startPostgres();
  if (postgres === null) throw new Error("PostgreSQL is not installed");
  const stub = await startStub();
  const emptyStore = await openAuditLog({ url: postgres.url, folder: null });
  const url = await postgres.database();
  await (await openAuditLog({ url, folder: null })).close();
  note(`filling ${size.entries.toLocaleString("en")} entries`);
  await fill(url, size);
  note("making their tree");
  const store = await openAuditLog({ url, folder: null });
  const [emptyTasks, grownTasks] = [
    await prepare(emptyStore, stub.endpoint),
    await prepare(store, stub.endpoint),
  ];
  const mints = [emptyTasks.mint, grownTasks.mint] as const;
  note("minting");
  const options = { concurrency: 1, milliseconds: size.milliseconds, rounds: 8 };
  await sideBySide(mints, { ...options, rounds: 1 });
  const [empty, grown] = await sideBySide(mints, options);
  const [emptyAt64, grownAt64] = await sideBySide(mints, { ...options, concurrency: 64 });
  // A broker makes them every few seconds.
  note("making tiles");
  const grownTo = (await store.tree.head()).frontier.size;
  while ((await store.makeTiles(grownTo, 2_000)) === 2_000);
  note("proving");
  const proof = await proofTimes(store, size.entries);
  note("verifying");
  const rates = await verifyRates(store);
  for (const tasks of [emptyTasks, grownTasks]) tasks.close();
  await Promise.all([emptyStore.close(), store.close()]);
  await postgres.stop();
  stub.stop();
  const { sessions, entries } = size;
  return { sessions, entries, empty, grown, emptyAt64, grownAt64, proof, ...rates };
}

type Store = Awaited<ReturnType<typeof openAuditLog>>;

/** Straight into the tables and without their indexes, which are made again: one by one it would take a day. */
async function fill(
  url: string,
  { sessions, entries }: { readonly sessions: number; readonly entries: number },
): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  const indexes = MIGRATIONS.flatMap(({ statements }) => statements).filter((text) =>
    /CREATE (?:UNIQUE )?INDEX IF NOT EXISTS \S+ ON (?:entries|sessions)/.test(text),
  );
  for (const text of indexes) await client.query(`DROP INDEX ${/EXISTS (\S+) ON/.exec(text)?.[1] ?? ""}`);
  for (let from = 0; from < entries; from += 1_000_000) {
    await client.query(
      `INSERT INTO entries (idx, at, kind, agent, owner, session, request_id, policy_version, body)
       SELECT n, at, kind, agent, 'owner', session, 'req-' || n, repeat('b', 64),
         '{"kind":"' || kind || '","at":"' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') ||
         '","requestId":"req-' || n || '","agent":"' || agent || '","owner":"owner","person":null,"session":"' || session ||
         '","escalation":null,"policyVersion":"' || repeat('b', 64) || '","detail":{"n":' || n ||
         ',"policy":"' || repeat('p', 350) || '"}}'
       FROM (
         SELECT n, timestamptz '2026-01-01' + n * interval '1 second' AS at, 'agent-' || n % 50 AS agent,
           CASE n % 2 WHEN 0 THEN 'session.intent' ELSE 'session.issued' END AS kind, 'tks-' || n / 2 AS session
         FROM generate_series($1::bigint, $2::bigint - 1) AS n
       ) e`,
      [from, Math.min(entries, from + 1_000_000)],
    );
  }
  await client.query(
    `INSERT INTO sessions (id, agent, owner, template, account, state, requested_at, expires_at, access_key_id,
       policy_version, entry)
     SELECT 'tks-' || n, 'agent-' || n % 50, 'owner', 'observe', '111122223333', 'issued',
       timestamptz '2026-01-01' + n * interval '1 second', timestamptz '2026-01-01' + n * interval '1 second',
       'ASIA' || n, repeat('b', 64), n * 2
     FROM generate_series(0, $1::bigint - 1) AS n`,
    [sessions],
  );
  await client.query(`UPDATE log_head SET size = $1, frontier = NULL`, [entries]);
  for (const text of indexes) await client.query(text);
  await client.query("VACUUM ANALYZE");
  await client.end();
}

async function proofTimes(store: Store, entries: number): Promise<Measured> {
  const { frontier } = await store.tree.head();
  const { size } = frontier;
  const reader = { read: (wanted: Parameters<typeof store.tree.hashes>[0]) => store.tree.hashes(wanted) };
  const root = await rootAt(size, reader);
  let seed = 1;
  const prove = async (): Promise<void> => {
    seed = (seed * 48_271) % 2_147_483_647;
    const index = seed % entries;
    const [proof, [text = ""]] = await Promise.all([
      inclusionProof(index, size, reader),
      store.tree.leaves({ from: index, to: index + 1 }),
    ]);
    if (!provesInclusion({ leaf: leafHash(text), index, size, root }, proof)) throw new Error("no proof");
  };
  await measure(prove, { concurrency: 1, milliseconds: 1_000 });
  const times = await measure(prove, { concurrency: 1, milliseconds: 5_000 });
  return summary(times, 5);
}

/** `audit verify`'s, without looking at the search columns and with it. */
async function verifyRates(store: Store) {
  const rate = async (misfiled: Store["misfiled"] | null): Promise<number> => {
    const start = performance.now();
    const found = await verifyLog({
      tree: store.tree,
      keys: [],
      verify: verifyEd25519,
      outside: [],
      since: false,
      misfiled,
      onProgress: () => undefined,
    });
    // A throw is no measure of a look.
    if (found.faults.length > 0) throw new Error(found.faults.join());
    return found.size / ((performance.now() - start) / 1000);
  };
  return {
    verifiedPerSecond: await rate(null),
    verifiedWithColumnsPerSecond: await rate((range) => store.misfiled(range)),
  };
}
