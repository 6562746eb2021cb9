/**
 * Signed-in browsers. Revoked ones stay until they are over, and an account's last OIDC sign-in beyond that: it says
 * which groups the account has.
 */
import type { HumanStore, SignIn } from "../../identity/human-store.ts";
import { humanEntry } from "./human-entry.ts";
import type { Database, Row } from "./sql.ts";
import type { UnderHead } from "./under-head.ts";

type SignIns = Pick<HumanStore, "signIn" | "findSignIn" | "memberships" | "signOut" | "signOutEverywhere">;

const INSERT = `
  INSERT INTO sign_ins (token_digest, account_issuer, account_subject, method, groups, signed_in_at, expires_at)
  VALUES ($1, $2, $3, $4, $5::text, $6::timestamptz, $7::timestamptz)`;
const FIND = `
  SELECT account_issuer, account_subject, method, groups, signed_in_at, expires_at FROM sign_ins
  WHERE token_digest = $1 AND revoked_at IS NULL AND expires_at > statement_timestamp()`;
// A claim is what the provider said a day ago at most, of a sign-in nobody ended: a group taken away there must end here.
const MEMBERSHIPS = `
  SELECT account_issuer, account_subject, groups FROM (
    SELECT DISTINCT ON (account_issuer, account_subject)
      account_issuer, account_subject, groups, signed_in_at, revoked_at
    FROM sign_ins WHERE method = 'oidc'
    ORDER BY account_issuer, account_subject, signed_in_at DESC
  ) l
  WHERE groups IS NOT NULL AND revoked_at IS NULL AND signed_in_at > statement_timestamp() - interval '1 day'`;
const LIVE = "revoked_at IS NULL AND expires_at > $2::timestamptz RETURNING token_digest";
const SIGN_OUT = `UPDATE sign_ins SET revoked_at = $2::timestamptz WHERE token_digest = $1 AND ${LIVE}`;
const SIGN_OUT_EVERYWHERE = `
  UPDATE sign_ins s SET revoked_at = $2::timestamptz
  FROM json_to_recordset($1::text::json) AS a (issuer text, subject text)
  WHERE s.account_issuer = a.issuer AND s.account_subject = a.subject AND ${LIVE}`;

export function signIns(db: Database, underHead: UnderHead): SignIns {
  return {
    signIn: ({ account, method, groups, tokenDigest, lifetimeSeconds }, context) =>
      underHead(async (tx, { now, record }) => {
        const expiresAt = new Date(now.getTime() + lifetimeSeconds * 1000);
        const claim = groups === null ? null : JSON.stringify(groups);
        const times = [now.toISOString(), expiresAt.toISOString()];
        await tx.query(INSERT, [tokenDigest, account.issuer, account.subject, method, claim, ...times]);
        record(humanEntry({ kind: "human.signed_in", detail: { account, method, expiresAt } }, context, now));
        return { account, method, groups, signedInAt: now, expiresAt };
      }),
    findSignIn: async (tokenDigest) => {
      const [row] = await db.query(FIND, [tokenDigest]);
      return row === undefined ? null : signInOf(row);
    },
    memberships: async () =>
      (await db.query(MEMBERSHIPS, [])).map((row) => ({
        account: accountOf(row),
        groups: groupsOf(row) ?? [],
      })),
    signOut: (tokenDigest, context) =>
      underHead(async (tx, { now, record }) => {
        // Nobody was signed in by it: there is nothing to write down.
        if ((await tx.query(SIGN_OUT, [tokenDigest, now.toISOString()])).length === 0) return;
        const detail = { everywhere: false, count: 1 };
        record(humanEntry({ kind: "human.signed_out", detail }, context, now));
      }),
    signOutEverywhere: (accounts, context) =>
      underHead(async (tx, { now, record }) => {
        const ended = await tx.query(SIGN_OUT_EVERYWHERE, [JSON.stringify(accounts), now.toISOString()]);
        const detail = { everywhere: true, count: ended.length };
        record(humanEntry({ kind: "human.signed_out", detail }, context, now));
        return ended.length;
      }),
  };
}

function signInOf(row: Row): SignIn {
  return {
    account: accountOf(row),
    method: row["method"] as SignIn["method"],
    groups: groupsOf(row),
    signedInAt: row["signed_in_at"] as Date,
    expiresAt: row["expires_at"] as Date,
  };
}

const accountOf = (row: Row): SignIn["account"] => ({
  issuer: row["account_issuer"] as string,
  subject: row["account_subject"] as string,
});

function groupsOf(row: Row): readonly string[] | null {
  const groups = row["groups"] as string | null;
  return groups === null ? null : (JSON.parse(groups) as readonly string[]);
}
