/**
 * The port Retention on PostgreSQL or PGlite: what of each table may go, and deleting it. One table of conditions, and
 * nothing else here names a row that is deleted. Walks a table by its key, so that each statement looks at one page
 * however many rows stay; deletes by key, looking at the condition again. Must never delete what still counts:
 * see the conditions.
 */
import type { PrunedTable, Pruning, Retention } from "../../audit/retention.ts";
import type { Database, Parameter, Row } from "./sql.ts";
import type { UnderHead } from "./under-head.ts";

/** Rows of one statement: far below what a transaction may change on Aurora DSQL. */
const PAGE = 500;

interface Prunable {
  readonly key: readonly string[];
  /** Comes before every key. */
  readonly start: readonly Parameter[];
  /** Of a row `t`; $1: what is younger stays; $2: the channels there are, as JSON. */
  readonly goes: string;
  /** What must hold besides when it is deleted. */
  readonly still?: string;
  /** Writers claim such rows under the head's lock, and must not lose one between claiming and finding it. */
  readonly underHead?: true;
}

// Who still waits is told where the thread began, and by a claim that takes up behind the channel's last delivery
// (CLAIM_NEW in outbox.ts): so an open escalation's deliveries stay, and so does each channel's newest.
const deliveryGoes = (t: string): string => `
  ${t}.state <> 'waiting'
  AND (SELECT n.at FROM notices n WHERE n.id = ${t}.notice) < $1::timestamptz
  AND ${t}.entry < (SELECT max(l.entry) FROM deliveries l WHERE l.channel = ${t}.channel)
  AND COALESCE((SELECT e.state FROM escalations e WHERE e.id = ${t}.escalation), '') NOT IN ('pending', 'approved')`;

// By channel, which is how deliveries are found; as a count, which the planner does not turn into a scan of them all.
const deliveriesOf = (notice: string, which: string): string => `
  (SELECT count(*) FROM json_array_elements_text($2::text::json) AS c (channel)
   JOIN deliveries d ON d.channel = c.channel AND d.notice = ${notice} ${which})`;

const TABLES: Readonly<Record<PrunedTable, Prunable>> = {
  deliveries: { key: ["channel", "notice"], start: ["", ""], goes: deliveryGoes("t") },
  // None that a channel has still to tell is so old (CLAIM_NEW takes what is a day old at most).
  notices: {
    key: ["id"],
    start: [""],
    goes: `t.at < $1::timestamptz AND ${deliveriesOf("t.id", `AND (${deliveryGoes("d")}) IS NOT TRUE`)} = 0`,
    still: `${deliveriesOf("t.id", "")} = 0`,
  },
  idempotency: {
    key: ["agent", "key_digest"],
    start: ["", ""],
    goes: "t.created_at < $1::timestamptz",
    underHead: true,
  },
  escalation_keys: {
    key: ["agent", "key_digest"],
    start: ["", ""],
    goes: "(SELECT e.requested_at FROM escalations e WHERE e.id = t.escalation) < $1::timestamptz",
    underHead: true,
  },
  invitations: {
    key: ["token_digest"],
    start: [""],
    goes: "COALESCE(t.spent_at, t.expires_at) < $1::timestamptz",
    underHead: true,
  },
  // The last of each day stays, the first and the newest too: the next in size is of the same day, so this one goes.
  checkpoints: {
    key: ["size"],
    start: [-1],
    goes: `
      t.at < $1::timestamptz AND t.size > (SELECT min(f.size) FROM checkpoints f)
      AND date_trunc('day', t.at AT TIME ZONE 'UTC') = date_trunc('day', (
        SELECT l.at FROM checkpoints l WHERE l.size > t.size ORDER BY l.size LIMIT 1) AT TIME ZONE 'UTC')`,
  },
  denied_sessions: { key: ["session"], start: [""], goes: "t.until < $1::timestamptz" },
};

interface Statements {
  readonly walk: string;
  readonly remove: string;
}

/** Constants, as Queries wants them: made once. */
const STATEMENTS = Object.fromEntries(
  Object.entries(TABLES).map(([table, prunable]) => [table, statementsOf(table, prunable)]),
) as Readonly<Record<PrunedTable, Statements>>;

function statementsOf(table: string, { key, start, goes, still }: Prunable): Statements {
  const types = start.map((first) => (typeof first === "number" ? "bigint" : "text"));
  const columns = key.map((name) => `t.${name}`).join(", ");
  const parameters = (first: number) => types.map((type, n) => `$${first + n}::${type}`).join(", ");
  const [from, upTo] = [parameters(4), parameters(4 + types.length)];
  const given = key.map((name, n) => `${name} ${types[n] ?? "text"}`).join(", ");
  return {
    walk: `
      SELECT ${columns}, (${goes}) IS TRUE AND $2::text IS NOT NULL AS goes FROM ${table} t
      WHERE (${columns}) > (${parameters(3)}) ORDER BY ${columns} LIMIT ${PAGE}`,
    // By the page's range, which is one walk along the key whatever the planner believes of the table. Not a join:
    // with stale figures that becomes a walk for each row.
    remove: `
      DELETE FROM ${table} t
      WHERE (${columns}) > (${from}) AND (${columns}) <= (${upTo})
        AND json_build_array(${columns})::text = ANY (ARRAY(
          SELECT json_build_array(${key.map((name) => `r.${name}`).join(", ")})::text
          FROM json_to_recordset($3::text::json) AS r (${given})))
        AND (${goes}) AND ${still ?? "$2::text IS NOT NULL"}
      RETURNING 1 AS gone`,
  };
}

const DAYS_AGO = `
  SELECT date_trunc('milliseconds', clock_timestamp() - make_interval(days => $1::integer)) AS at`;
// From one to the next by the key: there are few channels, and many deliveries of each.
const NEXT_CHANNEL = "SELECT min(channel) AS channel FROM deliveries WHERE channel > $1";

export function retention(db: Database, change: UnderHead): Retention {
  const removeNow = (table: PrunedTable, parameters: readonly Parameter[]) =>
    TABLES[table].underHead !== true
      ? db.write(STATEMENTS[table].remove, parameters)
      : change((tx, writing) => {
          writing.keep();
          return tx.query(STATEMENTS[table].remove, parameters);
        });
  return {
    daysAgo: async (days) => (await db.query(DAYS_AGO, [days]))[0]?.["at"] as Date,
    count: async (pruning) => {
      let found = 0;
      for await (const page of walk(db, pruning)) found += page.going.length;
      return found;
    },
    remove: async (pruning, atMost) => {
      const { table, olderThan } = pruning;
      let gone = 0;
      for await (const { going, channels, range } of walk(db, pruning)) {
        const keys = going.slice(0, atMost - gone);
        if (keys.length > 0) {
          const parameters = [olderThan.toISOString(), channels, JSON.stringify(keys), ...range];
          gone += (await removeNow(table, parameters)).length;
        }
        if (gone >= atMost) break;
      }
      return gone;
    },
  };
}

interface Page {
  /** Keys of the rows that may go. */
  readonly going: readonly Row[];
  /** As JSON. */
  readonly channels: string;
  /** The key it begins behind, and its last. */
  readonly range: readonly Parameter[];
}

async function* walk(db: Database, { table, olderThan, onRows }: Pruning): AsyncGenerator<Page> {
  const { key, start } = TABLES[table];
  const channels = JSON.stringify(await channelsOf(db));
  let after = start;
  for (;;) {
    const rows = await db.query(STATEMENTS[table].walk, [olderThan.toISOString(), channels, ...after]);
    const last = rows.at(-1);
    if (last === undefined) return;
    onRows(rows.length);
    const keyOf = (row: Row): Row => Object.fromEntries(key.map((name) => [name, row[name]]));
    const end = key.map((name) => last[name] as Parameter);
    yield {
      going: rows.filter((row) => row["goes"] === true).map(keyOf),
      channels,
      range: [...after, ...end],
    };
    after = end;
  }
}

async function channelsOf(db: Database): Promise<readonly string[]> {
  const found: string[] = [];
  for (;;) {
    const [row] = await db.query(NEXT_CHANNEL, [found.at(-1) ?? ""]);
    const channel = row?.["channel"];
    if (typeof channel !== "string") return found;
    found.push(channel);
  }
}
