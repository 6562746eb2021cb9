/** What the audit commands use of the parts: the log to verify, and the keys its checkpoints are verified with. */
import { readFileSync } from "node:fs";
import { openExportFolder } from "../adapters/export/read-folder.ts";
import { openAuditKey, verifyEd25519 } from "../adapters/key-files/key-files.ts";
import { openAuditLog } from "../adapters/postgres/audit-log.ts";
import { parseVerifierLine, verifierLine, type VerifierKey } from "../audit/checkpoint.ts";
import type { LogReader } from "../audit/reader.ts";
import type { Config } from "../config.ts";
import { verifyLog, type Verification, type Verifying } from "../flows/verify-log.ts";
import { err, ok, type Result } from "../result.ts";

export type { Verification };

/** A log to verify. */
export interface OpenLog {
  readonly tree: LogReader;
  /** Indexes of entries that searches would not find by what they say; null: the log has no such columns. */
  readonly misfiled: Verifying["misfiled"];
  readonly close: () => Promise<void>;
}

export async function openRecordLog(config: Config): Promise<OpenLog> {
  const store = await openAuditLog(config.store);
  return {
    tree: store.tree,
    misfiled: (range) => store.misfiled(range),
    close: () => store.close(),
  };
}

/** What the export left in a folder: no database is asked. */
export async function openExportedLog(folder: string): Promise<OpenLog> {
  return { tree: await openExportFolder(folder), misfiled: null, close: async () => undefined };
}

/** The log's verifier key, as `twokey audit key` prints it and witnesses keep it. */
export function verifierOf(config: Config, origin: string): Result<string, string> {
  const { auditKey } = config.keys;
  if (auditKey === null) return err("no audit_key_file is set: name one, or give --key");
  const key = openAuditKey(auditKey, false);
  return key.ok ? ok(verifierLine({ name: origin, publicKey: key.value.publicKey })) : key;
}

/** Makes a new key in a file that is not there yet. */
export function makeAuditKey(file: string): Result<null, string> {
  const key = openAuditKey(file, true);
  return key.ok ? ok(null) : key;
}

/** `given`: a verifier key as a line, or a file that holds lines. */
export function readVerifiers(given: string): Result<readonly VerifierKey[], string> {
  const lines = readLines(given);
  if (lines === null) return err(`${given}: is neither a verifier key nor a file of them`);
  const keys: VerifierKey[] = [];
  for (const line of lines) {
    const key = parseVerifierLine(line);
    if (!key.ok) return err(`${given}: ${key.error}`);
    keys.push(key.value);
  }
  return ok(keys);
}

function readLines(given: string): readonly string[] | null {
  // A verifier line holds the log's name, which has a slash, and base64.
  if (parseVerifierLine(given).ok) return [given];
  try {
    return readFileSync(given, "utf8")
      .split("\n")
      .filter((line) => line.trim() !== "");
  } catch {
    return null;
  }
}

/** `columns`: whether entries are also held against the columns that searches go by, where the log has them. */
export function verify(
  { tree, misfiled }: OpenLog,
  { columns, ...options }: Omit<Verifying, "tree" | "verify" | "misfiled"> & { readonly columns: boolean },
): Promise<Verification> {
  return verifyLog({ ...options, misfiled: columns ? misfiled : null, tree, verify: verifyEd25519 });
}
