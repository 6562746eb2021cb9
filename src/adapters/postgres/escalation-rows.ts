/**
 * Escalations as rows, and back; and the statements that read them. The content is its canonical JSON, byte for byte,
 * and each decision its own JSON; all other columns are for finding and ordering.
 */
import type {
  Decision,
  Escalation,
  EscalationContent,
  EscalationState,
} from "../../escalation/escalation.ts";
import { stateAt } from "../../escalation/machine.ts";
import type { Parameter, Row } from "./sql.ts";

/** With its decisions in one snapshot, and the database's clock to hold its times against. */
export const COLUMNS = `
  e.id, e.canonical, e.digest, e.state, e.requested_at, e.expires_at, e.usable_until, e.session, e.entry,
  (SELECT json_agg(d.body ORDER BY d.place)::text FROM decisions d WHERE d.escalation = e.id) AS decisions,
  date_trunc('milliseconds', statement_timestamp()) AS now`;

export const FIND = `SELECT ${COLUMNS} FROM escalations e WHERE e.id = $1`;

export const INSERT = `
  INSERT INTO escalations (id, kind, agent, template, state, canonical, digest, open, requested_at, expires_at,
    usable_seconds, entry)
  VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8::timestamptz, $9::timestamptz, $10::integer, $11::bigint)`;

export const UPDATE = `
  UPDATE escalations SET state = $2::text, usable_until = $3::timestamptz, session = $4::text,
    open = CASE WHEN $2::text = 'pending' THEN open END,
    closed_at = CASE WHEN $2::text IN ('pending', 'approved') THEN NULL ELSE COALESCE(closed_at, $5::timestamptz) END,
    denied_at = $6::timestamptz
  WHERE id = $1`;

export const INSERT_DECISION = `
  INSERT INTO decisions (escalation, place, person, verdict, at, body)
  VALUES ($1, $2::integer, $3, $4, $5::timestamptz, $6)`;

/** Of INSERT. `entry`: the index of the entry that records the request. */
export function insertParameters(escalation: Escalation, open: string, entry: number): readonly Parameter[] {
  const { id, content, canonical, digest, requestedAt, expiresAt } = escalation;
  const asked = content.kind === "session" ? content : null;
  return [
    id,
    content.kind,
    asked?.agent ?? null,
    asked?.template ?? null,
    canonical,
    digest,
    open,
    requestedAt.toISOString(),
    expiresAt.toISOString(),
    content.rule.usableSeconds,
    entry,
  ];
}

/** Of UPDATE. */
export function updateParameters(escalation: Escalation, now: Date): readonly Parameter[] {
  const { id, state, usableUntil, session, decisions } = escalation;
  const denial = decisions.find(({ verdict }) => verdict === "deny");
  return [
    id,
    state,
    usableUntil?.toISOString() ?? null,
    session,
    now.toISOString(),
    denial?.at.toISOString() ?? null,
  ];
}

/** Of INSERT_DECISION, for the decision at `place`. */
export function decisionParameters(
  escalation: string,
  place: number,
  decision: Decision,
): readonly Parameter[] {
  const { person, verdict, at } = decision;
  return [escalation, place, person, verdict, at.toISOString(), JSON.stringify(decision)];
}

/** As it stands in its row, whose time may be over without anybody having written that down. */
export function storedEscalation(row: Row): Escalation {
  const decisions = JSON.parse((row["decisions"] as string | null) ?? "[]") as readonly string[];
  const canonical = row["canonical"] as string;
  return {
    id: row["id"] as string,
    content: JSON.parse(canonical) as EscalationContent,
    canonical,
    digest: row["digest"] as string,
    state: row["state"] as EscalationState,
    requestedAt: row["requested_at"] as Date,
    expiresAt: row["expires_at"] as Date,
    usableUntil: row["usable_until"] as Date | null,
    decisions: decisions.map(decisionOf),
    session: row["session"] as string | null,
  };
}

/** As it is by the database's clock. */
export function currentEscalation(row: Row): Escalation {
  const escalation = storedEscalation(row);
  return { ...escalation, state: stateAt(escalation, row["now"] as Date) };
}

function decisionOf(body: string): Decision {
  const decision = JSON.parse(body) as Decision;
  return { ...decision, at: new Date(decision.at) };
}
