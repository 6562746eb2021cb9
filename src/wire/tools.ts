/**
 * What commands use of the parts without starting a broker: the policy folder, the record, local AWS. Starts nothing by
 * itself.
 */
import { loadActionTable } from "../adapters/action-data/load.ts";
import { examinePolicyFolder, loadPolicyFolder, readPolicyFolder } from "../adapters/policy-files/load.ts";
import { openAuditLog, type Store } from "../adapters/postgres/audit-log.ts";
import { lockFolder } from "../adapters/postgres/folder-lock.ts";
import { createWebauthn } from "../adapters/webauthn/webauthn.ts";
import type { StoredEntry } from "../audit/entry.ts";
import type { Config } from "../config.ts";
import { verifyEscalation, type Finding } from "../flows/verify-escalation.ts";
import type { LocalAwsOptions } from "../local-aws/options.ts";
import type { LocalAws } from "../local-aws/server.ts";
import type { Examination } from "../policy/check-set.ts";
import type { ActionTable } from "../policy/knowledge.ts";
import type { Proposed, ProposalWish } from "../policy/propose/for-folder.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import type { PolicyFault } from "../policy/set.ts";
import { err, type Result } from "../result.ts";
import type { AssumeRoleRequest } from "../session/assume-role.ts";
import { sessionTags } from "../session/name.ts";
import { faultLines } from "./policy.ts";

/** A local AWS on the published action data, for the demo and the tests. Loaded only when asked for. */
export async function localAws(options: Omit<LocalAwsOptions, "actions">): Promise<LocalAws> {
  const { createLocalAws } = await import("../local-aws/server.ts");
  return createLocalAws({ ...options, actions: loadActionTable() });
}

/** The policy set as `twokey policy check` sees it: parsed, prepared, every expectation met. */
export function checkPolicy(folder: string): Promise<Result<ServedPolicy, readonly PolicyFault[]>> {
  return loadPolicyFolder(folder, loadActionTable());
}

/** The same with warnings, sizes and reach. */
export function examinePolicy(folder: string): Promise<Examination> {
  return examinePolicyFolder(folder, loadActionTable());
}

/** A template for the folder, and what `policy check` says of it. Writes nothing. */
export async function proposeTemplate(
  folder: string,
  wish: ProposalWish,
): Promise<Result<Proposed, readonly string[]>> {
  const files = await readPolicyFolder(folder);
  if (!files.ok) return files;
  const { proposeFor } = await import("../policy/propose/for-folder.ts");
  return proposeFor(files.value, wish, loadActionTable());
}

/** The same, every fault as a line. */
export async function loadPolicy(folder: string): Promise<Result<ServedPolicy, readonly string[]>> {
  const checked = await checkPolicy(folder);
  return checked.ok ? checked : err(faultLines(checked.error));
}

/** For the demo, which empties its folder first. */
export { lockFolder };

/** The published action data, for commands that explain and compare policies. */
export function actionTable(): ActionTable {
  return loadActionTable();
}

/** The session tags that every session carries with the same value: all but its own id. */
export function constantSessionTags(): AssumeRoleRequest["tags"] {
  return sessionTags("", null).filter(({ key }) => key !== "twokey:session");
}

/** What an escalation's audit entries prove by themselves. */
export function verifyRecord(id: string, entries: readonly StoredEntry[]): Promise<readonly Finding[]> {
  return verifyEscalation(id, entries, createWebauthn());
}

/** The store alone, for commands that read the record. */
export function openStore(config: Config): Promise<Store> {
  return openAuditLog(config.store);
}
