/**
 * What changing a stack would do: each resource added, modified or removed, and whether it is replaced, as
 * DescribeChangeSet tells it. Compares values with the parameters filled in, so that a parameter alone can change
 * a resource. Whether a property forces a replacement is known for a few types; elsewhere it says Conditional.
 */
import type { Tag } from "../tags.ts";
import { references, resolve } from "./resolve.ts";
import type { Intention, StackResource } from "./stack.ts";
import type { Json, TemplateResource } from "./template.ts";

export type Recreation = "Never" | "Conditionally" | "Always";

export interface ChangeDetail {
  readonly attribute: "Properties" | "Metadata" | "DeletionPolicy" | "UpdateReplacePolicy" | "Tags";
  readonly name: string | null;
  readonly recreation: Recreation;
  readonly evaluation: "Static" | "Dynamic";
  readonly source: "DirectModification" | "ParameterReference" | "ResourceReference";
  readonly causingEntity: string | null;
  /** The value with its parameters filled in, as text; null: there is none. */
  readonly before: string | null;
  readonly after: string | null;
}

export interface ResourceChange {
  readonly action: "Add" | "Modify" | "Remove";
  readonly logicalId: string;
  readonly physicalId: string | null;
  readonly type: string;
  readonly replacement: "True" | "False" | "Conditional" | null;
  readonly policyAction: string | null;
  readonly details: readonly ChangeDetail[];
  /** Of an added resource: its properties as JSON. */
  readonly properties: string | null;
}

interface KnownType {
  /** The property that holds the resource's own name. */
  readonly name: string;
  /** Properties whose change replaces the resource. All others do not. */
  readonly immutable: ReadonlySet<string>;
}

const known = (name: string, ...others: readonly string[]): KnownType => ({
  name,
  immutable: new Set([name, ...others]),
});

const TYPES: ReadonlyMap<string, KnownType> = new Map([
  ["AWS::DynamoDB::Table", known("TableName", "KeySchema", "ImportSourceSpecification")],
  ["AWS::S3::Bucket", known("BucketName")],
  ["AWS::SQS::Queue", known("QueueName", "FifoQueue")],
  ["AWS::SNS::Topic", known("TopicName", "FifoTopic")],
  ["AWS::Lambda::Function", known("FunctionName", "PackageType")],
  ["AWS::IAM::ManagedPolicy", known("ManagedPolicyName", "Path", "Description")],
  ["AWS::IAM::Policy", { name: "PolicyName", immutable: new Set() }],
  ["AWS::IAM::Role", known("RoleName", "Path")],
  ["AWS::IAM::RolePolicy", known("PolicyName", "RoleName")],
  ["AWS::Logs::LogGroup", known("LogGroupName")],
  ["AWS::SSM::Parameter", known("Name")],
]);

/** Known types that a stack's tags do not reach. */
const UNTAGGED = new Set(["AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy"]);

export const nameProperty = (type: string): string | null => TYPES.get(type)?.name ?? null;

/** Whether changing `property` always means a new resource. */
export const replaces = (type: string, property: string): boolean =>
  TYPES.get(type)?.immutable.has(property) === true;

const recreation = (type: string, property: string): Recreation => {
  const facts = TYPES.get(type);
  if (facts === undefined) return "Conditionally";
  return facts.immutable.has(property) ? "Always" : "Never";
};

export function diff(
  before: Intention | null,
  after: Intention,
  existing: ReadonlyMap<string, StackResource>,
): readonly ResourceChange[] {
  const old = before?.template.resources ?? new Map<string, TemplateResource>();
  const retagged = before !== null && !sameTags(before.tags, after.tags);
  const kept = [...after.template.resources].flatMap(([id, resource]): readonly ResourceChange[] => {
    const was = old.get(id);
    if (was === undefined || before === null) return [added(id, resource, after)];
    const details = compare({ before, after, was, is: resource, retagged });
    return details.length === 0 ? [] : [modified(id, existing, was, details)];
  });
  const removed = [...old]
    .filter(([id]) => !after.template.resources.has(id))
    .map(([id, resource]) => removal(id, existing, resource));
  return [...removed, ...withFollowers(kept, after, existing)];
}

const added = (logicalId: string, resource: TemplateResource, after: Intention): ResourceChange => ({
  action: "Add",
  logicalId,
  physicalId: null,
  type: resource.type,
  properties: JSON.stringify({ Properties: filled(resource.properties, after) }),
  replacement: null,
  policyAction: null,
  details: [],
});

const removal = (
  logicalId: string,
  existing: ReadonlyMap<string, StackResource>,
  resource: TemplateResource,
): ResourceChange => ({
  action: "Remove",
  logicalId,
  physicalId: existing.get(logicalId)?.physicalId ?? null,
  type: resource.type,
  replacement: null,
  policyAction: resource.deletionPolicy === "RetainExceptOnCreate" ? "Retain" : resource.deletionPolicy,
  details: [],
  properties: null,
});

function modified(
  logicalId: string,
  existing: ReadonlyMap<string, StackResource>,
  resource: TemplateResource,
  details: readonly ChangeDetail[],
): ResourceChange {
  const replacement = replacementOf(details);
  return {
    action: "Modify",
    logicalId,
    physicalId: existing.get(logicalId)?.physicalId ?? null,
    type: resource.type,
    replacement,
    policyAction: replacement === "False" ? null : `ReplaceAnd${resource.updateReplacePolicy}`,
    details,
    properties: null,
  };
}

/** A dynamic detail is settled only when it happens, so even `Always` is no more than conditional then. */
function replacementOf(details: readonly ChangeDetail[]): "True" | "False" | "Conditional" {
  if (details.some((detail) => detail.recreation === "Always" && detail.evaluation === "Static"))
    return "True";
  return details.some((detail) => detail.recreation !== "Never") ? "Conditional" : "False";
}

interface Comparison {
  readonly before: Intention;
  readonly after: Intention;
  readonly was: TemplateResource;
  readonly is: TemplateResource;
  readonly retagged: boolean;
}

function compare({ before, after, was, is, retagged }: Comparison): readonly ChangeDetail[] {
  const names = new Set([...Object.keys(was.properties), ...Object.keys(is.properties)]);
  const details = [...names].flatMap((name) => {
    const old = was.properties[name] ?? null;
    const current = is.properties[name] ?? null;
    const [then, now] = [filled(old, before), filled(current, after)];
    if (same(then, now)) return [];
    const parameter = same(old, current) ? changedParameter(current, before, after) : null;
    return [
      detail("Properties", name, {
        recreation: recreation(is.type, name),
        source: parameter === null ? "DirectModification" : "ParameterReference",
        causingEntity: parameter,
        before: textOf(then),
        after: textOf(now),
      }),
    ];
  });
  return [
    ...details,
    ...(same(was.metadata, is.metadata) ? [] : [detail("Metadata", null)]),
    ...(was.deletionPolicy === is.deletionPolicy ? [] : [detail("DeletionPolicy", null)]),
    ...(was.updateReplacePolicy === is.updateReplacePolicy ? [] : [detail("UpdateReplacePolicy", null)]),
    ...(retagged && TYPES.has(is.type) && !UNTAGGED.has(is.type) ? [detail("Tags", null)] : []),
  ];
}

const detail = (
  attribute: ChangeDetail["attribute"],
  name: string | null,
  rest: Partial<ChangeDetail> = {},
): ChangeDetail => ({
  attribute,
  name,
  recreation: "Never",
  evaluation: "Static",
  source: "DirectModification",
  causingEntity: null,
  before: null,
  after: null,
  ...rest,
});

const textOf = (value: Json): string | null =>
  value === null ? null : typeof value === "object" ? JSON.stringify(value) : String(value);

/** A property that refers to a resource which may get a new physical id may change with it. */
function withFollowers(
  changes: readonly ResourceChange[],
  after: Intention,
  existing: ReadonlyMap<string, StackResource>,
): readonly ResourceChange[] {
  const moving = new Set(
    changes
      .filter((change) => change.replacement === "True" || change.replacement === "Conditional")
      .map((change) => change.logicalId),
  );
  const own = new Map(changes.map((change) => [change.logicalId, change]));
  return [...after.template.resources].flatMap(([id, resource]) => {
    const change = own.get(id);
    if (change?.action === "Add") return [change];
    const followed = follow(resource, moving, new Set(change?.details.map((item) => item.name)));
    if (followed.length === 0) return change === undefined ? [] : [change];
    return [modified(id, existing, resource, [...(change?.details ?? []), ...followed])];
  });
}

const follow = (
  resource: TemplateResource,
  moving: ReadonlySet<string>,
  told: ReadonlySet<string | null>,
): readonly ChangeDetail[] =>
  Object.entries(resource.properties).flatMap(([name, value]) => {
    const cause = [...references(value)].find((reference) => moving.has(reference));
    if (cause === undefined || told.has(name)) return [];
    return [
      detail("Properties", name, {
        recreation: recreation(resource.type, name),
        evaluation: "Dynamic",
        source: "ResourceReference",
        causingEntity: cause,
      }),
    ];
  });

const filled = (value: Json, intention: Intention): Json =>
  resolve(value, { ref: (name) => intention.parameters.get(name), attribute: () => undefined });

const changedParameter = (value: Json, before: Intention, after: Intention): string | null =>
  [...references(value)].find((name) => before.parameters.get(name) !== after.parameters.get(name)) ?? null;

export function sameTags(a: readonly Tag[], b: readonly Tag[]): boolean {
  const text = (tags: readonly Tag[]): string =>
    JSON.stringify(tags.map((tag) => [tag.key, tag.value]).sort());
  return text(a) === text(b);
}

export const same = (a: Json, b: Json): boolean => canonical(a) === canonical(b);

/** JSON text with sorted keys; numbers and booleans as text, since CloudFormation compares them so. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object")
    return JSON.stringify(value === null ? null : String(value));
  return `{${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`)
    .join(",")}}`;
}
