/**
 * Passkeys as rows: enrolled once, used under escalation-store.ts, removed for good. A row is never deleted, because
 * decisions of the past were signed with it.
 */
import { humanEntry } from "./human-entry.ts";
import type { HumanContext, HumanStore, Passkey } from "../../identity/human-store.ts";
import { err, ok, type Result } from "../../result.ts";
import { column } from "./rows.ts";
import { SPEND_INVITATION } from "./invitations.ts";
import type { Queries, Row } from "./sql.ts";
import type { Writing } from "./under-head.ts";

/** By credential id or person; null: of all. Removed ones too. */
export const PASSKEYS = `
  SELECT credential_id, public_key, account_issuer, account_subject, person, label, counter, transports, enrolled_at,
    counts_from, removed_at
  FROM passkeys
  WHERE ($1::text IS NULL OR credential_id = $1) AND ($2::text IS NULL OR person = $2)
  ORDER BY enrolled_at, credential_id`;

export function passkeyOf(row: Row): Passkey {
  const text = (name: string): string => row[name] as string;
  return {
    credentialId: text("credential_id"),
    publicKey: text("public_key"),
    account: {
      issuer: text("account_issuer"),
      subject: text("account_subject"),
    },
    person: text("person"),
    label: text("label"),
    counter: Number(row["counter"]),
    transports: JSON.parse(text("transports")) as readonly string[],
    enrolledAt: row["enrolled_at"] as Date,
    countsFrom: row["counts_from"] as Date,
    removedAt: row["removed_at"] as Date | null,
  };
}

export interface Enrolment {
  readonly passkey: Parameters<HumanStore["enrol"]>[0];
  readonly options: Parameters<HumanStore["enrol"]>[1];
  readonly context: HumanContext;
}

const INSERT = `
  INSERT INTO passkeys (credential_id, public_key, account_issuer, account_subject, person, label, counter, transports,
    enrolled_at, counts_from)
  VALUES ($1, $2, $3, $4, $5, $6, $7::bigint, $8, $9::timestamptz, $10::timestamptz)`;
const ENROLLED = "SELECT 1 AS found FROM passkeys WHERE credential_id = $1";
const NONCE = `
  SELECT nonce FROM challenges WHERE nonce = $1 AND purpose = 'enrol' AND expires_at > $2::timestamptz`;
const SPEND_NONCE = "DELETE FROM challenges WHERE nonce = $1";
const INVITATION = `
  SELECT person FROM invitations
  WHERE token_digest = $1 AND person = $3 AND spent_at IS NULL AND expires_at > $2::timestamptz`;

export async function enrolUnderHead(
  tx: Queries,
  writing: Writing,
  { passkey, options, context }: Enrolment,
): Promise<Result<Passkey, "nonce_used" | "invitation_used" | "already_enrolled">> {
  const { now } = writing;
  const { nonce, spendInvitation, delaySeconds } = options;
  const at = now.toISOString();
  if ((await tx.query(NONCE, [nonce, at])).length === 0) return err("nonce_used");
  const invited =
    spendInvitation === null ||
    (await tx.query(INVITATION, [spendInvitation, at, passkey.person])).length > 0;
  if (!invited) return err("invitation_used");
  if ((await tx.query(ENROLLED, [passkey.credentialId])).length > 0) return err("already_enrolled");

  await tx.query(SPEND_NONCE, [nonce]);
  if (spendInvitation !== null) await tx.query(SPEND_INVITATION, [spendInvitation, at]);
  const countsFrom = new Date(now.getTime() + delaySeconds * 1000);
  const enrolled: Passkey = {
    ...passkey,
    label: column(passkey.label),
    enrolledAt: now,
    countsFrom,
    removedAt: null,
  };
  const { credentialId, publicKey, account, person, label, counter, transports } = enrolled;
  await tx.query(INSERT, [
    credentialId,
    publicKey,
    account.issuer,
    account.subject,
    person,
    label,
    counter,
    JSON.stringify(transports),
    at,
    countsFrom.toISOString(),
  ]);
  const detail = { credentialId, publicKey, account, label, countsFrom };
  writing.record(humanEntry({ kind: "passkey.enrolled", detail }, context, now));
  writing.announce("passkey.enrolled", null, { person, label });
  return ok(enrolled);
}

const REMOVE = `
  UPDATE passkeys SET removed_at = $2::timestamptz
  WHERE credential_id = $1 AND removed_at IS NULL RETURNING person`;

export async function removeUnderHead(
  tx: Queries,
  writing: Writing,
  { credentialId, context }: { readonly credentialId: string; readonly context: HumanContext },
): Promise<boolean> {
  const [removed] = await tx.query(REMOVE, [credentialId, writing.now.toISOString()]);
  if (removed === undefined) return false;
  const detail = { credentialId, of: removed["person"] as string };
  writing.record(humanEntry({ kind: "passkey.removed", detail }, context, writing.now));
  return true;
}
