/** CreateStack, UpdateStack, DeleteStack and UpdateTerminationProtection. */
import { ok } from "../../result.ts";
import type { Answer, Operation } from "../call.ts";
import { type Answered, constraint, fault, invalid, notInLocalAws } from "../fault.ts";
import { diff, sameTags } from "./diff.ts";
import { become, newStack, remove } from "./life.ts";
import {
  changeAsks,
  checkRole,
  intend,
  noStack,
  passRoleAsks,
  readStackName,
  readWish,
  stackAsk,
  stackOf,
} from "./request.ts";
import type { Stack } from "./stack.ts";

const stackId = (stack: Stack): Answered<Answer> =>
  ok({ result: { StackId: stack.id }, responseElements: { stackId: stack.id } });

export const createStack: Operation = (call) => {
  const name = readStackName(call);
  if (!name.ok) return name;
  if (name.value.startsWith("arn:"))
    return constraint(name.value, "stackName", "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*");
  const wish = readWish(call.parameters);
  if (!wish.ok) return wish;
  return ok({
    asks: changeAsks(call, "CreateStack", name.value, wish.value),
    run: () => {
      if (stackOf(call, name.value) !== undefined)
        return fault("AlreadyExistsException", `Stack [${name.value}] already exists`);
      const intention = intend(wish.value, undefined);
      if (!intention.ok) return intention;
      const role = checkRole(call, intention.value.roleArn);
      if (!role.ok) return role;
      const stack = newStack(call, name.value);
      stack.terminationProtection = call.parameters.text("EnableTerminationProtection") === "true";
      become(call, stack, intention.value);
      return stackId(stack);
    },
  });
};

export const updateStack: Operation = (call) => {
  const name = readStackName(call);
  if (!name.ok) return name;
  const wish = readWish(call.parameters);
  if (!wish.ok) return wish;
  return ok({
    asks: changeAsks(call, "UpdateStack", name.value, wish.value),
    run: () => {
      const stack = stackOf(call, name.value);
      if (stack === undefined || stack.status === "DELETE_COMPLETE")
        return invalid(`Stack [${name.value}] does not exist`);
      const ready = settled(stack);
      if (!ready.ok) return ready;
      const intention = intend(wish.value, stack);
      if (!intention.ok) return intention;
      const role = checkRole(call, intention.value.roleArn);
      if (!role.ok) return role;
      const before = stack.current;
      if (
        before !== null &&
        diff(before, intention.value, stack.resources).length === 0 &&
        sameTags(before.tags, intention.value.tags) &&
        before.roleArn === intention.value.roleArn
      )
        return invalid("No updates are to be performed.");
      become(call, stack, intention.value);
      return stackId(stack);
    },
  });
};

const AT_REST = new Set(["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]);

/** Only a stack at rest is changed; one in review has nothing to update, one that never stood can only be deleted. */
export function settled(stack: Stack): Answered<null> {
  if (AT_REST.has(stack.status)) return ok(null);
  return invalid(`Stack:${stack.id} is in ${stack.status} state and can not be updated.`);
}

export const deleteStack: Operation = (call) => {
  const name = readStackName(call);
  if (!name.ok) return name;
  const roleArn = call.parameters.text("RoleARN") ?? null;
  const context = roleArn === null ? {} : { "cloudformation:RoleArn": roleArn };
  return ok({
    asks: [stackAsk(call, "DeleteStack", name.value, context), ...passRoleAsks(call, roleArn)],
    run: () => {
      if (call.parameters.list("RetainResources") !== undefined) return notInLocalAws("RetainResources");
      const stack = stackOf(call, name.value);
      // As AWS does: deleting what is not there succeeds.
      if (stack === undefined || stack.status === "DELETE_COMPLETE") return ok({ result: null });
      if (stack.terminationProtection)
        return invalid(`Stack [${stack.name}] cannot be deleted while TerminationProtection is enabled`);
      const role = checkRole(call, roleArn ?? stack.current?.roleArn ?? null);
      if (!role.ok) return role;
      remove(call, stack, roleArn);
      return ok({ result: null });
    },
  });
};

export const updateTerminationProtection: Operation = (call) => {
  const name = readStackName(call);
  if (!name.ok) return name;
  const enable = call.parameters.text("EnableTerminationProtection");
  if (enable !== "true" && enable !== "false")
    return constraint(enable ?? "null", "enableTerminationProtection", "be true or false");
  return ok({
    asks: [stackAsk(call, "UpdateTerminationProtection", name.value)],
    run: () => {
      const stack = stackOf(call, name.value);
      if (stack === undefined || stack.status === "DELETE_COMPLETE") return noStack(name.value);
      stack.terminationProtection = enable === "true";
      return stackId(stack);
    },
  });
};
