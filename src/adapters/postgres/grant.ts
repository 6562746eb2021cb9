/**
 * A session and the grant it uses: consumed with the intent and given back with a definite failure, each in one
 * transaction, so that one grant never has two sessions and a failure of STS costs nobody a second approval.
 */
import type { Entry, GrantUse, Idempotency, IntentRefusal, Outcome } from "../../audit/log.ts";
import { apply } from "../../escalation/machine.ts";
import { frozenBy } from "../../identity/freeze.ts";
import { err, ok, type Result } from "../../result.ts";
import type { Session } from "../../session/session.ts";
import { applyUnderHead, findUnderHead, writeDown } from "./escalation-change.ts";
import { intentEntry, keyRow, outcomeEntry, outcomeRow, sessionRow, type KeyRow } from "./rows.ts";
import type { Queries } from "./sql.ts";
import type { Writing } from "./under-head.ts";
import type { KeyUsed } from "./write-group.ts";

export interface GrantedIntent<F> {
  readonly session: Session;
  readonly requestId: string;
  readonly idempotency: Idempotency | null;
  readonly grant: GrantUse<F>;
}

export async function consumeUnderHead<F>(
  tx: Queries,
  writing: Writing,
  { session, requestId, idempotency, grant }: GrantedIntent<F>,
): Promise<Result<{ readonly entry: number }, IntentRefusal<F>>> {
  const key = idempotency === null ? null : keyRow(session, idempotency);
  const frozen = frozenBy(writing.frozen, session);
  if (frozen !== null) return err({ reason: "frozen", by: frozen });
  const used = key === null ? null : await findKey(tx, key);
  if (used !== null) return err(used);

  const by = { requestId, policyVersion: session.policyVersion };
  const before = await findUnderHead(tx, writing, { id: grant.escalation, by });
  if (before === null) return err({ reason: "grant_not_found" });
  const chosen = grant.choose(before, writing.now);
  if (!chosen.ok) return err({ reason: "grant_refused", failure: chosen.error });
  const applied = apply(before, chosen.value, writing.now);
  if (!applied.ok) return err({ reason: "grant_machine", fault: applied.error, escalation: before });

  await writeDown(tx, writing, { before, event: chosen.value, applied: applied.value, by });
  const row = { session: sessionRow(session), ...(key !== null && { key }) };
  return ok({ entry: writing.record(intentEntry(session, requestId), row) });
}

const FIND_KEY = `
  SELECT session, body_digest = $3 AS same_body FROM idempotency WHERE agent = $1 AND key_digest = $2`;

async function findKey(tx: Queries, { agent, key_digest, body_digest }: KeyRow): Promise<KeyUsed | null> {
  const [row] = await tx.query(FIND_KEY, [agent, key_digest, body_digest]);
  if (row === undefined) return null;
  const session = row["session"] as string;
  return { reason: "idempotency_key_used", session, sameBody: row["same_body"] === true };
}

export interface FailedSession {
  readonly session: Session;
  readonly outcome: Outcome;
  readonly context: { readonly requestId: string; readonly at: Date };
}

/** STS certainly issued nothing: the grant is there again, unless somebody denied it meanwhile. */
export async function giveBackUnderHead(
  tx: Queries,
  writing: Writing,
  { session, outcome, context }: FailedSession,
): Promise<{ readonly entry: number }> {
  const { escalation, policyVersion, id } = session;
  const by = { requestId: context.requestId, policyVersion };
  const entry: Entry = outcomeEntry(session, outcome, context);
  const index = writing.record(entry, { outcome: outcomeRow(session, outcome) });
  const before = escalation === null ? null : await findUnderHead(tx, writing, { id: escalation, by });
  const event = { kind: "returned", session: id } as const;
  if (before !== null) await applyUnderHead(tx, writing, { before, event, by });
  return { entry: index };
}
