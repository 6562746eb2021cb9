/**
 * Sessions and entries as rows, and back. The exact record is the entry's JSON in `body`, where a NUL is an escape;
 * all other columns are for searching, so text PostgreSQL cannot hold is softened in them. Must never see a secret: the
 * nouns it encodes have none.
 */
import { createHash } from "node:crypto";
import type { Entry, Idempotency, Outcome, SessionRecord, StoredEntry } from "../../audit/log.ts";
import type { Session, SessionState } from "../../session/session.ts";
import type { Row } from "./sql.ts";

export interface EntryRow {
  readonly at: string;
  readonly kind: string;
  readonly agent: string | null;
  readonly owner: string | null;
  readonly person: string | null;
  readonly session: string | null;
  readonly escalation: string | null;
  readonly request_id: string | null;
  readonly policy_version: string | null;
  readonly body: string;
}

export interface SessionRow {
  readonly id: string;
  readonly agent: string;
  readonly owner: string;
  readonly template: string;
  readonly account: string;
  readonly requested_at: string;
  readonly policy_version: string;
  readonly escalation: string | null;
}

export interface KeyRow {
  readonly agent: string;
  readonly key_digest: string;
  readonly body_digest: string;
  readonly session: string;
  readonly created_at: string;
}

export interface OutcomeRow {
  readonly id: string;
  readonly state: Outcome["state"];
  readonly access_key_id: string | null;
  readonly expires_at: string | null;
}

export function entryRow(entry: Entry): EntryRow {
  return { ...searchColumns(entry), body: JSON.stringify(entry) };
}

/** What an entry is found by. */
export function searchColumns(entry: Entry): Omit<EntryRow, "body"> {
  return {
    at: entry.at.toISOString(),
    kind: entry.kind,
    agent: column(entry.agent),
    owner: column(entry.owner),
    person: column(entry.person),
    session: column(entry.session),
    escalation: column(entry.escalation),
    request_id: column(entry.requestId),
    policy_version: column(entry.policyVersion),
  };
}

export function sessionRow(session: Session): SessionRow {
  return {
    id: column(session.id),
    agent: column(session.agent),
    owner: column(session.owner),
    template: column(session.template),
    account: column(session.account),
    requested_at: session.requestedAt.toISOString(),
    policy_version: column(session.policyVersion),
    escalation: column(session.escalation),
  };
}

export function keyRow(session: Session, idempotency: Idempotency): KeyRow {
  return {
    agent: column(session.agent),
    key_digest: digestOf(idempotency.key),
    body_digest: column(idempotency.bodyDigest),
    session: column(session.id),
    created_at: session.requestedAt.toISOString(),
  };
}

export function outcomeRow(session: Session, outcome: Outcome): OutcomeRow {
  const issued = outcome.state === "issued" ? outcome : null;
  return {
    id: column(session.id),
    state: outcome.state,
    access_key_id: column(issued?.accessKeyId ?? null),
    expires_at: issued?.expiresAt.toISOString() ?? null,
  };
}

/** SHA-256, hex. Well-formed JSON text first: two texts with different lone surrogates have the same UTF-8 bytes. */
export function digestOf(text: string): string {
  return createHash("sha256").update(JSON.stringify(text)).digest("hex");
}

/** NUL and lone surrogates cannot stand in a text column; left in, one hostile row would fail its whole group. */
export function column<T extends string | null>(text: T): T {
  return (text === null ? null : text.replaceAll(/[\0\p{Surrogate}]/gu, "\u{FFFD}")) as T;
}

export function intentEntry(session: Session, requestId: string): Entry {
  const { requestedAt, ...detail } = session;
  return { kind: "session.intent", at: requestedAt, requestId, ...whose(session), detail };
}

export function outcomeEntry(
  session: Session,
  outcome: Outcome,
  context: { readonly requestId: string; readonly at: Date },
): Entry {
  const base = { at: context.at, requestId: context.requestId, ...whose(session) };
  if (outcome.state === "issued") {
    const { accessKeyId, assumedRoleArn, expiresAt, packedPolicySize } = outcome;
    return {
      kind: "session.issued",
      ...base,
      detail: { accessKeyId, assumedRoleArn, expiresAt, packedPolicySize },
    };
  }
  const { code, message } = outcome;
  return { kind: `session.${outcome.state}`, ...base, detail: { code, message } };
}

function whose(session: Session) {
  const { agent, owner, id, escalation, policyVersion } = session;
  return { agent, owner, person: null, session: id, escalation, policyVersion };
}

/** What stands in the record where STS issued for a session that was frozen meanwhile: nothing may be delivered. */
export const FROZEN_OUTCOME: Outcome = {
  state: "unknown",
  code: "Frozen",
  message: "STS issued; the session was frozen meanwhile, and nothing was delivered",
};

/** The reverse of `intentEntry`, from its `body` and the session's `state, access_key_id, expires_at, frozen_at`. */
export function sessionRecord(row: Row): SessionRecord {
  const intent = JSON.parse(row["body"] as string) as Extract<Entry, { kind: "session.intent" }>;
  return {
    session: { ...intent.detail, requestedAt: new Date(intent.at) },
    state: row["state"] as SessionState,
    accessKeyId: row["access_key_id"] as string | null,
    expiresAt: row["expires_at"] as Date | null,
    frozenAt: row["frozen_at"] as Date | null,
  };
}

/** The reverse of `entryRow`, from columns `idx, body`. */
export function storedEntry(row: Row): StoredEntry {
  const body = JSON.parse(row["body"] as string) as Entry;
  // Entries of the first version know of no person and no escalation.
  const unknown = { person: null, escalation: null };
  const base = { ...unknown, ...body, index: Number(row["idx"]), at: new Date(body.at) };
  const times = Object.entries(body.detail).filter(([name]) => TIMES.includes(name));
  const revived = times.map(([name, text]) => [name, new Date(text as string)] as const);
  return { ...base, detail: { ...body.detail, ...Object.fromEntries(revived) } } as StoredEntry;
}

/** Fields that hold a time in the details of whatever kind has them. */
const TIMES: readonly string[] = ["expiresAt", "countsFrom", "olderThan", "happenedAt"];
