/**
 * How PostgreSQL is reached: as the URL says, or with a token of AWS IAM's as the password, made anew for every
 * connection. A token goes to a server whose name the given CAs vouch for, over TLS, and to no other.
 */
import type { PoolConfig } from "pg";
import { readFileSync } from "node:fs";

export interface Entering {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

/** A password for one connection. Asked for again for each: what it answers lives for minutes. */
export type MakeToken = (entering: Entering) => Promise<string>;

const DEFAULT_PORT = 5432;

/** `makeToken` null: the URL's own password. With one the URL has been through config/database's faults. */
export function connectionOf(url: string, makeToken: MakeToken | null): PoolConfig {
  // pg takes what the URL says, an absent password included, before any function: so nothing of it is left to pg.
  return makeToken === null ? { connectionString: url } : withToken(new URL(url), makeToken);
}

function withToken(
  { hostname, port, username, pathname, searchParams }: URL,
  makeToken: MakeToken,
): PoolConfig {
  const rootCertificates = searchParams.get("sslrootcert");
  if (searchParams.get("sslmode") !== "verify-full" || rootCertificates === null) {
    throw new Error("a token of IAM's goes to a verified server alone: sslmode=verify-full and sslrootcert");
  }
  const entering = {
    host: hostname,
    port: port === "" ? DEFAULT_PORT : Number(port),
    user: decodeURIComponent(username),
  };
  return {
    ...entering,
    database: decodeURIComponent(pathname.slice(1)),
    ssl: { ca: readFileSync(rootCertificates, "utf8"), rejectUnauthorized: true },
    password: () => makeToken(entering),
  };
}

/** Tokens of RDS and Aurora, with the broker's own AWS credentials and region. No call: a signature is made here. */
export async function rdsTokens(): Promise<MakeToken> {
  // Loaded by those who have such a database.
  const { Signer } = await import("@aws-sdk/rds-signer");
  return ({ host, port, user }) => new Signer({ hostname: host, port, username: user }).getAuthToken();
}
