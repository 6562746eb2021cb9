/**
 * A new escalation, or the one that is there already: under the head's lock it is held against the token, the
 * Idempotency-Key, what waits, and the limits that keep approvers from being worn down.
 */
import { joinedEntry, requestedEntry, type EntryContext } from "../../audit/escalation-entry.ts";
import { escalationCode } from "../../escalation/code.ts";
import type { Escalation } from "../../escalation/escalation.ts";
import type { EscalationDraft, Requested, RequestRefusal } from "../../escalation/store.ts";
import { frozenBy } from "../../identity/freeze.ts";
import { err, ok, type Result } from "../../result.ts";
import { findUnderHead } from "./escalation-change.ts";
import { FIND, INSERT, insertParameters, currentEscalation } from "./escalation-rows.ts";
import { column, digestOf } from "./rows.ts";
import type { Queries } from "./sql.ts";
import type { Writing } from "./under-head.ts";

type Request = NonNullable<EscalationDraft["request"]>;
type Answer = Result<Requested, RequestRefusal>;

/** An agent's request, its free texts as SHA-256. */
interface Asked extends Request {
  readonly agent: string;
  readonly template: string;
  readonly tokenDigest: string;
  readonly keyDigest: string | null;
}

export async function requestUnderHead(
  tx: Queries,
  writing: Writing,
  draft: EscalationDraft,
): Promise<Answer> {
  const asked = askedBy(draft);
  // Whoever is frozen asks nobody for more.
  const frozen = asked === null ? null : frozenBy(writing.frozen, asked);
  if (frozen !== null) return err({ reason: "frozen", by: frozen });
  const before = asked === null ? null : await askedBefore(tx, writing, asked);
  if (before !== null) return before;

  const waiting = await join(tx, writing, draft);
  if (waiting !== null) {
    if (asked !== null) await spend(tx, asked, waiting.id);
    return ok({ escalation: waiting, outcome: "joined" });
  }
  const tired = asked === null ? null : await tooMuch(tx, writing, asked);
  if (tired !== null) return err(tired);

  const escalation = created(draft, writing.now);
  const entry = writing.record(
    requestedEntry(escalation, escalationCode(draft.digest), contextOf(draft, writing)),
  );
  await tx.query(INSERT, insertParameters(escalation, draft.joinKey, entry));
  writing.announce("escalation.requested", escalation.id);
  if (asked !== null) await spend(tx, asked, escalation.id);
  return ok({ escalation, outcome: "created" });
}

/** Null for a policy set: nobody's token asked. */
function askedBy({ content, request }: EscalationDraft): Asked | null {
  if (request === null || content.kind === "policy") return null;
  const { agent, template } = content;
  const { idempotencyKey, tokenId } = request;
  return {
    ...request,
    agent: column(agent),
    template: column(template),
    // Another agent's token may have the same id: ids are only the issuer's to keep apart.
    tokenDigest: digestOf(JSON.stringify([agent, tokenId])),
    keyDigest: idempotencyKey === null ? null : digestOf(idempotencyKey),
  };
}

const USED_TOKEN = `SELECT key_digest, body_digest, escalation FROM used_tokens WHERE token_digest = $1`;
const USED_KEY = `SELECT body_digest, escalation FROM escalation_keys WHERE agent = $1 AND key_digest = $2`;

async function askedBefore(tx: Queries, writing: Writing, asked: Asked): Promise<Answer | null> {
  const { agent, tokenDigest, keyDigest, bodyDigest } = asked;
  const [token] = await tx.query(USED_TOKEN, [tokenDigest]);
  if (token !== undefined) {
    const same =
      keyDigest !== null && token["key_digest"] === keyDigest && token["body_digest"] === bodyDigest;
    return same ? repeated(tx, token["escalation"] as string) : err({ reason: "token_replayed" });
  }
  if (keyDigest === null) return null;
  const [key] = await tx.query(USED_KEY, [agent, keyDigest]);
  if (key === undefined) return null;
  const escalation = key["escalation"] as string;
  if (key["body_digest"] !== bodyDigest) return err({ reason: "idempotency_key_used", escalation });
  await spendToken(tx, asked, escalation);
  writing.keep();
  return repeated(tx, escalation);
}

async function repeated(tx: Queries, id: string): Promise<Answer> {
  const [row] = await tx.query(FIND, [id]);
  if (row === undefined) throw new Error("a used token or key names no escalation");
  return ok({ escalation: currentEscalation(row), outcome: "repeated" });
}

const OPEN = `SELECT id FROM escalations WHERE open = $1`;

/** The same thing, where it waits already. One whose time is over is written down as expired and makes place. */
async function join(tx: Queries, writing: Writing, draft: EscalationDraft): Promise<Escalation | null> {
  const [open] = await tx.query(OPEN, [draft.joinKey]);
  if (open === undefined) return null;
  const context = contextOf(draft, writing);
  const waiting = await findUnderHead(tx, writing, { id: open["id"] as string, by: context });
  if (waiting?.state !== "pending") return null;
  writing.record(joinedEntry(waiting, context));
  return waiting;
}

const PENDING = `
  SELECT id FROM escalations WHERE agent = $1 AND state = 'pending' AND expires_at > $2::timestamptz
  ORDER BY entry DESC`;
const DENIED = `SELECT max(denied_at) AS at FROM escalations WHERE agent = $1 AND template = $2`;

async function tooMuch(tx: Queries, { now }: Writing, asked: Asked): Promise<RequestRefusal | null> {
  const { agent, template, limits } = asked;
  const pending = (await tx.query(PENDING, [agent, now.toISOString()])).map((row) => row["id"] as string);
  if (pending.length >= limits.maxPending) return { reason: "too_many_pending", pending };
  const [denied] = await tx.query(DENIED, [agent, template]);
  const at = denied?.["at"] as Date | null;
  if (at === null) return null;
  const until = new Date(at.getTime() + limits.coolDownSeconds * 1000);
  return until > now ? { reason: "cooling_down", until } : null;
}

function created({ content, canonical, digest }: EscalationDraft, now: Date): Escalation {
  return {
    id: content.id,
    content,
    canonical,
    digest,
    state: "pending",
    requestedAt: now,
    expiresAt: new Date(now.getTime() + content.rule.pendingSeconds * 1000),
    usableUntil: null,
    decisions: [],
    session: null,
  };
}

function contextOf({ request, policyVersion }: EscalationDraft, { now }: Writing): EntryContext {
  return { at: now, requestId: request?.requestId ?? null, policyVersion };
}

const SPEND_TOKEN = `
  INSERT INTO used_tokens (token_digest, agent, key_digest, body_digest, escalation, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6::timestamptz)`;
const SPEND_KEY = `
  INSERT INTO escalation_keys (agent, key_digest, body_digest, escalation) VALUES ($1, $2, $3, $4)`;

async function spend(tx: Queries, asked: Asked, escalation: string): Promise<void> {
  const { agent, keyDigest, bodyDigest } = asked;
  await spendToken(tx, asked, escalation);
  if (keyDigest !== null) await tx.query(SPEND_KEY, [agent, keyDigest, bodyDigest, escalation]);
}

async function spendToken(tx: Queries, asked: Asked, escalation: string): Promise<void> {
  const { agent, tokenDigest, keyDigest, bodyDigest, tokenExpiresAt } = asked;
  const expires = tokenExpiresAt.toISOString();
  await tx.query(SPEND_TOKEN, [tokenDigest, agent, keyDigest, bodyDigest, escalation, expires]);
}
