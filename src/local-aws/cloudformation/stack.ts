/** Stacks, their resources, events and change sets as they are remembered, and how they are found. */
import type { Tag } from "../tags.ts";
import type { ResourceChange } from "./diff.ts";
import type { JsonObject, Template } from "./template.ts";

export type Verb = "CREATE" | "UPDATE" | "DELETE";
export type Ending = `${Verb}_COMPLETE` | "ROLLBACK_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE" | "DELETE_FAILED";
export type StackStatus =
  | Ending
  | `${Verb}_IN_PROGRESS`
  | "ROLLBACK_IN_PROGRESS"
  | "UPDATE_ROLLBACK_IN_PROGRESS"
  | "REVIEW_IN_PROGRESS";

/** What a resource of a type in iam/ is outside the stack. */
export interface Made {
  /** By the names Fn::GetAtt knows. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The properties it was last given, resolved. */
  readonly properties: JsonObject;
}

export interface StackResource {
  readonly logicalId: string;
  readonly physicalId: string;
  readonly type: string;
  readonly status: `${Verb}_COMPLETE` | `${Verb}_FAILED` | "DELETE_SKIPPED";
  readonly at: Date;
  /** Null for types whose resources exist only as physical ids. */
  readonly made: Made | null;
}

export interface StackEvent {
  readonly id: string;
  readonly at: Date;
  readonly logicalId: string;
  readonly physicalId: string;
  readonly type: string;
  readonly status: string;
  readonly reason: string | null;
}

/** What a stack is, or what a change set would make of it. */
export interface Intention {
  readonly template: Template;
  /** Ids of its resources, each after all it refers to or depends on. */
  readonly order: readonly string[];
  /** By key; every parameter of the template has a value. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly tags: readonly Tag[];
  readonly roleArn: string | null;
  readonly capabilities: readonly string[];
}

export interface Stack {
  /** ARN. */
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly account: string;
  readonly createdAt: Date;
  updatedAt: Date | null;
  deletedAt: Date | null;
  /** Null only while a first change set is in review. */
  current: Intention | null;
  status: StackStatus;
  statusReason: string | null;
  /** What it comes to when it is in progress no more. */
  ending: Ending;
  /** How many more times it is described as in progress. */
  inProgressFor: number;
  terminationProtection: boolean;
  /** The change set that was last executed. */
  changeSetId: string | null;
  readonly resources: Map<string, StackResource>;
  /** Oldest first. */
  readonly events: StackEvent[];
}

export interface ChangeSet {
  /** ARN. */
  readonly id: string;
  readonly name: string;
  readonly stackId: string;
  readonly stackName: string;
  readonly description: string | null;
  readonly createdAt: Date;
  readonly status: "CREATE_COMPLETE" | "FAILED";
  readonly statusReason: string | null;
  executionStatus: "AVAILABLE" | "UNAVAILABLE" | "EXECUTE_COMPLETE" | "EXECUTE_FAILED";
  readonly intention: Intention;
  readonly changes: readonly ResourceChange[];
}

export interface Home {
  readonly stacks: ReadonlyMap<string, Stack>;
}

/** By ARN (deleted ones too), or by the name of a stack that is there. */
export function findStack(home: Home, region: string, nameOrId: string): Stack | undefined {
  if (nameOrId.startsWith("arn:")) return home.stacks.get(nameOrId);
  return [...home.stacks.values()].find(
    (stack) => stack.name === nameOrId && stack.region === region && stack.status !== "DELETE_COMPLETE",
  );
}

export const tagsOfStack = (stack: Stack | undefined): readonly Tag[] => stack?.current?.tags ?? [];
