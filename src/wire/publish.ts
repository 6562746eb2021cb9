/**
 * The composition root of `twokey policy publish`: IAM's policies on one side, the record of sessions on the other.
 * Opens the record only where there is one: an empty record made on the spot would say that no session lives.
 */
import { existsSync } from "node:fs";
import { createPolicyStore, type PolicyStoreOptions } from "../adapters/aws/publish-policies.ts";
import { openAuditLog, type Store } from "../adapters/postgres/audit-log.ts";
import type { Config } from "../config.ts";
import {
  carryOut,
  planPublish,
  type Published,
  type Publisher,
  type PublishFault,
} from "../flows/publish-policies.ts";
import type { PublishPlan } from "../policy/publish.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import type { Result } from "../result.ts";

export type { Published, PublishFault, PublishPlan };

export interface OpenPublisher {
  /** Why the record is not read, and so nothing removed; null where it is. */
  readonly withoutRecord: string | null;
  plan(policy: ServedPolicy, account: string | null): Promise<Result<PublishPlan, PublishFault>>;
  carryOut(plan: PublishPlan): Promise<Published>;
  close(): Promise<void>;
}

export async function openPublisher(
  options: PolicyStoreOptions & { readonly record: Config["store"] },
): Promise<OpenPublisher> {
  const record = await openRecord(options.record);
  const store = createPolicyStore(options);
  const audit = typeof record === "string" ? null : record;
  const publisher: Publisher = {
    store,
    sessions: audit === null ? null : (query) => audit.sessions(query),
    clock: () => new Date(),
  };
  return {
    withoutRecord: typeof record === "string" ? record : null,
    plan: (policy, account) => planPublish(publisher, policy, account),
    carryOut: (plan) => carryOut(publisher, plan),
    close: async () => {
      store.close();
      await audit?.close();
    },
  };
}

/** The record, or why there is none. */
async function openRecord(place: Config["store"]): Promise<Store | string> {
  const { url, folder } = place;
  if (url === null && (folder === null || !existsSync(folder))) return "there is no record here";
  try {
    return await openAuditLog(place);
  } catch (error) {
    return error instanceof Error ? error.message : "the record cannot be opened";
  }
}
