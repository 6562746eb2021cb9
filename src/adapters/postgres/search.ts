/**
 * Finding entries. One of the fields that are given leads through its own index, newest first; the others and the text
 * are held against what it finds, so a rare word in a long log means reading much of it.
 */
import type { EntrySearch } from "../../audit/log.ts";
import { column } from "./rows.ts";
import type { Parameter, Queries, Row } from "./sql.ts";

/** What finds least first: that one leads. */
const FIELDS = ["escalation", "session", "person", "agent"] as const;

/** Bounds written as a range: by an equation the planner would see that the primary key has the order too, and read the whole log for a value that is not in it. */
const leading = (name: string, value: string): string => `e.${name} >= ${value} AND e.${name} <= ${value}`;

/** At most 64 different texts: each is prepared once and kept. */
export function searchText(query: EntrySearch): string {
  const lead = FIELDS.find((field) => query[field] !== null) ?? (query.kinds === null ? null : "kind");
  const conditions = FIELDS.map((field, n) => {
    const value = `$${n + 1}::text`;
    if (query[field] === null) return `${value} IS NULL`;
    return field === lead ? leading(field, value) : `e.${field} = ${value}`;
  });
  conditions.push("e.idx < COALESCE($5::bigint, 9223372036854775807)", saying(query.text));
  const order = lead === null ? "e.idx DESC" : `e.${lead} DESC, e.idx DESC`;
  const select = (more: string): string =>
    `SELECT e.idx, e.body FROM entries e WHERE ${[...conditions, more].join(" AND ")}
     ORDER BY ${order} LIMIT $6::integer`;
  if (lead !== "kind") {
    return select("($10::text IS NULL OR e.kind IN (SELECT json_array_elements_text($10::text::json)))");
  }
  // A page of each kind, and then of them all.
  return `SELECT e.idx, e.body FROM json_array_elements_text($10::text::json) AS wanted (kind)
    CROSS JOIN LATERAL (${select(leading("kind", "wanted.kind"))}) e
    ORDER BY e.idx DESC LIMIT $6::integer`;
}

function saying(text: string | null): string {
  const forms = ["$7::text", "$8::text", "$9::text"];
  return text === null
    ? `COALESCE(${forms.join(", ")}) IS NULL`
    : `(${forms.map((form) => `strpos(e.body, ${form}) > 0`).join(" OR ")})`;
}

/** Columns `idx, body`. */
export async function search(db: Queries, query: EntrySearch): Promise<readonly Row[]> {
  const { before, limit, text, kinds } = query;
  const forms = text === null ? [null, null, null] : formsOf(text);
  const wanted = kinds === null ? null : JSON.stringify([...new Set(kinds)]);
  return db.query(searchText(query), [...fieldsOf(query), before, limit, ...forms, wanted]);
}

const fieldsOf = (query: EntrySearch): readonly Parameter[] => FIELDS.map((field) => column(query[field]));

/** As a reader types it, as it stands in the entry's JSON, and as it stands in JSON within it (an escalation's content). */
function formsOf(text: string): readonly string[] {
  const inJson = (plain: string): string => JSON.stringify(plain).slice(1, -1);
  return [column(text), inJson(text), inJson(inJson(text))];
}
