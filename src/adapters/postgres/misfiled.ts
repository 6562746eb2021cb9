/**
 * Whether entries can be found by what they say: the columns that searches go by, held against the exact text. The text
 * is the record; a column that says otherwise hides an entry from whoever looks for it.
 */
import { searchColumns, storedEntry, type EntryRow } from "./rows.ts";
import type { Queries, Row } from "./sql.ts";

const ROWS = `
  SELECT idx, at, kind, agent, owner, person, session, escalation, request_id, policy_version, body
  FROM entries WHERE idx >= $1::bigint AND idx < $2::bigint ORDER BY idx`;

/** Indexes of entries whose columns are not their text's. */
export async function misfiled(
  db: Queries,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<readonly number[]> {
  const rows = await db.query(ROWS, [from, to]);
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
