/**
 * One transaction for a group of operations: moves the head of the log, claims idempotency keys, moves sessions,
 * and writes the entries under consecutive indexes. Where the head is known and nothing is in the way, that is one
 * statement; otherwise it is done again under the head's lock. All changes of the head are in WRITE. Must never
 * give an index to a row that was refused, nor answer from a transaction that was not confirmed.
 */
import type { IntentRefusal } from "../../audit/log.ts";
import { frontierText } from "../../audit/tree.ts";
import { frozenBy, type Freezable } from "../../identity/freeze.ts";
import { err, ok, type Result } from "../../result.ts";
import type { Answer } from "./group-commit.ts";
import { grown, lockHead, type Head, type HeadBelief } from "./head.ts";
import type { EntryRow, KeyRow, OutcomeRow, SessionRow } from "./rows.ts";
import { sqlState, type Database, type Parameter, type Queries } from "./sql.ts";

/** One call of the port, encoded. An operation is refused only through its `key`, or as an intent that is frozen. */
export interface Operation {
  readonly entry: EntryRow;
  /** Where it makes or delivers a session: what a freeze of is a freeze of it. */
  readonly freezable?: Freezable;
  readonly session?: SessionRow;
  readonly key?: KeyRow;
  readonly outcome?: OutcomeRow;
  /** What is written instead where the session is frozen: it may not be delivered. */
  readonly ifFrozen?: { readonly entry: EntryRow; readonly outcome: OutcomeRow };
}

/** `frozen`: what was written is `ifFrozen`. */
export type Recorded = Result<{ readonly entry: number; readonly frozen: boolean }, KeyUsed | Frozen>;
export type KeyUsed = Extract<IntentRefusal, { reason: "idempotency_key_used" }>;
type Frozen = Extract<IntentRefusal, { reason: "frozen" }>;

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

/**
 * Everything else in one statement, all of it or nothing: the last line divides by zero unless the head moved from
 * where it was believed to be, every key was claimed, and every outcome moved its session. A frozen session cannot
 * become `issued`: a freeze and an outcome want the same row, and whichever comes second sees the first.
 * The second look at the ids makes the planner go by primary key however small it believes the table to be.
 */
const WRITE = `
  WITH head AS (
    UPDATE log_head SET size = $2::bigint, frontier = $10::text
    WHERE id = 1 AND size = $1::bigint AND frontier = $9::text RETURNING size
  ), claimed AS (
    INSERT INTO idempotency (agent, key_digest, body_digest, session, created_at)
    SELECT agent, key_digest, body_digest, session, created_at
    FROM json_to_recordset($6::text::json)
      AS r (agent text, key_digest text, body_digest text, session text, created_at timestamptz)
    ON CONFLICT DO NOTHING
    RETURNING session
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
    WHERE s.id = r.id AND s.state = 'intent' AND (s.frozen_at IS NULL OR r.state <> 'issued') AND s.id = ANY (
      ARRAY(SELECT i.id FROM json_to_recordset($4::text::json) AS i (id text)))
    RETURNING s.id
  ), written AS (
    INSERT INTO entries
      (idx, at, kind, agent, owner, person, session, escalation, request_id, policy_version, body)
    SELECT idx, at, kind, agent, owner, person, session, escalation, request_id, policy_version, body
    FROM json_to_recordset($5::text::json)
      AS r (idx bigint, at timestamptz, kind text, agent text, owner text, person text, session text,
            escalation text, request_id text, policy_version text, body text)
  )
  SELECT 1 / (CASE WHEN (SELECT count(*) FROM head) = 1
                    AND (SELECT count(*) FROM claimed) = $7::bigint
                    AND (SELECT count(*) FROM moved) = $8::bigint THEN 1 ELSE 0 END) AS written`;

const FROZEN = `
  SELECT id FROM sessions
  WHERE frozen_at IS NOT NULL AND id = ANY (ARRAY(SELECT json_array_elements_text($1::text::json)))`;

/** Attempts of one group at a serialisation failure or deadlock, after which its callers are told. */
export const ATTEMPTS = 5;

/** Writes the group and answers each operation in its order. Never rejects. */
export async function writeGroup(
  db: Database,
  group: readonly Operation[],
  belief: HeadBelief,
): Promise<readonly Answer<Recorded>[]> {
  const { head } = belief;
  belief.head = null;
  // Whether something is still frozen is for whoever has the lock to say.
  if (head !== null && !group.some((operation) => freezeOf(operation, head) !== null)) {
    const { parameters, next } = moving(head, group, group);
    try {
      await db.write(WRITE, parameters);
      belief.head = next;
      return group.map((_, index) => ({ value: ok({ entry: head.frontier.size + index, frozen: false }) }));
    } catch (error) {
      if (!isConflict(error) && !isOfOneRow(error)) return group.map(() => ({ error }));
    }
  }
  return writeUnderLock(db, group, belief);
}

const freezeOf = ({ freezable }: Operation, { frozen }: Head) =>
  freezable === undefined ? null : frozenBy(frozen, freezable);

async function writeUnderLock(
  db: Database,
  group: readonly Operation[],
  belief: HeadBelief,
): Promise<readonly Answer<Recorded>[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { answers, head } = await db.transaction((tx) => writeOnce(tx, group));
      belief.head = head;
      return answers.map((value) => ({ value }));
    } catch (error) {
      if (isConflict(error) && attempt < ATTEMPTS) continue;
      if (group.length > 1 && isOfOneRow(error)) return oneByOne(db, group, belief);
      return group.map(() => ({ error }));
    }
  }
}

/** One row's fault must not fail its neighbours; infrastructure's fault fails the rest without waiting for each. */
async function oneByOne(
  db: Database,
  group: readonly Operation[],
  belief: HeadBelief,
): Promise<readonly Answer<Recorded>[]> {
  const answers: Answer<Recorded>[] = [];
  for (const operation of group) {
    const [answer = { error: new Error("no answer") }] = await writeUnderLock(db, [operation], belief);
    answers.push(answer);
    if ("error" in answer && !isOfOneRow(answer.error)) break;
  }
  const last = answers.at(-1);
  return group.map((_, index) => answers[index] ?? last ?? { error: new Error("no answer") });
}

export const isConflict = (error: unknown): boolean => ["40001", "40P01"].includes(sqlState(error) ?? "");

/** Data exceptions (the statement's own division by zero too), violated constraints, exceeded limits. */
const isOfOneRow = (error: unknown): boolean =>
  ["22", "23", "54"].includes(sqlState(error)?.slice(0, 2) ?? "");

interface Written {
  readonly answers: readonly Recorded[];
  /** Afterwards. */
  readonly head: Head;
}

async function writeOnce(tx: Queries, group: readonly Operation[]): Promise<Written> {
  // First of all: every writer waits here, so that no two hold each other's rows, and what follows sees all
  // that any earlier writer committed.
  const head = await lockHead(tx);
  const stopped = frozenIntents(group, head);
  const late = await claimKeys(
    tx,
    group.filter((operation) => !stopped.has(operation)),
  );
  const refused = new Map<Operation, KeyUsed | Frozen>([...stopped, ...late]);
  const frozen = await frozenOf(tx, group, head);
  const accepted = group.filter((operation) => !refused.has(operation));
  const written = accepted.map((operation) => (frozen.has(operation) ? withheld(operation) : operation));
  // The keys are claimed already, and the accepted operations' are not claimed twice.
  const next = await writeAt(tx, head, written, []);
  const indexes = new Map(accepted.map((operation, index) => [operation, head.frontier.size + index]));
  const answers = group.map((operation) => {
    const refusal = refused.get(operation);
    const entry = indexes.get(operation) ?? NaN;
    return refusal === undefined ? ok({ entry, frozen: frozen.has(operation) }) : err(refusal);
  });
  return { answers, head: next };
}

/** Under the head's lock, from `lockHead`'s head. `keyed`: the operations whose keys are still to be claimed. */
export async function writeAt(
  tx: Queries,
  head: Head,
  operations: readonly Operation[],
  keyed: readonly Operation[],
): Promise<Head> {
  if (operations.length === 0) return head;
  const { parameters, next } = moving(head, operations, keyed);
  await tx.query(WRITE, parameters);
  return next;
}

/** Intents of what is frozen: refused, and nothing of them is written. */
function frozenIntents(group: readonly Operation[], head: Head): ReadonlyMap<Operation, Frozen> {
  return new Map(
    group.flatMap((operation) => {
      const by = operation.session === undefined ? null : freezeOf(operation, head);
      return by === null ? [] : [[operation, { reason: "frozen", by }] as const];
    }),
  );
}

const withheld = (operation: Operation): Operation => ({ ...operation, ...operation.ifFrozen });

/** Which of the group would deliver a session that was frozen meanwhile: by itself, or with its agent or template. */
async function frozenOf(
  tx: Queries,
  group: readonly Operation[],
  head: Head,
): Promise<ReadonlySet<Operation>> {
  const issued = group.filter(({ ifFrozen }) => ifFrozen !== undefined);
  if (issued.length === 0) return new Set();
  const rows = await tx.query(FROZEN, [JSON.stringify(issued.map(({ outcome }) => outcome?.id))]);
  const ids = new Set(rows.map((row) => row["id"]));
  return new Set(
    issued.filter((operation) => ids.has(operation.outcome?.id) || freezeOf(operation, head) !== null),
  );
}

/** Claims the group's idempotency keys and says which operations came too late. */
async function claimKeys(tx: Queries, group: readonly Operation[]): Promise<ReadonlyMap<Operation, KeyUsed>> {
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

/** Of WRITE, and the head it leaves: the one place that gives out indexes. `keyed`: whose keys are still to be claimed. */
function moving(
  head: Head,
  accepted: readonly Operation[],
  keyed: readonly Operation[],
): { readonly parameters: readonly Parameter[]; readonly next: Head } {
  const { size } = head.frontier;
  const sessions = accepted.flatMap(({ session }, index) =>
    session === undefined ? [] : [{ ...session, entry: size + index }],
  );
  const outcomes = accepted.flatMap(({ outcome }) => (outcome === undefined ? [] : [outcome]));
  const entries = accepted.map(({ entry }, index) => ({ idx: size + index, ...entry }));
  const keys = keyed.flatMap(({ key }) => (key === undefined ? [] : [key]));
  const [sessionRows, outcomeRows, entryRows, keyRows] = [sessions, outcomes, entries, keys].map((rows) =>
    JSON.stringify(rows),
  );
  const frontier = grown(
    head.frontier,
    accepted.map(({ entry }) => entry.body),
  );
  const parameters = [
    size,
    frontier.size,
    sessionRows ?? "[]",
    outcomeRows ?? "[]",
    entryRows ?? "[]",
    keyRows ?? "[]",
    keys.length,
    outcomes.length,
    frontierText(head.frontier),
    frontierText(frontier),
  ];
  return { parameters, next: { ...head, frontier } };
}
