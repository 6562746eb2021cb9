/**
 * Freezes as rows, made and lifted under the head's lock: the head's own row says what is frozen, so that no writer on any
 * replica overlooks it. What AWS is to deny is wanted in the same transaction; see denials.ts.
 */
import type { Entry } from "../../audit/entry.ts";
import { sameTarget, type FreezeTarget } from "../../identity/freeze.ts";
import { err, ok, type Result } from "../../result.ts";
import type { Freeze, FreezeMaker, FreezeStore, FreezeWish, Thawing } from "../../session/freeze-store.ts";
import { allow, denyEveryone, denySession } from "./denials.ts";
import { column } from "./rows.ts";
import type { Queries, Row } from "./sql.ts";
import type { Writing } from "./under-head.ts";

const COLUMNS = `
  f.id, f.kind, f.name, f.reason, f.made_by, f.person, f.frozen_at, f.entry,
  CASE WHEN f.first_key_at > statement_timestamp() - interval '1 hour' THEN f.first_key END AS first_key`;
const FIND = `
  SELECT ${COLUMNS} FROM freezes f
  WHERE f.thawed_at IS NULL AND f.kind = $1 AND f.name IS NOT DISTINCT FROM $2::text
  ORDER BY f.entry DESC LIMIT 1`;
// A session that is over is frozen no more, and nobody need thaw it.
const ACTIVE = `
  SELECT ${COLUMNS} FROM freezes f
  WHERE f.thawed_at IS NULL AND (f.kind <> 'session' OR EXISTS (
    SELECT 1 FROM denied_sessions d WHERE d.session = f.name AND d.until > statement_timestamp()))
  ORDER BY f.entry DESC`;
const INSERT = `
  INSERT INTO freezes (id, kind, name, reason, made_by, person, frozen_at, entry, spread_at)
  VALUES ($1, $2, $3::text, $4, $5, $6::text, $7::timestamptz, $8::bigint, $9::timestamptz)`;
// What STS certainly never issued needs none.
const FREEZE_SESSION = `
  UPDATE sessions SET frozen_at = $2::timestamptz
  WHERE id = $1 AND state <> 'failed' AND frozen_at IS NULL RETURNING agent, owner, escalation`;
const SESSION = `
  SELECT s.agent, s.owner, s.escalation, e.body FROM sessions s JOIN entries e ON e.idx = s.entry
  WHERE s.id = $1 AND s.state <> 'failed'`;

export function freezeOfRow(row: Row): Freeze {
  const [kind, name] = [row["kind"] as FreezeTarget["kind"], row["name"] as string | null];
  return {
    id: row["id"] as string,
    target: { kind, name } as FreezeTarget,
    reason: row["reason"] as string,
    by: row["made_by"] as FreezeMaker,
    person: row["person"] as string | null,
    frozenAt: row["frozen_at"] as Date,
    entry: Number(row["entry"]),
    firstKey: row["first_key"] as string | null,
  };
}

async function findFreeze(tx: Queries, { kind, name }: FreezeTarget): Promise<Freeze | null> {
  return (await tx.query(FIND, [kind, column(name)])).map(freezeOfRow)[0] ?? null;
}

/** See FreezeStore.freeze. */
export async function freezeUnderHead(
  tx: Queries,
  writing: Writing,
  wish: FreezeWish,
): Promise<Freeze | null> {
  const { target } = wish;
  const before = await findFreeze(tx, target);
  if (before !== null) return before;
  const about = target.kind === "session" ? await freezeOne(tx, writing, target.name) : whose(wish);
  if (about === null) return null;

  const { now } = writing;
  const entry = writing.record(madeEntry(wish, about, now));
  const spread = target.kind === "session" || target.kind === "all" ? now.toISOString() : null;
  const { id, reason, by, person } = wish;
  await tx.query(INSERT, [
    id,
    target.kind,
    column(target.name),
    column(reason),
    by,
    person,
    now.toISOString(),
    entry,
    spread,
  ]);
  if (target.kind !== "session") writing.setFrozen([...writing.frozen, target]);
  if (target.kind === "all") await denyEveryone(tx, wish.roles, now);
  writing.announce("freeze.made", null, announced(wish, about));
  return { id, target, reason, by, person, frozenAt: now, entry, firstKey: null };
}

/** Whom the entry is about. */
type About = Pick<Entry, "agent" | "owner" | "session" | "escalation">;
const NOBODY: About = { agent: null, owner: null, session: null, escalation: null };

const whose = ({ target, owner }: FreezeWish): About =>
  target.kind === "agent" ? { ...NOBODY, agent: target.name, owner } : NOBODY;

async function freezeOne(tx: Queries, { now }: Writing, id: string): Promise<About | null> {
  const [row] = await tx.query(SESSION, [column(id)]);
  if (row === undefined) return null;
  const { detail } = JSON.parse(row["body"] as string) as Extract<Entry, { kind: "session.intent" }>;
  await tx.query(FREEZE_SESSION, [detail.id, now.toISOString()]);
  await denySession(tx, { session: detail, now });
  return {
    agent: row["agent"] as string,
    owner: row["owner"] as string,
    session: detail.id,
    escalation: row["escalation"] as string | null,
  };
}

function madeEntry(wish: FreezeWish, about: About, at: Date): Entry {
  const { id, target, reason, by, person, requestId, policyVersion } = wish;
  return {
    kind: "freeze.made",
    at,
    requestId,
    ...about,
    person,
    policyVersion,
    detail: { id, target, reason, by },
  };
}

function announced(
  { target, reason, by, person }: FreezeWish,
  about: About,
): Readonly<Record<string, string>> {
  const all = { kind: target.kind, name: target.name, reason, by, person, owner: about.owner };
  return Object.fromEntries(
    Object.entries(all).filter((field): field is [string, string] => field[1] !== null),
  );
}

const FIRST_KEY = "UPDATE freezes SET first_key = $2, first_key_at = $3::timestamptz WHERE id = $1";
const THAW = "UPDATE freezes SET thawed_at = $2::timestamptz, thawed_by = $3 WHERE id = $1";
const THAW_SESSION = "UPDATE sessions SET frozen_at = NULL WHERE id = $1";

/** See FreezeStore.thaw. */
export async function thawUnderHead(
  tx: Queries,
  writing: Writing,
  { target, thawing }: { readonly target: FreezeTarget; readonly thawing: Thawing },
): Promise<Result<{ readonly state: "thawed" | "first_key" }, "not_frozen" | "same_person">> {
  const freeze = await findFreeze(tx, target);
  if (freeze === null) return err("not_frozen");
  const { now } = writing;
  const { person, quorum, administrators } = thawing;
  const counted = [freeze.firstKey].filter((key) => key !== null && administrators.includes(key));
  const [firstKey = null] = counted;
  if (quorum === 2 && firstKey === person) return err("same_person");
  const first = quorum === 2 && firstKey === null;
  const keys = [firstKey, person].filter((key): key is string => key !== null);
  writing.record(thawEntry(freeze, thawing, { at: now, keys, state: first ? "first_key" : "thawed" }));
  if (first) {
    await tx.query(FIRST_KEY, [freeze.id, person, now.toISOString()]);
    return ok({ state: "first_key" });
  }
  await tx.query(THAW, [freeze.id, now.toISOString(), person]);
  writing.setFrozen(writing.frozen.filter((other) => !sameTarget(other, target)));
  if (target.kind === "session") {
    await tx.query(THAW_SESSION, [target.name]);
    await allow(tx, target.name, now);
  }
  return ok({ state: "thawed" });
}

function thawEntry(
  { id, target }: Freeze,
  { person, requestId, policyVersion }: Thawing,
  {
    at,
    keys,
    state,
  }: { readonly at: Date; readonly keys: readonly string[]; readonly state: "first_key" | "thawed" },
): Entry {
  const agent = target.kind === "agent" ? target.name : null;
  const session = target.kind === "session" ? target.name : null;
  const base = { at, requestId, ...NOBODY, agent, session, person, policyVersion };
  return { kind: "freeze.thawed", ...base, detail: { id, target, keys, state } };
}

export const listActive = async (db: Queries): Promise<Awaited<ReturnType<FreezeStore["active"]>>> =>
  (await db.query(ACTIVE, [])).map(freezeOfRow);
