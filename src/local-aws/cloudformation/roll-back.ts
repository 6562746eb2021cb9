/**
 * What a stack that fails goes back to: its resources and the account's roles and policies as they were before. In
 * AWS the stack's role undoes its own steps, and may be refused; here they are as if they had not been.
 */
import type { Call } from "../call.ts";
import type { Account, ManagedPolicy, Role } from "../state.ts";
import type { Failure } from "./build.ts";
import { record, recordStack } from "./journal.ts";
import type { Intention, Stack, StackResource } from "./stack.ts";

export interface Saved {
  readonly roles: ReadonlyMap<string, Role>;
  readonly policies: ReadonlyMap<string, ManagedPolicy>;
  readonly resources: ReadonlyMap<string, StackResource>;
}

export const save = (account: Account, stack: Stack): Saved => ({
  roles: new Map(
    [...account.roles].map(([key, role]) => [
      key,
      { ...role, inline: new Map(role.inline), attached: new Set(role.attached) },
    ]),
  ),
  policies: new Map(
    [...account.policies].map(([arn, policy]) => [arn, { ...policy, versions: [...policy.versions] }]),
  ),
  resources: new Map(stack.resources),
});

export function rollBack(
  call: Call,
  stack: Stack,
  from: { readonly before: Intention | null; readonly saved: Saved; readonly failed: Failure },
): void {
  const { before, saved, failed } = from;
  const first = before === null;
  stack.status = first ? "ROLLBACK_IN_PROGRESS" : "UPDATE_ROLLBACK_IN_PROGRESS";
  stack.ending = first ? "ROLLBACK_COMPLETE" : "UPDATE_ROLLBACK_COMPLETE";
  const verb = failed.status === "CREATE_FAILED" ? "create" : "update";
  const told = `The following resource(s) failed to ${verb}: [${failed.logicalId}].`;
  stack.statusReason = first ? `${told} Rollback requested by user.` : told;
  recordStack(call, stack, stack.statusReason);
  const made = [...stack.resources.values()].reverse();
  refill(call.caller.account.roles, saved.roles);
  refill(call.caller.account.policies, saved.policies);
  refill(stack.resources, saved.resources);
  for (const resource of made) {
    const was = saved.resources.get(resource.logicalId);
    if (was === undefined) record(call, stack, { ...resource, status: "DELETE_COMPLETE" });
    else if (was !== resource) record(call, stack, { ...was, status: "UPDATE_COMPLETE" });
  }
  // A stack that never stood keeps what was intended: its tags and parameters are still asked about and shown.
  if (!first) stack.current = before;
}

function refill<K, V>(map: Map<K, V>, saved: ReadonlyMap<K, V>): void {
  map.clear();
  for (const [key, value] of saved) map.set(key, value);
}
