/** What `twokey db prune` uses of the parts: the record, opened for it alone and closed whatever happens. */
import { openAuditLog } from "../adapters/postgres/audit-log.ts";
import type { Config } from "../config.ts";
import { pruneRecord, type Pruned, type PruneWish } from "../flows/prune-record.ts";

export { SHORTEST_RETENTION_DAYS } from "../audit/retention.ts";
export type { PruneProgress } from "../flows/prune-record.ts";
export type { Pruned };

export async function prune(config: Config, wish: Omit<PruneWish, "retention" | "append">): Promise<Pruned> {
  const store = await openAuditLog(config.store);
  try {
    return await pruneRecord({
      ...wish,
      retention: store.retention,
      append: (entry) => store.append(entry),
    });
  } finally {
    await store.close();
  }
}
