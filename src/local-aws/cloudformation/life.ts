/**
 * Stacks coming into being, changing, failing and going. A stack that fails goes back to what it was, and so does
 * the account's IAM: what was made is gone, what was changed is as it was. Nothing is asked for going back.
 */
import type { Call } from "../call.ts";
import { uuid } from "../random.ts";
import type { Account } from "../state.ts";
import { build, discard } from "./build.ts";
import { diff } from "./diff.ts";
import { actingFor } from "./iam/acting.ts";
import { recordStack } from "./journal.ts";
import { rollBack, save } from "./roll-back.ts";
import type { Intention, Stack, StackResource, Verb } from "./stack.ts";

export function newStack(call: Call, name: string): Stack {
  const { region } = call;
  const { account } = call.caller;
  const stack: Stack = {
    id: `arn:aws:cloudformation:${region}:${account.id}:stack/${name}/${uuid(call.random)}`,
    name,
    region,
    account: account.id,
    createdAt: call.now,
    updatedAt: null,
    deletedAt: null,
    current: null,
    status: "REVIEW_IN_PROGRESS",
    statusReason: null,
    ending: "CREATE_COMPLETE",
    inProgressFor: 0,
    terminationProtection: false,
    changeSetId: null,
    resources: new Map(),
    events: [],
  };
  account.stacks.set(stack.id, stack);
  return stack;
}

/**
 * Makes the stack what `intention` says, and says whether it could be done. The change set that led there, if any,
 * is kept; the others die.
 */
export function become(
  call: Call,
  stack: Stack,
  intention: Intention,
  changeSetId: string | null = null,
): boolean {
  const before = stack.current;
  const verb: Verb = before === null ? "CREATE" : "UPDATE";
  const saved = save(call.caller.account, stack);
  const changes = diff(before, intention, stack.resources);
  begin(call, stack, verb);
  stack.current = intention;
  stack.changeSetId = changeSetId ?? stack.changeSetId;
  if (verb === "UPDATE") stack.updatedAt = call.now;
  const acting = actingFor(call, intention.roleArn);
  const failed = build({ call, stack, intention, acting }, before, changes);
  if (failed !== null) rollBack(call, stack, { before, saved, failed });
  dropChangeSets(call.caller.account, stack, changeSetId);
  if (stack.inProgressFor === 0) complete(call, stack);
  return failed === null;
}

/** As `roleArn`, or whatever role the stack has. The role must have been checked. */
export function remove(call: Call, stack: Stack, roleArn: string | null): void {
  begin(call, stack, "DELETE");
  const acting = actingFor(call, roleArn ?? stack.current?.roleArn ?? null);
  for (const resource of leaving(stack)) {
    const policy = stack.current?.template.resources.get(resource.logicalId)?.deletionPolicy ?? "Delete";
    const left = discard({ call, stack, acting }, resource, policy);
    if (left === null) stack.resources.delete(resource.logicalId);
    else {
      // What it depends on must outlive it, so nothing further goes.
      stack.resources.set(resource.logicalId, left);
      stack.ending = "DELETE_FAILED";
      stack.statusReason = `The following resource(s) failed to delete: [${resource.logicalId}].`;
      break;
    }
  }
  dropChangeSets(call.caller.account, stack, null);
  if (stack.inProgressFor === 0) complete(call, stack);
}

/** Each before all it refers to or depends on. */
function leaving(stack: Stack): readonly StackResource[] {
  const place = (resource: StackResource): number => stack.current?.order.indexOf(resource.logicalId) ?? -1;
  return [...stack.resources.values()].sort((a, b) => place(b) - place(a));
}

/** One description nearer to being complete. */
export function tick(call: Call, stack: Stack): void {
  if (stack.inProgressFor === 0) return;
  stack.inProgressFor -= 1;
  if (stack.inProgressFor === 0) complete(call, stack);
}

function begin(call: Call, stack: Stack, verb: Verb): void {
  stack.status = `${verb}_IN_PROGRESS`;
  stack.statusReason = null;
  stack.ending = `${verb}_COMPLETE`;
  stack.inProgressFor = call.world.describesUntilComplete;
  recordStack(call, stack, "User Initiated");
}

function complete(call: Call, stack: Stack): void {
  if (stack.status === "REVIEW_IN_PROGRESS") return;
  stack.status = stack.ending;
  if (stack.ending === "DELETE_COMPLETE") stack.deletedAt = call.now;
  recordStack(call, stack, stack.ending === "DELETE_FAILED" ? stack.statusReason : null);
}

function dropChangeSets(account: Account, stack: Stack, kept: string | null): void {
  for (const other of [...account.changeSets.values()])
    if (other.stackId === stack.id && other.id !== kept) account.changeSets.delete(other.id);
}
