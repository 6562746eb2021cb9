/** The exact texts of entries, many at once. Must never pass two entries for one, or one for two. */
import type { Queries } from "./sql.ts";

// One row for a page of entries: most of what reading costs is the rows.
const LEAVES = `
  SELECT count(*) AS count, string_agg(body, chr(10) ORDER BY idx) AS texts FROM entries
  WHERE idx >= $1::bigint AND idx < $2::bigint`;
const ROWS = "SELECT body FROM entries WHERE idx >= $1::bigint AND idx < $2::bigint ORDER BY idx";

/** See LogReader.leaves. */
export async function readLeaves(
  db: Queries,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<readonly string[]> {
  const [row] = await db.query(LEAVES, [from, to]);
  const texts = ((row?.["texts"] ?? null) as string | null)?.split("\n") ?? [];
  if (texts.length === Number(row?.["count"])) return texts;
  // Some text has a line break, which no entry that was written has: two could pass for one, or one for two.
  return (await db.query(ROWS, [from, to])).map((one) => one["body"] as string);
}
