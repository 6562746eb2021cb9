/**
 * Invitations and the bootstrap token, which is the row without a person. Kept as SHA-256; each is good once.
 */
import type { HumanContext, HumanStore, Invitation } from "../../identity/human-store.ts";
import { humanEntry } from "./human-entry.ts";
import type { Queries } from "./sql.ts";
import type { Writing } from "./under-head.ts";

export const SPEND_INVITATION = `UPDATE invitations SET spent_at = $2::timestamptz WHERE token_digest = $1`;

const INSERT = `
  INSERT INTO invitations (token_digest, person, invited_by, expires_at)
  VALUES ($1, $2::text, $3::text, $4::timestamptz)`;

export interface Inviting {
  readonly invitation: Parameters<HumanStore["invite"]>[0];
  readonly by: "administrator" | "bootstrap";
  readonly context: HumanContext;
}

export async function inviteUnderHead(
  tx: Queries,
  writing: Writing,
  { invitation, by, context }: Inviting,
): Promise<Invitation> {
  const { tokenDigest, person, lifetimeSeconds } = invitation;
  const expiresAt = new Date(writing.now.getTime() + lifetimeSeconds * 1000);
  const invitedBy = by === "bootstrap" ? null : context.person;
  await tx.query(INSERT, [tokenDigest, person, invitedBy, expiresAt.toISOString()]);
  const detail = { invited: person, expiresAt, by };
  writing.record(humanEntry({ kind: "invitation.created", detail }, context, writing.now));
  return { person, invitedBy, expiresAt };
}

const FIND = `
  SELECT person, invited_by, expires_at FROM invitations
  WHERE token_digest = $1 AND person IS NOT NULL AND spent_at IS NULL AND expires_at > statement_timestamp()`;

export async function findInvitation(db: Queries, tokenDigest: string): Promise<Invitation | null> {
  const [row] = await db.query(FIND, [tokenDigest]);
  if (row === undefined) return null;
  return {
    person: row["person"] as string,
    invitedBy: row["invited_by"] as string | null,
    expiresAt: row["expires_at"] as Date,
  };
}

export interface Bootstrap {
  readonly tokenDigest: string | null;
  readonly lifetimeSeconds: number;
}

/** The last one takes the place of every other, whichever replica made it. */
export async function setBootstrapUnderHead(
  tx: Queries,
  writing: Writing,
  { tokenDigest, lifetimeSeconds }: Bootstrap,
): Promise<void> {
  writing.keep();
  await tx.query("DELETE FROM invitations WHERE person IS NULL", []);
  if (tokenDigest === null) return;
  const expires = new Date(writing.now.getTime() + lifetimeSeconds * 1000).toISOString();
  await tx.query(INSERT, [tokenDigest, null, null, expires]);
}

// Once somebody can sign in, nobody needs it any more: whoever found it in an old log gains nothing.
const SPEND_BOOTSTRAP = `
  UPDATE invitations SET spent_at = $2::timestamptz
  WHERE token_digest = $1 AND person IS NULL AND spent_at IS NULL AND expires_at > $2::timestamptz
    AND NOT EXISTS (SELECT 1 FROM passkeys WHERE removed_at IS NULL)
  RETURNING token_digest`;

export async function spendBootstrapUnderHead(
  tx: Queries,
  { now }: Writing,
  tokenDigest: string,
): Promise<boolean> {
  return (await tx.query(SPEND_BOOTSTRAP, [tokenDigest, now.toISOString()])).length > 0;
}
