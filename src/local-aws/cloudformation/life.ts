/**
 * Stacks coming into being, changing and going. "Creating" a resource here is giving it a physical id: nothing
 * outside the stack exists, so the permissions of whoever creates it are not checked (docs/local-aws.md).
 */
import { physicalSuffix, type Random, uuid } from "../random.ts";
import type { Account } from "../state.ts";
import { diff, nameProperty, type ResourceChange } from "./diff.ts";
import { resolve } from "./resolve.ts";
import type { Intention, Stack, StackResource, Verb } from "./stack.ts";

/** What making things needs besides the stack itself. */
export interface Maker {
  readonly now: Date;
  readonly random: Random;
  readonly describesUntilComplete: number;
}

export function newStack(
  maker: Maker,
  place: { readonly account: Account; readonly region: string; readonly name: string },
): Stack {
  const { account, region, name } = place;
  const stack: Stack = {
    id: `arn:aws:cloudformation:${region}:${account.id}:stack/${name}/${uuid(maker.random)}`,
    name,
    region,
    account: account.id,
    createdAt: maker.now,
    updatedAt: null,
    deletedAt: null,
    current: null,
    status: "REVIEW_IN_PROGRESS",
    inProgressFor: 0,
    terminationProtection: false,
    changeSetId: null,
    resources: new Map(),
    events: [],
  };
  account.stacks.set(stack.id, stack);
  return stack;
}

/** Makes the stack what `intention` says. The change set that led there, if any, is kept; the others die. */
export function become(
  maker: Maker,
  account: Account,
  stack: Stack,
  intention: Intention,
  changeSetId: string | null = null,
): void {
  const verb: Verb = stack.current === null ? "CREATE" : "UPDATE";
  const changes = diff(stack.current, intention, stack.resources);
  begin(maker, stack, verb);
  stack.current = intention;
  stack.changeSetId = changeSetId ?? stack.changeSetId;
  if (verb === "UPDATE") stack.updatedAt = maker.now;
  for (const change of changes) apply(maker, stack, intention, change);
  dropChangeSets(account, stack, changeSetId);
  if (stack.inProgressFor === 0) complete(maker, stack);
}

export function remove(maker: Maker, account: Account, stack: Stack): void {
  begin(maker, stack, "DELETE");
  for (const resource of [...stack.resources.values()].reverse()) {
    stack.resources.delete(resource.logicalId);
    record(maker, stack, { ...resource, status: "DELETE_COMPLETE" });
  }
  dropChangeSets(account, stack, null);
  if (stack.inProgressFor === 0) complete(maker, stack);
}

/** One description nearer to being complete. */
export function tick(maker: Maker, stack: Stack): void {
  if (stack.inProgressFor === 0) return;
  stack.inProgressFor -= 1;
  if (stack.inProgressFor === 0) complete(maker, stack);
}

function begin(maker: Maker, stack: Stack, verb: Verb): void {
  stack.status = `${verb}_IN_PROGRESS`;
  stack.inProgressFor = maker.describesUntilComplete;
  recordStack(maker, stack, "User Initiated");
}

function complete(maker: Maker, stack: Stack): void {
  if (stack.status === "REVIEW_IN_PROGRESS") return;
  const verb = stack.status.slice(0, 6) as Verb;
  stack.status = `${verb}_COMPLETE`;
  if (verb === "DELETE") stack.deletedAt = maker.now;
  recordStack(maker, stack, null);
}

function dropChangeSets(account: Account, stack: Stack, kept: string | null): void {
  for (const other of [...account.changeSets.values()])
    if (other.stackId === stack.id && other.id !== kept) account.changeSets.delete(other.id);
}

function apply(maker: Maker, stack: Stack, intention: Intention, change: ResourceChange): void {
  const old = stack.resources.get(change.logicalId);
  const base = { logicalId: change.logicalId, type: change.type, at: maker.now };
  if (change.action === "Remove") {
    stack.resources.delete(change.logicalId);
    record(maker, stack, { ...base, physicalId: old?.physicalId ?? "", status: "DELETE_COMPLETE" });
    return;
  }
  const keeps = change.action === "Modify" && change.replacement !== "True" && old !== undefined;
  const resource: StackResource = {
    ...base,
    physicalId: keeps ? old.physicalId : physicalId(maker, stack, intention, change),
    status: change.action === "Add" ? "CREATE_COMPLETE" : "UPDATE_COMPLETE",
  };
  stack.resources.set(change.logicalId, resource);
  record(maker, stack, resource);
}

/** The name the template gives it, where it gives one; otherwise as CloudFormation makes one up. */
function physicalId(maker: Maker, stack: Stack, intention: Intention, change: ResourceChange): string {
  const property = nameProperty(change.type);
  const properties = intention.template.resources.get(change.logicalId)?.properties ?? {};
  const named = property === null ? undefined : properties[property];
  const name =
    named === undefined ? null : resolve(named, { ref: refs(stack, intention), attribute: () => undefined });
  return typeof name === "string" && name !== ""
    ? name
    : `${stack.name}-${change.logicalId}-${physicalSuffix(maker.random)}`;
}

/** Parameters, pseudo parameters and physical ids by name. */
export const refs =
  (stack: Stack, intention: Intention) =>
  (name: string): string | undefined => {
    const pseudo: ReadonlyMap<string, string> = new Map([
      ["AWS::AccountId", stack.account],
      ["AWS::Partition", "aws"],
      ["AWS::Region", stack.region],
      ["AWS::StackId", stack.id],
      ["AWS::StackName", stack.name],
      ["AWS::URLSuffix", "amazonaws.com"],
    ]);
    return intention.parameters.get(name) ?? pseudo.get(name) ?? stack.resources.get(name)?.physicalId;
  };

const recordStack = (maker: Maker, stack: Stack, reason: string | null): void => {
  stack.events.push({
    id: uuid(maker.random),
    at: maker.now,
    logicalId: stack.name,
    physicalId: stack.id,
    type: "AWS::CloudFormation::Stack",
    status: stack.status,
    reason,
  });
};

function record(maker: Maker, stack: Stack, resource: StackResource): void {
  stack.events.push({
    id: `${resource.logicalId}-${uuid(maker.random)}`,
    at: maker.now,
    logicalId: resource.logicalId,
    physicalId: resource.physicalId,
    type: resource.type,
    status: resource.status,
    reason: null,
  });
}
