/**
 * The settings of the store's database. With `database_auth: iam` the password is a token of AWS IAM's that lives for
 * minutes, which must never cross a network in clear or reach another server than the one that was meant.
 */
import { z } from "zod";
import { url } from "./values.ts";

export interface StoreConfig {
  /** Of PostgreSQL. */
  readonly url: string | null;
  /** Of PGlite, absolute; null without a URL too: in memory. */
  readonly folder: string | null;
  /** How PostgreSQL is entered; absent: as the URL says. */
  readonly auth?: "iam";
}

/** Rows of the table in config.ts. */
export const DATABASE_SETTINGS = {
  databaseUrl: {
    key: "database_url",
    env: "TWOKEY_DATABASE_URL",
    flag: null,
    help: "postgres://… of the store; without it the store is PGlite in the data folder",
    fallback: null,
  },
  databaseAuth: {
    key: "database_auth",
    env: "TWOKEY_DATABASE_AUTH",
    flag: null,
    help: "password: as the URL says; iam: a token of AWS IAM's for every connection, for RDS and Aurora",
    fallback: "password",
  },
} as const;

export const DATABASE_SCHEMA = {
  databaseUrl: url(["postgres", "postgresql"]).nullable(),
  databaseAuth: z.enum(["password", "iam"], { error: "is password or iam" }),
};

type Name = keyof typeof DATABASE_SETTINGS;

const TAKEN = ["sslmode", "sslrootcert"];

/** What `iam` needs the URL to say, and what it must not. No fault quotes the URL. */
export function databaseFaults({
  databaseUrl = null,
  databaseAuth = null,
}: Readonly<Partial<Record<Name, string | null>>>): readonly string[] {
  if (databaseAuth !== "iam") return [];
  const { databaseUrl: setting, databaseAuth: auth } = DATABASE_SETTINGS;
  if (databaseUrl === null) return [`${auth.env}: iam needs ${setting.env}`];
  // That it is no URL is told by the schema.
  if (!URL.canParse(databaseUrl)) return [];
  const { username, password, hostname, searchParams } = new URL(databaseUrl);
  const faults: (string | false)[] = [
    password !== "" && "holds a password, which iam takes the place of",
    (username === "" || hostname === "") && "names the user and the host with iam",
    searchParams.get("sslmode") !== "verify-full" && "has sslmode=verify-full with iam",
    (searchParams.get("sslrootcert") ?? "") === "" && "has sslrootcert=<file> with iam: the CA bundle of RDS",
    [...searchParams.keys()].some((name) => !TAKEN.includes(name)) &&
      `takes ${TAKEN.join(" and ")} alone with iam`,
  ];
  return faults.flatMap((fault) => (fault === false ? [] : [`${setting.env}: ${fault}`]));
}

/** `folder`: of the embedded store, which a URL takes the place of. */
export function storeConfig(
  data: { readonly [K in Name]: z.output<(typeof DATABASE_SCHEMA)[K]> },
  folder: string,
): StoreConfig {
  const { databaseUrl: url, databaseAuth } = data;
  const place = { url, folder: url === null ? folder : null };
  return Object.freeze(databaseAuth === "iam" ? { ...place, auth: databaseAuth } : place);
}
