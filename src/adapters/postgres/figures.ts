/** The port ReadFigures: one statement by two indexes. Must never read more as the record grows. */
import type { RecordFigures } from "../../audit/figures.ts";
import type { Queries } from "./sql.ts";

/** An agent has three waiting at most: more than this is no queue that anybody works off. */
const MOST_PENDING = 1_000;

// What is over is no longer pending, whether or not anybody has written that down.
export const FIGURES = `
  SELECT (SELECT size FROM log_head WHERE id = 1) AS entries, count(*) AS pending,
    EXTRACT(EPOCH FROM statement_timestamp() - min(p.requested_at))::float8 AS oldest,
    (SELECT COALESCE(json_array_length(frozen::json), 0) FROM log_head WHERE id = 1) AS frozen,
    (SELECT count(*) FROM role_denials WHERE wanted > applied) AS denials,
    (SELECT EXTRACT(EPOCH FROM statement_timestamp() - at)::float8 FROM checkpoints
     ORDER BY size DESC LIMIT 1) AS checkpoint_age,
    (SELECT max(size) FROM checkpoints) AS checkpoint_size
  FROM (
    SELECT requested_at, expires_at FROM escalations WHERE state = 'pending' ORDER BY entry LIMIT ${MOST_PENDING}
  ) p
  WHERE p.expires_at > statement_timestamp()`;

export async function readFigures(db: Queries): Promise<RecordFigures> {
  const [row] = await db.query(FIGURES, []);
  const seconds = (name: string): number | null => {
    const found = row?.[name] as number | null | undefined;
    return found == null ? null : Math.max(0, found);
  };
  const signed = row?.["checkpoint_size"] as string | number | null | undefined;
  return {
    entries: Number(row?.["entries"]),
    pending: Number(row?.["pending"]),
    oldestPendingSeconds: seconds("oldest"),
    frozen: Number(row?.["frozen"]),
    denialsWaiting: Number(row?.["denials"]),
    checkpointAgeSeconds: seconds("checkpoint_age"),
    checkpointEntries: signed == null ? null : Number(signed),
  };
}
