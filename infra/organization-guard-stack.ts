/**
 * The fence for the whole organisation, deployed in its management account (or that of a delegated administrator). It
 * outlives every broker: what it denies, it denies whatever the broker and the accounts' roles say.
 */
import { CfnParameter, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { guardInWords, organizationGuard } from "../src/policy/organization-guard.ts";
import type { ServedPolicy } from "../src/policy/serve.ts";
import { ControlPolicy } from "./control-policy.ts";
import { BROKER_ARN } from "./placeholders.ts";

export interface OrganizationGuardProps extends StackProps {
  readonly served: ServedPolicy;
  /** ARN patterns of the roles that deploy `infra/`. */
  readonly deployers: readonly string[];
}

export class OrganizationGuardStack extends Stack {
  constructor(scope: Construct, id: string, { served, deployers, ...props }: OrganizationGuardProps) {
    super(scope, id, props);
    this.templateOptions.description =
      "Twokey: service and resource control policies around AI sessions, for the organisation.";
    new CfnParameter(this, "BrokerRoleArn", {
      description: "ARN of the IAM role the broker runs as.",
      allowedPattern: BROKER_ARN,
    });
    const targets = new CfnParameter(this, "TargetIds", {
      type: "CommaDelimitedList",
      description: "Root (r-…), organisational units (ou-…) or accounts the policies are attached to.",
    });
    const guard = organizationGuard(served, { brokers: ["${BrokerRoleArn}"], deployers });
    if (!guard.ok) throw new Error(guardInWords(guard.error).message);
    for (const shape of guard.value.scps)
      new ControlPolicy(this, logicalId(shape.name), { shape, type: "SERVICE_CONTROL_POLICY", targets });
    for (const shape of guard.value.rcps)
      new ControlPolicy(this, logicalId(shape.name), { shape, type: "RESOURCE_CONTROL_POLICY", targets });
  }
}

/** `twokey-floor` becomes `Floor`. */
const logicalId = (name: string): string =>
  name
    .replace(/^twokey-/, "")
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
