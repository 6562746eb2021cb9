/**
 * The settings of the broker's own keys: what signs the log's checkpoints, and what lets operators and Watch in. Each is the path of
 * a file, or the text itself where a container gets its secrets by environment; never both. What stands in the files is
 * read by adapters/key-files.
 */
import { resolve } from "node:path";
import { z } from "zod";
import { Secret } from "../session/credentials.ts";

/** An absolute path, or the text itself. */
export type KeyPlace = string | Secret;

export interface KeyPlaces {
  /** Ed25519, PKCS #8 PEM. Null: a key that lives as long as the process, for a store that does too. */
  readonly auditKey: KeyPlace | null;
  /** Null: no operator is let in. */
  readonly operatorToken: KeyPlace | null;
  /** Null: nobody reports alarms. */
  readonly watchToken: KeyPlace | null;
}

export const KEY_SETTINGS = {
  auditKeyFile: {
    key: "audit_key_file",
    env: "TWOKEY_AUDIT_KEY_FILE",
    flag: null,
    help: "Ed25519 key that signs the audit log's checkpoints; made in the data folder where the store is embedded",
    fallback: null,
  },
  auditKey: {
    key: "audit_key",
    env: "TWOKEY_AUDIT_KEY",
    flag: null,
    help: "that key itself, in PEM, instead of a file",
    fallback: null,
  },
  operatorTokenFile: {
    key: "operator_token_file",
    env: "TWOKEY_OPERATOR_TOKEN_FILE",
    flag: null,
    help: "token of whoever may freeze and read the log over HTTP; made in the data folder where the store is embedded",
    fallback: null,
  },
  operatorToken: {
    key: "operator_token",
    env: "TWOKEY_OPERATOR_TOKEN",
    flag: null,
    help: "that token itself, instead of a file",
    fallback: null,
  },
  watchTokenFile: {
    key: "watch_token_file",
    env: "TWOKEY_WATCH_TOKEN_FILE",
    flag: null,
    help: "token of what reports alarms about AWS to the audit log, and may do nothing else",
    fallback: null,
  },
  watchToken: {
    key: "watch_token",
    env: "TWOKEY_WATCH_TOKEN",
    flag: null,
    help: "that token itself, instead of a file",
    fallback: null,
  },
} as const;

const path = z.string().min(1, { error: "is a file" }).nullable();
const text = z
  .string()
  .transform((value) => new Secret(value))
  .nullable();

export const KEY_SCHEMA = {
  auditKeyFile: path,
  auditKey: text,
  operatorTokenFile: path,
  operatorToken: text,
  watchTokenFile: path,
  watchToken: text,
};

type Name = keyof typeof KEY_SETTINGS;

const PAIRS = [
  ["auditKey", "auditKeyFile"],
  ["operatorToken", "operatorTokenFile"],
  ["watchToken", "watchTokenFile"],
] as const;

/** Which of the two would count is nothing to guess. */
export function keyFaults(values: Readonly<Partial<Record<Name, string | null>>>): readonly string[] {
  const given = (name: Name): boolean => (values[name] ?? null) !== null;
  return PAIRS.filter((pair) => pair.every(given)).map(
    ([itself, file]) =>
      `${KEY_SETTINGS[itself].env}: is given beside ${KEY_SETTINGS[file].env}; give one of them`,
  );
}

/** Beside an embedded store two of the files have a place of their own; all else is named or not there. */
export function keyPlaces(
  data: { readonly [K in Name]: z.output<(typeof KEY_SCHEMA)[K]> },
  folder: string | null,
  cwd: string,
): KeyPlaces {
  const named = (itself: Secret | null, file: string | null): KeyPlace | null =>
    itself ?? (file === null ? null : resolve(cwd, file));
  const own = (name: string): string | null => (folder === null ? null : resolve(folder, name));
  return Object.freeze({
    auditKey: named(data.auditKey, data.auditKeyFile) ?? own("audit-key.pem"),
    operatorToken: named(data.operatorToken, data.operatorTokenFile) ?? own("operator-token"),
    watchToken: named(data.watchToken, data.watchTokenFile),
  });
}
