/**
 * A stack's resources made to be what its template says: each after what it depends on, and last of all what is no
 * longer wanted goes. Stops at the first that cannot be made.
 */
import type { ResourceChange } from "./diff.ts";
import { record } from "./journal.ts";
import type { Intention, Stack, StackResource } from "./stack.ts";
import { type Site, stand, takeAway } from "./stand.ts";

export interface Failure {
  readonly logicalId: string;
  readonly status: "CREATE_FAILED" | "UPDATE_FAILED";
}

/** Null when all stands. What is no longer wanted and cannot be taken away fails nothing, as in AWS. */
export function build(
  site: Site,
  before: Intention | null,
  changes: readonly ResourceChange[],
): Failure | null {
  const { call, stack, intention } = site;
  const byId = new Map(changes.map((change) => [change.logicalId, change]));
  const replaced: StackResource[] = [];
  for (const logicalId of intention.order) {
    const standing = stand(site, logicalId, byId.get(logicalId));
    if (!standing.ok) return failure(site, logicalId, standing.error.message);
    if (standing.value === null) continue;
    stack.resources.set(logicalId, standing.value.now);
    record(call, stack, standing.value.now);
    if (standing.value.replaced !== null) replaced.push(standing.value.replaced);
  }
  cleanUp(site, before, [...removed(stack, before, byId), ...replaced.reverse()]);
  return null;
}

function failure({ call, stack, intention }: Site, logicalId: string, reason: string): Failure {
  const old = stack.resources.get(logicalId);
  const status = old === undefined ? "CREATE_FAILED" : "UPDATE_FAILED";
  const type = intention.template.resources.get(logicalId)?.type ?? "";
  record(call, stack, { logicalId, type, status, physicalId: old?.physicalId ?? "" }, reason);
  return { logicalId, status };
}

const removed = (
  stack: Stack,
  before: Intention | null,
  changes: ReadonlyMap<string, ResourceChange>,
): readonly StackResource[] =>
  [...(before?.order ?? [])]
    .reverse()
    .filter((id) => changes.get(id)?.action === "Remove")
    .flatMap((id) => stack.resources.get(id) ?? []);

function cleanUp(site: Site, before: Intention | null, resources: readonly StackResource[]): void {
  const { stack, intention } = site;
  for (const resource of resources) {
    const { logicalId } = resource;
    const successor = intention.template.resources.get(logicalId);
    const policy = before?.template.resources.get(logicalId)?.deletionPolicy;
    discard(site, resource, successor?.updateReplacePolicy ?? policy ?? "Delete");
    if (successor === undefined) stack.resources.delete(logicalId);
  }
}

/** Takes a resource away, or lets go of it where it is to be retained. The resource, if it is still there. */
export function discard(
  { call, stack, acting }: Omit<Site, "intention">,
  resource: StackResource,
  policy: string,
): StackResource | null {
  if (policy === "Retain" || policy === "RetainExceptOnCreate") {
    record(call, stack, { ...resource, status: "DELETE_SKIPPED" });
    return null;
  }
  const gone = takeAway(acting, resource);
  const last = { ...resource, at: call.now, status: gone.ok ? "DELETE_COMPLETE" : "DELETE_FAILED" } as const;
  record(call, stack, last, gone.ok ? null : gone.error.message);
  return gone.ok ? null : last;
}
