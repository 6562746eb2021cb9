/** The port ReadFigures: one statement by two indexes. Must never read more as the record grows. */
import type { RecordFigures } from "../../audit/figures.ts";
import type { Queries } from "./sql.ts";

/** An agent has three waiting at most: more than this is no queue that anybody works off. */
const MOST_PENDING = 1_000;

// What is over is no longer pending, whether or not anybody has written that down.
export const FIGURES = `
  SELECT (SELECT size FROM log_head WHERE id = 1) AS entries, count(*) AS pending,
    EXTRACT(EPOCH FROM statement_timestamp() - min(p.requested_at))::float8 AS oldest
  FROM (
    SELECT requested_at, expires_at FROM escalations WHERE state = 'pending' ORDER BY entry LIMIT ${MOST_PENDING}
  ) p
  WHERE p.expires_at > statement_timestamp()`;

export async function readFigures(db: Queries): Promise<RecordFigures> {
  const [row] = await db.query(FIGURES, []);
  const oldest = row?.["oldest"] as number | null | undefined;
  return {
    entries: Number(row?.["entries"]),
    pending: Number(row?.["pending"]),
    oldestPendingSeconds: oldest == null ? null : Math.max(0, oldest),
  };
}
