/**
 * The settings of the broker's own key files: what signs the log's checkpoints and what lets operators in. Paths only:
 * what stands in the files is read by adapters/key-files.
 */
import { resolve } from "node:path";

export interface KeyFiles {
  /** Ed25519, PKCS #8 PEM. Null: a key that lives as long as the process, for a store that does too. */
  readonly auditKey: string | null;
  /** Null: no operator is let in. */
  readonly operatorToken: string | null;
}

export const KEY_SETTINGS = {
  auditKeyFile: {
    key: "audit_key_file",
    env: "TWOKEY_AUDIT_KEY_FILE",
    flag: null,
    help: "Ed25519 key that signs the audit log's checkpoints; made in the data folder where the store is embedded",
    fallback: null,
  },
  operatorTokenFile: {
    key: "operator_token_file",
    env: "TWOKEY_OPERATOR_TOKEN_FILE",
    flag: null,
    help: "token of whoever may freeze and read the log over HTTP; made in the data folder where the store is embedded",
    fallback: null,
  },
} as const;

/** Beside an embedded store the files have a place of their own; beside PostgreSQL they are named or not there. */
export function keyFiles(
  data: { readonly auditKeyFile: string | null; readonly operatorTokenFile: string | null },
  folder: string | null,
  cwd: string,
): KeyFiles {
  const place = (named: string | null, name: string): string | null =>
    named === null ? folder && resolve(folder, name) : resolve(cwd, named);
  return Object.freeze({
    auditKey: place(data.auditKeyFile, "audit-key.pem"),
    operatorToken: place(data.operatorTokenFile, "operator-token"),
  });
}
