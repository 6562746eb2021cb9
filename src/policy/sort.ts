/**
 * Sorts every pair (action, resource type) into read, created, changed or used, because AWS authorises an action
 * on each resource it touches. The published data is not enough for that, so a curated table stands beside it, in
 * sort-pairs.ts. Whatever neither places counts as changed, which is the strictest fence.
 */
import type { ActionFacts, ActionResource } from "./knowledge.ts";
import { isSafeRead } from "./safe-reads.ts";
import { PLACED } from "./sort-pairs.ts";

/**
 * `read`: a safe read. `created`: the resource comes into being, so only the request can say what it will be.
 * `changed`: it exists and the action alters, removes or reveals it. `used`: referred to and left as it was.
 */
export type PairClass = "read" | "created" | "changed" | "used";

export interface Pair {
  readonly resource: ActionResource | null;
  readonly class: PairClass;
  /** Requests on this pair carry the resource's tags, and AWS honours them. */
  readonly tagged: boolean;
}

/**
 * The data says these carry tags; AWS does not honour them without further set-up, so a tag fence would be a
 * promise nobody keeps. S3: ABAC is off by default for buckets.
 */
const TAGS_NOT_HONOURED: ReadonlySet<string> = new Set(["s3"]);

export function sortAction(action: ActionFacts): readonly Pair[] {
  if (isSafeRead(action)) return [{ resource: null, class: "read", tagged: false }];
  if (action.resources.length === 0) return [{ resource: null, class: "changed", tagged: false }];
  return action.resources.map((resource) => {
    const tagged = resource.tagged && !TAGS_NOT_HONOURED.has(action.name.slice(0, action.name.indexOf(":")));
    return { resource, class: PLACED[action.name]?.[resource.type] ?? "changed", tagged };
  });
}

/** CloudFormation actions that act with a service role, which must be the pinned one. */
export const ACTS_WITH_SERVICE_ROLE: readonly string[] = [
  "cloudformation:ContinueUpdateRollback",
  "cloudformation:CreateChangeSet",
  "cloudformation:CreateStack",
  "cloudformation:CreateStackSet",
  "cloudformation:RollbackStack",
  "cloudformation:UpdateStack",
  "cloudformation:UpdateStackSet",
];

/** Actions on a named change set; sessions touch only those named `twokey-*`. */
export const ON_CHANGE_SET: readonly string[] = [
  "cloudformation:CreateChangeSet",
  "cloudformation:DeleteChangeSet",
  "cloudformation:ExecuteChangeSet",
];
