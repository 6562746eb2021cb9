/**
 * Reconciliation's part of the composition: the policy folder, the record and CloudTrail's files, for one run of the
 * command. Decides nothing; see flows/reconcile-cloudtrail.ts.
 */
import { readTrail } from "../adapters/cloudtrail/read-trail.ts";
import type { Covers, Reconciliation } from "../audit/reconciliation.ts";
import type { Config } from "../config.ts";
import { reconcileCloudTrail, recordSettlements } from "../flows/reconcile-cloudtrail.ts";
import { err, ok, type Result } from "../result.ts";
import { loadPolicy, openStore } from "./tools.ts";

export interface ReconcileOrder {
  /** Paths; `-` is `stdin`. */
  readonly files: readonly string[];
  readonly stdin: AsyncIterable<Buffer>;
  readonly covers: Covers | null;
  /** Write the settlements down. */
  readonly settle: boolean;
  readonly now: Date;
}

/** `err`: why there is no result, a line each. Then nothing was written. */
export async function reconcile(
  config: Config,
  { files, stdin, covers, settle, now }: ReconcileOrder,
): Promise<Result<Reconciliation, readonly string[]>> {
  const policy = await loadPolicy(config.policies);
  if (!policy.ok) return policy;
  const { table, set } = policy.value;
  const store = await openStore(config);
  try {
    // Everything would be an alarm: more likely it is the wrong folder or database.
    if ((await store.size()) === 0) return err(["the record is empty: is it the broker's store?"]);
    const known = { audit: store, accounts: set.accounts, table, stsRegion: config.sts.region, covers, now };
    const found = await reconcileCloudTrail(readTrail(files, stdin), known);
    if (!found.ok) return err([`${found.error.place}: ${found.error.message}`]);
    if (!settle) return found;
    return ok({ ...found.value, settled: await recordSettlements(store, found.value.settled) });
  } finally {
    await store.close();
  }
}
