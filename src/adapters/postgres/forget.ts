/**
 * Deletes what is over and of no more use, a little at a time, so that the small tables stay small. What was done with
 * it stands in the log. Must never delete what still counts: an account's last OIDC sign-in says which groups it has.
 */
import type { Queries } from "./sql.ts";

const TOGETHER = 500;

const STATEMENTS: readonly string[] = [
  `DELETE FROM challenges WHERE nonce IN (
    SELECT nonce FROM challenges WHERE expires_at < clock_timestamp() LIMIT ${TOGETHER})`,
  `DELETE FROM logins WHERE state_digest IN (
    SELECT state_digest FROM logins WHERE expires_at < clock_timestamp() LIMIT ${TOGETHER})`,
  // A token is accepted for a moment after its end, for brokers whose clocks differ.
  `DELETE FROM used_tokens WHERE token_digest IN (
    SELECT token_digest FROM used_tokens WHERE expires_at < clock_timestamp() - interval '1 hour' LIMIT ${TOGETHER})`,
  `DELETE FROM sign_ins WHERE token_digest IN (
    SELECT token_digest FROM sign_ins s
    WHERE expires_at < clock_timestamp() AND (method <> 'oidc' OR EXISTS (
      SELECT 1 FROM sign_ins l
      WHERE l.account_issuer = s.account_issuer AND l.account_subject = s.account_subject
        AND l.method = 'oidc' AND l.signed_in_at > s.signed_in_at))
    LIMIT ${TOGETHER})`,
];

export async function forget(db: Queries): Promise<void> {
  for (const text of STATEMENTS) await db.query(text, []);
}
