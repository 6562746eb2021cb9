/**
 * The policy set's part of the composition: what keeps it in service, when the record is looked at, and what operators
 * are told of a set that is not served. Decides nothing; see flows/keep-policy.ts.
 */
import type { Logger } from "pino";
import { loadPolicyFolder } from "../adapters/policy-files/load.ts";
import type { Store } from "../adapters/postgres/audit-log.ts";
import type { WatchRecord } from "../flows/follow-policy.ts";
import { keepPolicy, type PolicyKeeper, type Reloaded } from "../flows/keep-policy.ts";
import { changeSentence, diffPolicies } from "../policy/diff.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import type { PolicyFault } from "../policy/set.ts";
import type { Result } from "../result.ts";
import { whereFrom } from "./log.ts";

/** `first`: what the folder holds. `err`: why the set in force cannot be served. */
export function startKeeping(
  first: ServedPolicy,
  { folder, audit, clock }: { readonly folder: string; readonly audit: Store; readonly clock: () => Date },
): Promise<Result<PolicyKeeper, readonly string[]>> {
  const { table } = first;
  return keepPolicy(first, {
    read: () => loadPolicyFolder(folder, table),
    changes: (before, after) => diffPolicies(before, after, table).changes.map(changeSentence),
    activations: audit.activations,
    escalations: audit.escalations,
    humans: audit.humans,
    audit,
    clock,
  });
}

/** How long after an approval a broker may serve the old set. */
const LOOK_MS = 2_000;

export const watchRecord: WatchRecord = (look) => {
  const timer = setInterval(look, LOOK_MS).unref();
  return {
    close: () => {
      clearInterval(timer);
    },
  };
};

/** What `/readyz` says of a folder that is not what is served; null where it is. `origin`: of the pages. */
export function policyNotice(keeper: PolicyKeeper, origin: string): string | null {
  if (keeper.refused() !== null)
    return "the policy folder has faults: the last good set is served, see the log";
  const held = keeper.held();
  if (held === null) return null;
  if (held.request === null) return "the policy folder holds a set that is not in force and not asked for";
  const { id, state } = held.request;
  const what =
    state === "pending"
      ? "waits for approval"
      : state === "approved"
        ? "was approved, but too few of the approvals still count"
        : `is not served, its request was ${state === "expired" ? "not answered in time" : state}`;
  return `a changed policy set ${what}: ${origin}/escalations/${id}`;
}

/** A folder with faults must not be overlooked: it means that what its author wrote is not in force. */
export function tellReload(
  result: Reloaded,
  { policy, notice }: { readonly policy: string; readonly notice: string | null },
  log: Logger,
): void {
  if (result.outcome === "served") log.info({ policy, changes: result.changes }, "policy set loaded");
  if (result.outcome === "held" && !result.again)
    log.warn({ policy, held: result.held.digest }, notice ?? "");
  if (result.outcome === "unloadable" && !result.again) {
    const { reasons } = result;
    log.error({ policy, reasons }, "another policy set is in force and cannot be served; the last one stays");
  }
  if (result.outcome === "refused" && !result.again) {
    const faults = faultLines(result.faults);
    log.error({ policy, faults }, "the policy folder has faults and is NOT served; the last good set stays");
  }
  if (result.outcome === "not_recorded") {
    const error = whereFrom(result.error);
    log.error({ policy, ...error }, "the policy load could not be recorded and is NOT served");
  }
}

export const faultLines = (faults: readonly PolicyFault[]): readonly string[] =>
  faults.map(
    ({ file, line, column, message, fix }) =>
      `${file}:${line}:${column}: ${message}${fix === null ? "" : ` (${fix})`}`,
  );

/** Whoever starts on an empty database should know that the folder was believed. */
export const TRUSTED = "no policy set was in force in this database: the folder's is trusted on first use";
