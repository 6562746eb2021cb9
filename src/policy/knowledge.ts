/**
 * What is known of AWS actions, as a table handed in from outside (adapters/action-data loads it). Whatever a
 * table does not hold does not exist: an unknown action is a fault, never an allowed one.
 */

export type AccessLevel = "List" | "Read" | "Write" | "Tagging" | "Permissions management";

export interface ActionResource {
  /** The resource type's name in its service, e.g. `stack`. */
  readonly type: string;
  /** ARN patterns with `*` for every variable part. */
  readonly arn: string;
  readonly required: boolean;
  /** The published data says requests on this type carry `aws:ResourceTag/…`. */
  readonly tagged: boolean;
}

export interface ActionFacts {
  /** Canonical spelling, `cloudformation:DeleteStack`. */
  readonly name: string;
  readonly accessLevels: readonly AccessLevel[];
  /** Empty: the action touches no resource (`*`). */
  readonly resources: readonly ActionResource[];
  /** Condition keys of the action itself, lower case, with `${TagKey}` left as published. */
  readonly conditionKeys: readonly string[];
  /**
   * What AWS also asks when this action is called, e.g. `iam:PassRole` for `ec2:RunInstances`; a hint for whoever
   * writes a template, and never what a fence rests on: only an older release of the data has it.
   */
  readonly dependentActions: readonly string[];
}

/** Read-only view of the action data. Keys ignore case, as IAM does. */
export interface ActionTable {
  /** Version of the data, for the policy digest. */
  readonly version: string;
  readonly services: readonly string[];
  /** All actions of a service in canonical spelling; empty for an unknown service. */
  actions(service: string): readonly ActionFacts[];
  action(name: string): ActionFacts | undefined;
  /** Condition keys of a service that hold several values at once, and `aws:tagkeys`; lower case. */
  listKeys(service: string): readonly string[];
  /** Every condition key of a service as published; of `aws`, the global ones. Empty for an unknown service. */
  conditionKeys(service: string): readonly string[];
}
