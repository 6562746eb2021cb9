/**
 * Whether entries can be found by what they say: the columns that searches go by, held against the exact text. The text
 * is the record; a column that says otherwise hides an entry from whoever looks for it.
 */
import { searchColumns, storedEntry, type EntryRow } from "./rows.ts";
import { sqlState, type Queries, type Row } from "./sql.ts";

const COLUMNS = `
  SELECT idx, at, kind, agent, owner, person, session, escalation, request_id, policy_version, e.body FROM entries e`;

/**
 * Only those that PostgreSQL itself does not find in their place: handing over every row costs far more. Left to us is a
 * text with an escaped character, which a column may hold softened and the engine may refuse to read, and a long one,
 * which may be nested deeper than it can: PGlite would never answer again.
 */
const DOUBTFUL = `
  ${COLUMNS} CROSS JOIN LATERAL (
    SELECT CASE WHEN strpos(e.body, '\\u') = 0 AND octet_length(e.body) <= 4096 THEN e.body END::jsonb AS entry OFFSET 0) b
  WHERE idx >= $1::bigint AND idx < $2::bigint AND (
    jsonb_typeof(entry -> 'detail') IS DISTINCT FROM 'object' OR
    ROW(at, kind, agent, owner, person, session, escalation, request_id, policy_version) IS DISTINCT FROM
    ROW((entry ->> 'at')::timestamptz, entry ->> 'kind', entry ->> 'agent', entry ->> 'owner', entry ->> 'person',
      entry ->> 'session', entry ->> 'escalation', entry ->> 'requestId', entry ->> 'policyVersion'))
  ORDER BY idx`;
const ALL = `${COLUMNS} WHERE idx >= $1::bigint AND idx < $2::bigint ORDER BY idx`;

/** Indexes of entries whose columns are not their text's. */
export async function misfiled(
  db: Queries,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<readonly number[]> {
  const rows = await db.query(DOUBTFUL, [from, to]).catch((error: unknown) => {
    // Some text is no entry: which one, it does not tell.
    if (sqlState(error)?.startsWith("22") === true) return db.query(ALL, [from, to]);
    throw error;
  });
  return rows.filter((row) => !isFiled(row)).map((row) => Number(row["idx"]));
}

const FIELDS = [
  "kind",
  "agent",
  "owner",
  "person",
  "session",
  "escalation",
  "request_id",
  "policy_version",
] as const satisfies readonly (keyof EntryRow)[];

function isFiled(row: Row): boolean {
  try {
    const wanted = searchColumns(storedEntry(row));
    return (
      (row["at"] as Date).toISOString() === wanted.at && FIELDS.every((name) => row[name] === wanted[name])
    );
  } catch {
    // What is no entry has no place.
    return false;
  }
}
