/** The events of a stack: what happened to it and to its resources, oldest first. */
import type { Call } from "../call.ts";
import { uuid } from "../random.ts";
import type { Stack, StackResource } from "./stack.ts";

export const recordStack = (call: Call, stack: Stack, reason: string | null): void => {
  stack.events.push({
    id: uuid(call.random),
    at: call.now,
    logicalId: stack.name,
    physicalId: stack.id,
    type: "AWS::CloudFormation::Stack",
    status: stack.status,
    reason,
  });
};

export function record(
  call: Call,
  stack: Stack,
  resource: Pick<StackResource, "logicalId" | "physicalId" | "type" | "status">,
  reason: string | null = null,
): void {
  stack.events.push({
    id: `${resource.logicalId}-${uuid(call.random)}`,
    at: call.now,
    logicalId: resource.logicalId,
    physicalId: resource.physicalId,
    type: resource.type,
    status: resource.status,
    reason,
  });
}
