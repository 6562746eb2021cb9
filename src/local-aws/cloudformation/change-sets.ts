/** Change sets: prepared, described, listed, executed, deleted. Preparing one changes nothing. */
import { ok } from "../../result.ts";
import type { Answer, Ask, Call, Operation, Plan } from "../call.ts";
import { type Answered, constraint, fault, invalid, missing, notInLocalAws } from "../fault.ts";
import { page } from "../paging.ts";
import { uuid } from "../random.ts";
import { tagXml } from "../tags.ts";
import { settled } from "./change-stack.ts";
import { diff, sameTags } from "./diff.ts";
import { become, newStack } from "./life.ts";
import {
  changeAsks,
  checkRole,
  intend,
  noStack,
  readStackName,
  readWish,
  stackAsk,
  stackOf,
  type Wish,
} from "./request.ts";
import type { ChangeSet, Stack } from "./stack.ts";
import { changeXml, parametersXml } from "./views.ts";

const NAME = /^[a-zA-Z][-a-zA-Z0-9]{0,127}$/;
const NO_CHANGES =
  "The submitted information didn't contain changes. Submit different information to create a change set.";
const PAGE = 100;

export const createChangeSet: Operation = (call) => {
  const stackName = readStackName(call);
  if (!stackName.ok) return stackName;
  const name = call.parameters.text("ChangeSetName");
  if (name === undefined) return missing("changeSetName");
  if (!NAME.test(name))
    return constraint(name, "changeSetName", "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*");
  const wish = readWish(call.parameters);
  if (!wish.ok) return wish;
  return ok({
    asks: changeAsks(call, "CreateChangeSet", stackName.value, wish.value),
    run: () => prepare(call, stackName.value, name, wish.value),
  });
};

function prepare(call: Call, stackName: string, name: string, wish: Wish): Answered<Answer> {
  const type = call.parameters.text("ChangeSetType") ?? "UPDATE";
  if (type !== "UPDATE" && type !== "CREATE") return notInLocalAws(`Change set type ${type}`);
  if (call.parameters.structures("ResourcesToImport") !== undefined) return notInLocalAws("Resource import");
  const existing = stackOf(call, stackName);
  const fits = fitsType(type, stackName, existing);
  if (!fits.ok) return fits;
  const { account } = call.caller;
  if ([...account.changeSets.values()].some((other) => other.stackId === existing?.id && other.name === name))
    return fault("AlreadyExistsException", `ChangeSet ${name} already exists for stack ${stackName}`);
  const intention = intend(wish, existing);
  if (!intention.ok) return intention;
  const role = checkRole(call, intention.value.roleArn);
  if (!role.ok) return role;
  const stack = existing ?? newStack(call, stackName);
  const changes = diff(stack.current, intention.value, stack.resources);
  const empty =
    changes.length === 0 && stack.current !== null && sameTags(stack.current.tags, intention.value.tags);
  const changeSet: ChangeSet = {
    id: `arn:aws:cloudformation:${call.region}:${account.id}:changeSet/${name}/${uuid(call.random)}`,
    name,
    stackId: stack.id,
    stackName: stack.name,
    description: call.parameters.text("Description") ?? null,
    createdAt: call.now,
    status: empty ? "FAILED" : "CREATE_COMPLETE",
    statusReason: empty ? NO_CHANGES : null,
    executionStatus: empty ? "UNAVAILABLE" : "AVAILABLE",
    intention: intention.value,
    changes,
  };
  account.changeSets.set(changeSet.id, changeSet);
  return ok({
    result: { Id: changeSet.id, StackId: stack.id },
    responseElements: { id: changeSet.id, stackId: stack.id },
  });
}

function fitsType(type: "UPDATE" | "CREATE", name: string, stack: Stack | undefined): Answered<null> {
  const gone = stack === undefined || stack.status === "DELETE_COMPLETE";
  if (type === "CREATE") {
    if (stack === undefined && !name.startsWith("arn:")) return ok(null);
    return stack?.status === "REVIEW_IN_PROGRESS"
      ? ok(null)
      : invalid(`Stack [${name}] already exists and cannot be created again with the changeSet.`);
  }
  return gone ? invalid(`Stack [${name}] does not exist`) : settled(stack);
}

/**
 * Operations on one change set, named by its ARN, or by its name and its stack. The policies are asked about the
 * stack, with the change set as the caller named it. A change set is found only in the stack that was asked about.
 */
const onChangeSet =
  (action: string, run: (call: Call, changeSet: ChangeSet, stack: Stack) => Answered<Answer>): Operation =>
  (call): Answered<Plan> => {
    const named = call.parameters.text("ChangeSetName");
    if (named === undefined) return missing("changeSetName");
    if (!NAME.test(named) && !/^arn:[-a-zA-Z0-9:/]{1,1600}$/.test(named))
      return constraint(
        named,
        "changeSetName",
        "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/]*",
      );
    const { account } = call.caller;
    const byArn = account.changeSets.get(named);
    let stackName = byArn?.stackId;
    if (call.parameters.text("StackName") !== undefined) {
      const given = readStackName(call);
      if (!given.ok) return given;
      stackName = given.value;
    }
    if (stackName === undefined && !named.startsWith("arn:"))
      return invalid("StackName must be specified if ChangeSetName is not specified as an ARN.");
    const stack = stackName === undefined ? undefined : stackOf(call, stackName);
    const found = [...account.changeSets.values()].find(
      (candidate) => candidate.stackId === stack?.id && (candidate.id === named || candidate.name === named),
    );
    const context = { "cloudformation:ChangeSetName": named };
    const ask: Ask =
      stackName === undefined
        ? { action: `cloudformation:${action}`, resource: "*", context }
        : stackAsk(call, action, stackName, context);
    return ok({
      asks: [ask],
      run: () => {
        if (stackName !== undefined && stack === undefined) return noStack(stackName);
        return found === undefined || stack === undefined
          ? fault("ChangeSetNotFound", `ChangeSet [${named}] does not exist`, 404)
          : run(call, found, stack);
      },
    });
  };

export const describeChangeSet = onChangeSet("DescribeChangeSet", (call, changeSet) => {
  const found = page(changeSet.changes, call.parameters.text("NextToken"), PAGE);
  if (!found.ok) return found;
  const { intention } = changeSet;
  const values = call.parameters.text("IncludePropertyValues") === "true";
  return ok({
    result: {
      ...summary(changeSet),
      Parameters: parametersXml(intention),
      RollbackConfiguration: {},
      Capabilities: intention.capabilities,
      Tags: tagXml(intention.tags),
      Changes: found.value.items.map((change) => changeXml(change, values)),
      NextToken: found.value.next,
    },
  });
});

const summary = (changeSet: ChangeSet): Record<string, string | boolean | Date | null> => ({
  ChangeSetName: changeSet.name,
  ChangeSetId: changeSet.id,
  StackId: changeSet.stackId,
  StackName: changeSet.stackName,
  Description: changeSet.description,
  CreationTime: changeSet.createdAt,
  ExecutionStatus: changeSet.executionStatus,
  Status: changeSet.status,
  StatusReason: changeSet.statusReason,
  IncludeNestedStacks: false,
});

export const listChangeSets: Operation = (call) => {
  const name = readStackName(call);
  if (!name.ok) return name;
  return ok({
    asks: [stackAsk(call, "ListChangeSets", name.value)],
    run: () => {
      const stack = stackOf(call, name.value);
      if (stack === undefined) return noStack(name.value);
      const all = [...call.caller.account.changeSets.values()].filter((item) => item.stackId === stack.id);
      const found = page(all, call.parameters.text("NextToken"), PAGE);
      if (!found.ok) return found;
      return ok({ result: { Summaries: found.value.items.map(summary), NextToken: found.value.next } });
    },
  });
};

export const executeChangeSet = onChangeSet("ExecuteChangeSet", (call, changeSet, stack) => {
  if (changeSet.executionStatus !== "AVAILABLE")
    return fault(
      "InvalidChangeSetStatus",
      `ChangeSet [${changeSet.id}] cannot be executed in its current status of [${changeSet.status}]`,
    );
  if (stack.status !== "REVIEW_IN_PROGRESS") {
    const ready = settled(stack);
    if (!ready.ok) return ready;
  }
  const role = checkRole(call, changeSet.intention.roleArn);
  if (!role.ok) return role;
  const stands = become(call, stack, changeSet.intention, changeSet.id);
  changeSet.executionStatus = stands ? "EXECUTE_COMPLETE" : "EXECUTE_FAILED";
  return ok({ result: {} });
});

export const deleteChangeSet = onChangeSet("DeleteChangeSet", (call, changeSet) => {
  call.caller.account.changeSets.delete(changeSet.id);
  return ok({ result: {} });
});
