/** How stacks, resources, events and changes look in an answer. */
import { tagXml } from "../tags.ts";
import type { XmlStructure } from "../xml.ts";
import type { ChangeDetail, ResourceChange } from "./diff.ts";
import { namesIn } from "./names.ts";
import { resolve } from "./resolve.ts";
import type { Intention, Stack, StackEvent, StackResource } from "./stack.ts";
import { isObject, type Json } from "./template.ts";

export const parametersXml = (intention: Intention): readonly XmlStructure[] =>
  [...intention.parameters].map(([key, value]) => ({
    ParameterKey: key,
    ParameterValue: intention.template.parameters.get(key)?.noEcho === true ? "****" : value,
  }));

export const stackXml = (stack: Stack): XmlStructure => ({
  StackId: stack.id,
  StackName: stack.name,
  ChangeSetId: stack.changeSetId,
  Description: stack.current?.template.description,
  Parameters: stack.current === null ? null : parametersXml(stack.current),
  CreationTime: stack.createdAt,
  DeletionTime: stack.deletedAt,
  LastUpdatedTime: stack.updatedAt,
  RollbackConfiguration: {},
  StackStatus: stack.status,
  StackStatusReason: stack.statusReason,
  DisableRollback: false,
  NotificationARNs: [],
  Capabilities: stack.current?.capabilities,
  Outputs: outputsXml(stack),
  RoleARN: stack.current?.roleArn,
  Tags: tagXml(stack.current?.tags ?? []),
  EnableTerminationProtection: stack.terminationProtection,
  DriftInformation: { StackDriftStatus: "NOT_CHECKED" },
});

function outputsXml(stack: Stack): readonly XmlStructure[] | null {
  const { current } = stack;
  // A stack that never stood has nothing to show.
  if (current === null || current.template.outputs.size === 0 || stack.ending === "ROLLBACK_COMPLETE")
    return null;
  const known = namesIn(stack, current);
  const names = {
    ref: known.ref,
    attribute: (resource: string, attribute: string): string | undefined => {
      const id = stack.resources.get(resource)?.physicalId;
      // Where nothing exists behind the id, attributes are told apart by name only.
      return known.attribute(resource, attribute) ?? (id === undefined ? undefined : `${id}.${attribute}`);
    },
  };
  const filled = (value: Json | undefined): string | null => {
    if (value === undefined) return null;
    const text = resolve(value, names);
    return typeof text === "object" ? JSON.stringify(text) : String(text);
  };
  return [...current.template.outputs].map(([key, output]) => ({
    OutputKey: key,
    OutputValue: filled(output["Value"]),
    Description: filled(output["Description"]),
    ExportName: isObject(output["Export"]) ? filled(output["Export"]["Name"]) : null,
  }));
}

export const summaryXml = (stack: Stack): XmlStructure => ({
  StackId: stack.id,
  StackName: stack.name,
  TemplateDescription: stack.current?.template.description,
  CreationTime: stack.createdAt,
  LastUpdatedTime: stack.updatedAt,
  DeletionTime: stack.deletedAt,
  StackStatus: stack.status,
  DriftInformation: { StackDriftStatus: "NOT_CHECKED" },
});

export const eventXml = (stack: Stack, event: StackEvent): XmlStructure => ({
  StackId: stack.id,
  EventId: event.id,
  StackName: stack.name,
  LogicalResourceId: event.logicalId,
  PhysicalResourceId: event.physicalId,
  ResourceType: event.type,
  Timestamp: event.at,
  ResourceStatus: event.status,
  ResourceStatusReason: event.reason,
});

export const resourceXml = (stack: Stack, resource: StackResource): XmlStructure => ({
  StackName: stack.name,
  StackId: stack.id,
  LogicalResourceId: resource.logicalId,
  PhysicalResourceId: resource.physicalId,
  ResourceType: resource.type,
  Timestamp: resource.at,
  ResourceStatus: resource.status,
  DriftInformation: { StackResourceDriftStatus: "NOT_CHECKED" },
});

export const resourceSummaryXml = (resource: StackResource): XmlStructure => ({
  LogicalResourceId: resource.logicalId,
  PhysicalResourceId: resource.physicalId,
  ResourceType: resource.type,
  LastUpdatedTimestamp: resource.at,
  ResourceStatus: resource.status,
  DriftInformation: { StackResourceDriftStatus: "NOT_CHECKED" },
});

/** `values`: with the values of properties, which AWS shows only where they are asked for. */
export const changeXml = (change: ResourceChange, values: boolean): XmlStructure => ({
  Type: "Resource",
  ResourceChange: {
    PolicyAction: change.policyAction,
    Action: change.action,
    LogicalResourceId: change.logicalId,
    PhysicalResourceId: change.physicalId,
    ResourceType: change.type,
    Replacement: change.replacement,
    Scope: [...new Set(change.details.map((detail) => detail.attribute))],
    Details: change.details.map((detail) => detailXml(detail, values)),
    AfterContext: values ? change.properties : null,
  },
});

const detailXml = (detail: ChangeDetail, values: boolean): XmlStructure => ({
  Target: {
    Attribute: detail.attribute,
    Name: detail.name,
    RequiresRecreation: detail.recreation,
    BeforeValue: values ? detail.before : null,
    AfterValue: values ? detail.after : null,
  },
  Evaluation: detail.evaluation,
  ChangeSource: detail.source,
  CausingEntity: detail.causingEntity,
});
