/** The settlement of a session whose outcome was not known: one entry, once, decided under the head's lock. */
import type { Settlement } from "../../audit/reconciliation.ts";
import { column, sessionRecord } from "./rows.ts";
import type { Queries } from "./sql.ts";
import type { Writing } from "./under-head.ts";

const FIND = `
  SELECT e.body, s.state, s.access_key_id, s.expires_at, s.frozen_at
  FROM sessions s JOIN entries e ON e.idx = s.entry WHERE s.id = $1`;
const SETTLED = "SELECT idx FROM entries WHERE session = $1 AND kind = 'session.settled' LIMIT 1";

export async function settleUnderHead(
  tx: Queries,
  writing: Writing,
  { session: id, settlement }: { readonly session: string; readonly settlement: Settlement },
): Promise<{ readonly entry: number } | null> {
  const [found] = await tx.query(FIND, [column(id)]);
  if (found === undefined) return null;
  const { session, state } = sessionRecord(found);
  if (state !== "intent" && state !== "unknown") return null;
  const [settled] = await tx.query(SETTLED, [column(id)]);
  if (settled !== undefined) return null;
  const { agent, owner, escalation, policyVersion } = session;
  const whose = { agent, owner, person: null, session: session.id, escalation, policyVersion };
  const base = { kind: "session.settled", at: writing.now, requestId: null } as const;
  return { entry: writing.record({ ...base, ...whose, detail: settlement }) };
}
