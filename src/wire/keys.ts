/** The broker's own keys, opened at start: a broker without what signs its log does not start. */
import {
  openAuditKey,
  openToken,
  isSameToken,
  tokenCheck,
  type AuditKey,
} from "../adapters/key-files/key-files.ts";
import type { Config } from "../config.ts";
import { err, ok, type Result } from "../result.ts";

export interface BrokerKeys {
  readonly audit: AuditKey;
  readonly isOperator: (unverifiedToken: string) => boolean;
  readonly isWatch: (unverifiedToken: string) => boolean;
}

/** `err`: lines for the operator. Beside an embedded store what is missing is made. */
export function openKeys({ store, keys }: Config): Result<BrokerKeys, readonly string[]> {
  const embedded = store.url === null;
  if (!embedded && keys.auditKey === null) return err([NO_AUDIT_KEY]);
  const audit = openAuditKey(keys.auditKey, embedded);
  const token = keys.operatorToken === null ? null : openToken(keys.operatorToken, embedded);
  if (!audit.ok) return err([`the key that signs the audit log: ${audit.error}`]);
  if (token?.ok === false) return err([`the operators' token: ${token.error}`]);
  // One token that opened both ways in would be an operator's in Watch's hands.
  const watch = keys.watchToken === null ? null : openToken(keys.watchToken, false);
  if (watch?.ok === false) return err([`Watch's token: ${watch.error}`]);
  const isOperator = tokenCheck(token?.value ?? null);
  const isWatch = tokenCheck(watch?.value ?? null);
  if (token !== null && watch !== null && isSameToken(token.value, watch.value))
    return err(["Watch's token is the operators' own"]);
  return ok({ audit: audit.value, isOperator, isWatch });
}

const NO_AUDIT_KEY =
  "TWOKEY_AUDIT_KEY_FILE: names the key that signs the audit log, the same for every broker on one database; `twokey audit key --new <file>` makes one";
