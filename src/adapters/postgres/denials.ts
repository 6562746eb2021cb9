/**
 * What AWS is to deny, by role: the sessions that were frozen, and since when everyone is. A role's row counts up what is
 * wanted; whoever has its lease tells IAM. Wanted in the transaction that freezes, so that a crash loses nothing.
 */
import type { Entry } from "../../audit/entry.ts";
import type { DeniedSession, DenialForm } from "../../session/denial.ts";
import type { DenialOutcome, DueDenial, RoleDenial } from "../../session/freeze-store.ts";
import type { Session } from "../../session/session.ts";
import type { Queries, Row } from "./sql.ts";
import type { UnderHead, Writing } from "./under-head.ts";

/** STS counts from its own answer, and clocks differ. */
const END_MARGIN_SECONDS = 300;
/** The same of what was issued before: an answer takes 15 s at most. */
const ISSUE_MARGIN_SECONDS = 45;
/** Sessions put on the list at once. */
const PAGE = 1_000;

const after = (time: Date, seconds: number): Date => new Date(time.getTime() + seconds * 1000);

// A new number for the role, so that whoever works on an older one comes again.
const WANT = `
  INSERT INTO role_denials (role_arn, wanted, applied, attempts, due_at)
  SELECT role_arn, 1, 0, 0, $2::timestamptz FROM json_to_recordset($1::text::json) AS r (role_arn text)
  ON CONFLICT (role_arn) DO UPDATE
    SET wanted = role_denials.wanted + 1, attempts = 0, due_at = excluded.due_at`;
const EVERYONE = `
  UPDATE role_denials SET everyone_before = $2::timestamptz, everyone_until = $3::timestamptz
  WHERE role_arn = ANY (ARRAY(SELECT json_array_elements_text($1::text::json)))`;
const DENY = `
  INSERT INTO denied_sessions (session, role_arn, cause, issued_before, until)
  SELECT session, role_arn, cause, issued_before, until FROM json_to_recordset($1::text::json)
    AS r (session text, role_arn text, cause text, issued_before timestamptz, until timestamptz)
  ON CONFLICT (session) DO UPDATE SET cause = COALESCE(denied_sessions.cause, excluded.cause)`;
// One that is denied with its agent or template stays so: thawing the session lifts the session's own freeze alone.
const ALLOW = "DELETE FROM denied_sessions WHERE session = $1 AND cause IS NULL RETURNING role_arn";

async function want(tx: Queries, roles: readonly string[], now: Date): Promise<void> {
  const rows = [...new Set(roles)].map((role_arn) => ({ role_arn }));
  if (rows.length > 0) await tx.query(WANT, [JSON.stringify(rows), now.toISOString()]);
}

interface Denying {
  readonly session: Pick<Session, "id" | "roleArn" | "durationSeconds">;
  readonly now: Date;
}

export async function denySession(tx: Queries, { session, now }: Denying): Promise<void> {
  await tx.query(DENY, [JSON.stringify([deniedRow(session, null, now)])]);
  await want(tx, [session.roleArn], now);
}

const deniedRow = (
  { id, roleArn, durationSeconds }: Denying["session"],
  cause: string | null,
  now: Date,
) => ({
  session: id,
  role_arn: roleArn,
  cause,
  issued_before: after(now, ISSUE_MARGIN_SECONDS).toISOString(),
  until: after(now, durationSeconds + END_MARGIN_SECONDS).toISOString(),
});

/** Every session of the roles that STS issued until now. */
export async function denyEveryone(tx: Queries, roles: readonly string[], now: Date): Promise<void> {
  await want(tx, roles, now);
  const until = after(now, 3600 + END_MARGIN_SECONDS);
  const before = after(now, ISSUE_MARGIN_SECONDS);
  await tx.query(EVERYONE, [JSON.stringify(roles), before.toISOString(), until.toISOString()]);
}

/** The session may be used again, unless it is denied with its agent or template. */
export async function allow(tx: Queries, session: string, now: Date): Promise<void> {
  const rows = await tx.query(ALLOW, [session]);
  await want(
    tx,
    rows.map((row) => row["role_arn"] as string),
    now,
  );
}

const TO_SPREAD = `
  SELECT id, kind, name, frozen_at, entry FROM freezes WHERE spread_at IS NULL AND kind IN ('agent', 'template')
  ORDER BY entry LIMIT 1`;
// Newest first, as far back as a session may live: none that is newer than its freeze was minted under it.
const LIVING = `
  SELECT e.body, s.entry FROM sessions s JOIN entries e ON e.idx = s.entry
  WHERE s.entry < $3::bigint AND s.requested_at > $4::timestamptz
    AND ($1::text IS NULL OR s.agent = $1) AND ($2::text IS NULL OR s.template = $2) AND s.state <> 'failed'
  ORDER BY s.entry DESC LIMIT ${PAGE}`;
const SPREAD = "UPDATE freezes SET spread_at = clock_timestamp() WHERE id = $1";

/** One freeze: its sessions go on the list. False: there was none to spread. */
export async function spreadOne(db: Queries, underHead: UnderHead): Promise<boolean> {
  // A look without the lock first: mostly there is nothing, and every writer waits for the lock.
  if ((await db.query(TO_SPREAD, [])).length === 0) return false;
  return underHead(async (tx, writing) => {
    const [freeze] = await tx.query(TO_SPREAD, []);
    if (freeze === undefined) return false;
    const { now } = writing;
    const of = (kind: string): string | null => (freeze["kind"] === kind ? (freeze["name"] as string) : null);
    const oldest = after(freeze["frozen_at"] as Date, -(3600 + END_MARGIN_SECONDS)).toISOString();
    let before = Number(freeze["entry"]);
    for (;;) {
      const rows = await tx.query(LIVING, [of("agent"), of("template"), before, oldest]);
      const sessions = rows.map((row) => intentOf(row["body"] as string));
      const denied = sessions.map((session) => deniedRow(session, freeze["id"] as string, now));
      if (denied.length > 0) await tx.query(DENY, [JSON.stringify(denied)]);
      await want(
        tx,
        sessions.map(({ roleArn }) => roleArn),
        now,
      );
      if (rows.length < PAGE) break;
      before = Number(rows.at(-1)?.["entry"]);
    }
    await tx.query(SPREAD, [freeze["id"] as string]);
    writing.keep();
    return true;
  });
}

const intentOf = (body: string): Denying["session"] =>
  (JSON.parse(body) as Extract<Entry, { kind: "session.intent" }>).detail;

// What is over is taken out of the policy too.
const DUE = "(wanted > applied OR until < clock_timestamp()) AND due_at <= clock_timestamp()";
const FREE = "COALESCE(lease_until < clock_timestamp(), true)";
const CLAIM = `
  UPDATE role_denials SET lease_until = clock_timestamp() + make_interval(secs => $1::double precision)
  WHERE ${DUE} AND ${FREE} AND role_arn = (
    SELECT role_arn FROM role_denials WHERE ${DUE} AND ${FREE} ORDER BY due_at LIMIT 1)
  RETURNING role_arn, wanted, everyone_before, everyone_until, document, attempts`;
const SESSIONS = `
  SELECT session, issued_before, until FROM denied_sessions
  WHERE role_arn = $1 AND until > clock_timestamp() ORDER BY until DESC`;

export async function claimRole(db: Queries, leaseSeconds: number): Promise<DueDenial | null> {
  const [row] = await db.query(CLAIM, [leaseSeconds]);
  if (row === undefined) return null;
  const roleArn = row["role_arn"] as string;
  return {
    roleArn,
    wanted: Number(row["wanted"]),
    sessions: (await db.query(SESSIONS, [roleArn])).map(deniedOf),
    everyoneBefore: row["everyone_before"] as Date | null,
    everyoneUntil: row["everyone_until"] as Date | null,
    document: row["document"] as string | null,
    attempts: Number(row["attempts"]),
  };
}

const deniedOf = (row: Row): DeniedSession => ({
  session: row["session"] as string,
  issuedBefore: row["issued_before"] as Date,
  until: row["until"] as Date,
});

const IN_FORCE = `
  UPDATE role_denials SET applied = $2::bigint, document = $3::text, form = $4::text, until = $5::timestamptz,
    since = $6::timestamptz, message = NULL, attempts = 0, lease_until = NULL
  WHERE role_arn = $1`;
// Later each time, five minutes at most.
const FAILED = `
  UPDATE role_denials SET message = $2, attempts = attempts + 1, lease_until = NULL,
    due_at = clock_timestamp() + make_interval(secs => LEAST(300, 2 ^ LEAST(attempts, 9))::double precision)
  WHERE role_arn = $1`;

export interface Settling {
  readonly due: DueDenial;
  readonly outcome: DenialOutcome;
  readonly policyVersion: string | null;
}

export async function settleUnderHead(
  tx: Queries,
  writing: Writing,
  { due, outcome, policyVersion }: Settling,
): Promise<void> {
  const { roleArn, wanted, attempts } = due;
  const { document, form, sessions, until, fault } = outcome;
  if (fault === null) {
    const since = writing.now.toISOString();
    await tx.query(IN_FORCE, [roleArn, wanted, document, form, until?.toISOString() ?? null, since]);
  } else await tx.query(FAILED, [roleArn, fault]);
  // A role that goes on failing is one entry, and so is one whose policy is what it was.
  if (fault === null ? document === due.document : attempts > 0) {
    writing.keep();
    return;
  }
  const state = fault === null ? "in_force" : "failed";
  writing.record({
    kind: "role.denied",
    at: writing.now,
    requestId: null,
    agent: null,
    owner: null,
    person: null,
    session: null,
    escalation: null,
    policyVersion,
    detail: { roleArn, state, form, sessions, message: fault },
  });
}

const ROLES = `
  SELECT role_arn, wanted > applied AS waiting, form, since, message, attempts FROM role_denials
  WHERE wanted > applied OR until > statement_timestamp() ORDER BY role_arn`;

export async function listRoles(db: Queries): Promise<readonly RoleDenial[]> {
  return (await db.query(ROLES, [])).map((row) => ({
    roleArn: row["role_arn"] as string,
    state: row["waiting"] !== true ? "in_force" : Number(row["attempts"]) > 0 ? "failed" : "waiting",
    form: row["form"] as DenialForm | null,
    since: row["waiting"] === true ? null : (row["since"] as Date | null),
    message: row["message"] as string | null,
  }));
}

const DENIED = `
  SELECT session, role_arn, issued_before, until FROM denied_sessions WHERE until > statement_timestamp()
  ORDER BY until DESC LIMIT $1::integer`;

export const listDenied = async (
  db: Queries,
  limit: number,
): Promise<readonly (DeniedSession & { readonly roleArn: string })[]> =>
  (await db.query(DENIED, [limit])).map((row) => ({ ...deniedOf(row), roleArn: row["role_arn"] as string }));
