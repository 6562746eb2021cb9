/**
 * The port LogReader on PostgreSQL or PGlite, and the checkpoints it reads. Repairs nothing: what the tables say is what
 * is answered, so that whoever verifies sees every change.
 */
import type { KeptCheckpoint, LogReader } from "../../audit/reader.ts";
import { headOf, HEAD_COLUMNS } from "./head.ts";
import { readLeaves } from "./leaves.ts";
import { readHashes } from "./log-tiles.ts";
import type { Database, Queries, Row } from "./sql.ts";

const HEAD = `SELECT ${HEAD_COLUMNS}, origin FROM log_head WHERE id = 1`;
const CHECKPOINTS = `
  SELECT size, note, at FROM checkpoints WHERE size > $1::bigint ORDER BY size LIMIT $2::integer`;
const LATEST = "SELECT size, note, at FROM checkpoints ORDER BY size DESC LIMIT 1";

const checkpointOf = (row: Row): KeptCheckpoint => ({
  size: Number(row["size"]),
  note: row["note"] as string,
  at: row["at"] as Date,
});

export function logReader(db: Queries): LogReader {
  return {
    head: async () => {
      const [row] = await db.query(HEAD, []);
      if (row === undefined) throw new Error("the log has no head");
      return { origin: row["origin"] as string, frontier: headOf(row).frontier };
    },
    leaves: (range) => readLeaves(db, range),
    checkpoints: async ({ after, limit }) => (await db.query(CHECKPOINTS, [after, limit])).map(checkpointOf),
    latestCheckpoint: async () => (await db.query(LATEST, [])).map(checkpointOf)[0] ?? null,
    hashes: (wanted) => readHashes(db, wanted),
  };
}

// Two replicas that sign the same size sign the same root.
const KEEP = `
  INSERT INTO checkpoints (size, note, at) VALUES ($1::bigint, $2, clock_timestamp()) ON CONFLICT DO NOTHING`;

export async function keepCheckpoint(db: Database, size: number, note: string): Promise<void> {
  await db.query(KEEP, [size, note]);
}
