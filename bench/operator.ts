/** An audit key and an operators' token in a folder of their own, for brokers that share a database. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAuditKey, openToken } from "../src/adapters/key-files/key-files.ts";

export function startOperatorToken() {
  const folder = mkdtempSync(join(tmpdir(), "twokey-keys-"));
  const files = { auditKey: join(folder, "audit-key.pem"), operatorToken: join(folder, "operator-token") };
  openAuditKey(files.auditKey, true);
  const token = openToken(files.operatorToken, true);
  if (!token.ok) throw new Error(token.error);
  return { files, token: token.value.reveal() };
}
