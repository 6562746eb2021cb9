/**
 * Challenges of passkeys and OIDC logins under way: each is taken once, by one statement that deletes it. They are no
 * fact about anybody, so they have no entry, and anybody may ask for one: they stay off the connection that writes the
 * record, which a flood of them must not hold up.
 */
import type { Challenge, ChallengePurpose, HumanStore } from "../../identity/human-store.ts";
import type { Queries, Row } from "./sql.ts";

type Challenges = Pick<
  HumanStore,
  "challenge" | "takeChallenge" | "findChallenge" | "keepLogin" | "takeLogin"
>;

// In whole milliseconds, as under-head.ts reads the clock: what is over for one is over for the other.
const EXPIRES = "date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => $$::double precision)";
const INSERT = `
  INSERT INTO challenges (nonce, purpose, person, subject, expires_at)
  VALUES ($1, $2, $3::text, $4::text, ${EXPIRES.replace("$$", "$5")})`;
const COLUMNS = "nonce, purpose, person, subject, expires_at > clock_timestamp() AS live";
const TAKE = `DELETE FROM challenges WHERE nonce = $1 RETURNING ${COLUMNS}`;
const FIND = `SELECT ${COLUMNS} FROM challenges WHERE nonce = $1`;
const INSERT_LOGIN = `
  INSERT INTO logins (state_digest, login, expires_at) VALUES ($1, $2, ${EXPIRES.replace("$$", "$3")})`;
const TAKE_LOGIN = `
  DELETE FROM logins WHERE state_digest = $1 RETURNING login, expires_at > clock_timestamp() AS live`;

export function challenges(db: Queries): Challenges {
  return {
    challenge: async ({ nonce, purpose, person, subject }, lifetimeSeconds) => {
      await db.query(INSERT, [nonce, purpose, person, subject, lifetimeSeconds]);
    },
    takeChallenge: async (nonce) => liveChallenge(await db.query(TAKE, [nonce])),
    findChallenge: async (nonce) => liveChallenge(await db.query(FIND, [nonce])),
    keepLogin: async (stateDigest, login, lifetimeSeconds) => {
      await db.query(INSERT_LOGIN, [stateDigest, login, lifetimeSeconds]);
    },
    takeLogin: async (stateDigest) => {
      const [row] = await db.query(TAKE_LOGIN, [stateDigest]);
      return row?.["live"] === true ? (row["login"] as string) : null;
    },
  };
}

function liveChallenge([row]: readonly Row[]): Challenge | null {
  if (row?.["live"] !== true) return null;
  return {
    nonce: row["nonce"] as string,
    purpose: row["purpose"] as ChallengePurpose,
    person: row["person"] as string | null,
    subject: row["subject"] as string | null,
  };
}
