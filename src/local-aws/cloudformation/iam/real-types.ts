/** The types whose resources are real, and what a template needs that has IAM resources at all. */
import { ok } from "../../../result.ts";
import { type Answered, fault, notInLocalAws } from "../../fault.ts";
import type { Template } from "../template.ts";
import { POLICY, ROLE_POLICY } from "./inline-policy.ts";
import { MANAGED_POLICY } from "./managed-policy.ts";
import type { RealType } from "./real-type.ts";
import { ROLE } from "./role.ts";

export const REAL_TYPES: ReadonlyMap<string, RealType> = new Map([
  ["AWS::IAM::ManagedPolicy", MANAGED_POLICY],
  ["AWS::IAM::Policy", POLICY],
  ["AWS::IAM::Role", ROLE],
  ["AWS::IAM::RolePolicy", ROLE_POLICY],
]);

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html, Capabilities */
const NAMES: ReadonlyMap<string, string | null> = new Map([
  ["AWS::IAM::AccessKey", null],
  ["AWS::IAM::Group", "GroupName"],
  ["AWS::IAM::GroupPolicy", null],
  ["AWS::IAM::InstanceProfile", "InstanceProfileName"],
  ["AWS::IAM::ManagedPolicy", "ManagedPolicyName"],
  ["AWS::IAM::Policy", null],
  ["AWS::IAM::Role", "RoleName"],
  ["AWS::IAM::RolePolicy", null],
  ["AWS::IAM::User", "UserName"],
  ["AWS::IAM::UserPolicy", null],
  ["AWS::IAM::UserToGroupAddition", null],
]);

export interface NeededCapability {
  readonly name: "CAPABILITY_IAM" | "CAPABILITY_NAMED_IAM";
  /** The resource types it is needed for. */
  readonly types: readonly string[];
}

/** Null where the template has no IAM resources. */
export function neededCapability(template: Template): NeededCapability | null {
  const found = [...template.resources.values()].filter((resource) => NAMES.has(resource.type));
  if (found.length === 0) return null;
  const named = found.some((resource) => {
    const property = NAMES.get(resource.type) ?? null;
    return property !== null && Object.hasOwn(resource.properties, property);
  });
  return {
    name: named ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM",
    types: [...new Set(found.map((resource) => resource.type))],
  };
}

/** Custom names need the stronger word; it also does for what needs the weaker one. */
export function checkCapabilities(template: Template, given: readonly string[]): Answered<null> {
  const needed = neededCapability(template);
  if (needed === null || given.includes("CAPABILITY_NAMED_IAM") || given.includes(needed.name))
    return ok(null);
  return fault("InsufficientCapabilitiesException", `Requires capabilities : [${needed.name}]`);
}

/** What decides whether or how a resource is made, and is not decided here, is refused where real ones hang on it. */
export function checkDecidable(template: Template): Answered<null> {
  const real = [...template.resources].filter(([, resource]) => REAL_TYPES.has(resource.type));
  if (real.length === 0) return ok(null);
  const [conditional] = real.find(([, resource]) => resource.condition !== null) ?? [];
  if (conditional !== undefined) return notInLocalAws(`The Condition of the IAM resource ${conditional}`);
  if (template.rules) return notInLocalAws("A template with IAM resources and Rules");
  if (template.transforms.length > 0)
    return notInLocalAws(`A template with IAM resources and the transform ${template.transforms.join(", ")}`);
  return ok(null);
}
