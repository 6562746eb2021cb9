/**
 * The port EscalationStore on PostgreSQL or PGlite. Reads, chooses and writes under the head's lock; decides nothing
 * that escalation/machine.ts or the flow's `choose` decides.
 */
import { ESCALATION_STATES, type EscalationState } from "../../escalation/escalation.ts";
import { apply } from "../../escalation/machine.ts";
import type { ChangeContext, EscalationQuery, EscalationStore } from "../../escalation/store.ts";
import { err, ok } from "../../result.ts";
import { findUnderHead, writeDown } from "./escalation-change.ts";
import { requestUnderHead } from "./escalation-request.ts";
import { COLUMNS, currentEscalation, FIND } from "./escalation-rows.ts";
import { forget } from "./forget.ts";
import type { Database, Queries, Row } from "./sql.ts";
import type { UnderHead } from "./under-head.ts";

export interface EscalationParts {
  readonly db: Database;
  readonly underHead: UnderHead;
  readonly changed: EscalationStore["changed"];
}

export function escalationStore({ db, underHead, changed }: EscalationParts): EscalationStore {
  return {
    request: (draft) => underHead((tx, writing) => requestUnderHead(tx, writing, draft)),

    change: (id, context, choose) =>
      underHead(async (tx, writing) => {
        const { requestId, policyVersion } = context;
        const by = { requestId, policyVersion };
        const before = await findUnderHead(tx, writing, { id, by });
        if (before === null) return err({ reason: "not_found" });
        const chosen = choose(before, writing.now);
        if (!chosen.ok) return err({ reason: "refused", failure: chosen.error });
        const applied = apply(before, chosen.value, writing.now);
        if (!applied.ok) return err({ reason: "machine", fault: applied.error });
        if (!(await spend(tx, context))) return err({ reason: "nonce_used" });
        await writeDown(tx, writing, { before, event: chosen.value, applied: applied.value, by });
        return ok(applied.value);
      }),

    find: async (id) => {
      const [row] = await db.query(FIND, [id]);
      return row === undefined ? null : currentEscalation(row);
    },
    list: async (query) => (await listed(db, query)).map(currentEscalation),
    decidedBy: async (person, limit) => (await db.query(DECIDED_BY, [person, limit])).map(currentEscalation),
    expire: async () => {
      await forget(db);
      return expireAll(db, underHead);
    },
    changed,
  };
}

// Somebody who approved may still deny, so an escalation stands here twice at most.
const DECIDED_BY = `
  SELECT ${COLUMNS}
  FROM (
    SELECT l.escalation, max(l.at) AS decided_at
    FROM (SELECT escalation, at FROM decisions WHERE person = $1 ORDER BY at DESC LIMIT 2 * $2::integer) l
    GROUP BY l.escalation
  ) latest JOIN escalations e ON e.id = latest.escalation
  ORDER BY latest.decided_at DESC LIMIT $2::integer`;

// One statement, which answers one of any number of callers.
const SPEND_NONCE = `
  DELETE FROM challenges WHERE nonce = $1 AND purpose = 'decide' AND expires_at > clock_timestamp() RETURNING nonce`;
// A key that was removed since the flow looked it up signs nothing any more.
const MOVE_COUNTER = `
  UPDATE passkeys SET counter = GREATEST(counter, $2::bigint)
  WHERE credential_id = $1 AND removed_at IS NULL RETURNING credential_id`;

/** False: the challenge is used up, over or was never made, or the passkey is gone. */
async function spend(tx: Queries, { nonce, counter }: ChangeContext): Promise<boolean> {
  if (nonce !== null && (await tx.query(SPEND_NONCE, [nonce])).length === 0) return false;
  if (counter === null) return true;
  return (await tx.query(MOVE_COUNTER, [counter.credentialId, counter.value])).length > 0;
}

/** Whether a row's time is over though its state does not say so. */
const over = (clock: string): string => `CASE r.state
  WHEN 'pending' THEN r.expires_at <= ${clock}
  WHEN 'approved' THEN COALESCE(r.usable_until <= ${clock}, true)
  ELSE false END`;

// A page of each state by its index, and then of them all: however rare a state is, no more is read.
const listText = (whose: string): string => `
  SELECT ${COLUMNS}
  FROM json_to_recordset($1::text::json) AS wanted (state text, over boolean)
  CROSS JOIN LATERAL (
    SELECT * FROM escalations r
    WHERE r.state = wanted.state AND ${over("statement_timestamp()")} = wanted.over AND ${whose}
      AND r.entry < COALESCE($3::bigint, 9223372036854775807)
    ORDER BY r.entry DESC LIMIT $4::integer
  ) e
  ORDER BY e.entry DESC LIMIT $4::integer`;
export const LIST = listText("$2::text IS NULL");
export const LIST_OF_AGENT = listText("r.agent = $2");
// Under the same agent: another agent's id pages nothing.
const PLACE = "SELECT entry FROM escalations WHERE id = $1 AND ($2::text IS NULL OR agent = $2)";

async function listed(db: Queries, query: EscalationQuery): Promise<readonly Row[]> {
  const { agent, states, limit, before } = query;
  const [place] = before === null ? [] : await db.query(PLACE, [before, agent]);
  if (before !== null && place === undefined) return [];
  const wanted = JSON.stringify((states ?? ESCALATION_STATES).flatMap(rowsOfState));
  const text = agent === null ? LIST : LIST_OF_AGENT;
  return db.query(text, [wanted, agent, before === null ? null : Number(place?.["entry"]), limit]);
}

/** Rows that are in a state as of now: what is over is expired, whatever its row says. */
export function rowsOfState(state: EscalationState) {
  const stored = { state, over: false };
  if (state !== "expired") return [stored];
  return [stored, { state: "pending", over: true }, { state: "approved", over: true }];
}

const DUE = `
  SELECT r.id FROM escalations r
  WHERE r.state IN ('pending', 'approved') AND ${over("COALESCE($1::timestamptz, statement_timestamp())")}
  ORDER BY r.entry LIMIT $2::integer`;
/** Written down in one transaction. */
const EXPIRED_TOGETHER = 100;

async function expireAll(db: Queries, underHead: UnderHead): Promise<number> {
  let count = 0;
  // A look without the lock first: mostly there is nothing.
  while ((await db.query(DUE, [null, 1])).length > 0) {
    count += await underHead(async (tx, writing) => {
      const due = await tx.query(DUE, [writing.now.toISOString(), EXPIRED_TOGETHER]);
      const by = { requestId: null, policyVersion: null };
      for (const row of due) await findUnderHead(tx, writing, { id: row["id"] as string, by });
      return due.length;
    });
  }
  return count;
}
