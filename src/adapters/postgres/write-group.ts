/**
 * One transaction for a group of operations: takes the head of the log, claims idempotency keys, moves sessions,
 * and writes the entries under consecutive indexes. All changes of the head are in `advance`. Must never give an
 * index to a row that was refused, nor answer from a transaction that was not confirmed.
 */
import type { IntentRefusal } from "../../audit/log.ts";
import { err, ok, type Result } from "../../result.ts";
import type { Answer } from "./group-commit.ts";
import type { EntryRow, KeyRow, OutcomeRow, SessionRow } from "./rows.ts";
import { Rollback, sqlState, type Database, type Queries } from "./sql.ts";

/** One call of the port, encoded. An operation is refused only through its `key`. */
export interface Operation {
  readonly entry: EntryRow;
  readonly session?: SessionRow;
  readonly key?: KeyRow;
  readonly outcome?: OutcomeRow;
}

export type Recorded = Result<{ readonly entry: number }, IntentRefusal>;

const LOCK_HEAD = "SELECT size FROM log_head WHERE id = 1 FOR UPDATE";

const CLAIM_KEYS = `
  INSERT INTO idempotency (agent, key_digest, body_digest, session, created_at)
  SELECT agent, key_digest, body_digest, session, created_at
  FROM json_to_recordset($1::text::json)
    AS r (agent text, key_digest text, body_digest text, session text, created_at timestamptz)
  ON CONFLICT DO NOTHING
  RETURNING session`;

const FIND_KEYS = `
  SELECT r.wanted, i.session, i.body_digest = r.body_digest AS same_body
  FROM json_to_recordset($1::text::json) AS r (wanted integer, agent text, key_digest text, body_digest text)
  JOIN idempotency i ON i.agent = r.agent AND i.key_digest = r.key_digest`;

// The second look at the ids makes the planner go by primary key however small it believes the table to be.
const ADVANCE = `
  WITH head AS (
    UPDATE log_head SET size = $2::bigint WHERE id = 1 AND size = $1::bigint RETURNING size
  ), created AS (
    INSERT INTO sessions
      (id, agent, owner, template, account, state, requested_at, policy_version, escalation, entry)
    SELECT id, agent, owner, template, account, 'intent', requested_at, policy_version, escalation, entry
    FROM json_to_recordset($3::text::json)
      AS r (id text, agent text, owner text, template text, account text, requested_at timestamptz,
            policy_version text, escalation text, entry bigint)
  ), moved AS (
    UPDATE sessions s SET state = r.state, access_key_id = r.access_key_id, expires_at = r.expires_at
    FROM json_to_recordset($4::text::json)
      AS r (id text, state text, access_key_id text, expires_at timestamptz)
    WHERE s.id = r.id AND s.state = 'intent' AND s.id = ANY (
      ARRAY(SELECT i.id FROM json_to_recordset($4::text::json) AS i (id text)))
    RETURNING s.id
  ), written AS (
    INSERT INTO entries (idx, at, kind, agent, owner, session, request_id, policy_version, body)
    SELECT idx, at, kind, agent, owner, session, request_id, policy_version, body
    FROM json_to_recordset($5::text::json)
      AS r (idx bigint, at timestamptz, kind text, agent text, owner text, session text, request_id text,
            policy_version text, body text)
  )
  SELECT (SELECT count(*) FROM head) AS heads, (SELECT json_agg(id)::text FROM moved) AS moved`;

/** Attempts of one group at a serialisation failure or deadlock, after which its callers are told. */
const ATTEMPTS = 5;

/** Writes the group and answers each operation in its order. Never rejects. */
export async function writeGroup(
  db: Database,
  group: readonly Operation[],
): Promise<readonly Answer<Recorded>[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answers = await db.transaction((tx) => writeOnce(tx, group));
      return answers.map((value) => ({ value }));
    } catch (error) {
      if (isConflict(error) && attempt < ATTEMPTS) continue;
      if (group.length > 1 && isOfOneRow(error)) return oneByOne(db, group);
      return group.map(() => ({ error }));
    }
  }
}

/** One row's fault must not fail its neighbours; infrastructure's fault fails the rest without waiting for each. */
async function oneByOne(db: Database, group: readonly Operation[]): Promise<readonly Answer<Recorded>[]> {
  const answers: Answer<Recorded>[] = [];
  for (const operation of group) {
    const [answer = { error: new Error("no answer") }] = await writeGroup(db, [operation]);
    answers.push(answer);
    if ("error" in answer && !isOfOneRow(answer.error)) break;
  }
  const last = answers.at(-1);
  return group.map((_, index) => answers[index] ?? last ?? { error: new Error("no answer") });
}

const isConflict = (error: unknown): boolean => ["40001", "40P01"].includes(sqlState(error) ?? "");

/** Data exceptions, violated constraints, exceeded limits, and outcomes that moved no session. */
const isOfOneRow = (error: unknown): boolean =>
  error instanceof Rollback || ["22", "23", "54"].includes(sqlState(error)?.slice(0, 2) ?? "");

async function writeOnce(tx: Queries, group: readonly Operation[]): Promise<readonly Recorded[]> {
  // First of all: every writer waits here, so that no two hold each other's rows, and what follows sees all
  // that any earlier writer committed.
  const size = await lockHead(tx);
  const refused = await claimKeys(tx, group);
  const accepted = group.filter((operation) => !refused.has(operation));
  if (accepted.length > 0) await advance(tx, size, accepted);
  const indexes = new Map(accepted.map((operation, index) => [operation, size + index]));
  return group.map((operation) => {
    const refusal = refused.get(operation);
    return refusal === undefined ? ok({ entry: indexes.get(operation) ?? NaN }) : err(refusal);
  });
}

async function lockHead(tx: Queries): Promise<number> {
  const [head] = await tx.query(LOCK_HEAD, []);
  if (head === undefined) throw new Error("the log has no head");
  return Number(head["size"]);
}

/** Claims the group's idempotency keys and says which operations came too late. */
async function claimKeys(
  tx: Queries,
  group: readonly Operation[],
): Promise<ReadonlyMap<Operation, IntentRefusal>> {
  const keyed = group.flatMap((operation) =>
    operation.key === undefined ? [] : [{ operation, key: operation.key }],
  );
  if (keyed.length === 0) return new Map();
  const claimed = await tx.query(CLAIM_KEYS, [JSON.stringify(keyed.map(({ key }) => key))]);
  if (claimed.length === keyed.length) return new Map();
  const winners = new Set(claimed.map((row) => row["session"]));
  const late = keyed.filter(({ key }) => !winners.has(key.session));
  const wanted = late.map(({ key }, index) => ({ wanted: index, ...key }));
  const found = await tx.query(FIND_KEYS, [JSON.stringify(wanted)]);
  return new Map(
    late.map(({ operation }, index) => {
      const row = found.find((candidate) => candidate["wanted"] === index);
      if (row === undefined) throw new Error("an idempotency key was neither claimed nor found");
      const session = row["session"] as string;
      return [operation, { reason: "idempotency_key_used", session, sameBody: row["same_body"] === true }];
    }),
  );
}

/** The one place that changes the head, by compare-and-swap, and gives out indexes. */
async function advance(tx: Queries, size: number, accepted: readonly Operation[]): Promise<void> {
  const sessions = accepted.flatMap(({ session }, index) =>
    session === undefined ? [] : [{ ...session, entry: size + index }],
  );
  const outcomes = accepted.flatMap(({ outcome }) => (outcome === undefined ? [] : [outcome]));
  const entries = accepted.map(({ entry }, index) => ({ idx: size + index, ...entry }));
  const [result] = await tx.query(ADVANCE, [
    size,
    size + accepted.length,
    JSON.stringify(sessions),
    JSON.stringify(outcomes),
    JSON.stringify(entries),
  ]);
  if (Number(result?.["heads"]) !== 1) throw new Error("the head of the log moved under its lock");
  const moved = JSON.parse((result?.["moved"] ?? "[]") as string) as string[];
  // A session moves once: a second outcome, or one without an intent, undoes the group and is found one by one.
  if (moved.length !== outcomes.length) throw new Rollback("an outcome found no session in state intent");
}
