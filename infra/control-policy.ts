/** One policy of AWS Organizations, attached to the targets of a parameter. */
import { aws_organizations as organizations, type CfnParameter } from "aws-cdk-lib";
import { Construct } from "constructs";
import type { ControlPolicy as Shape } from "../src/policy/control-policy.ts";
import { substituted } from "./placeholders.ts";

export class ControlPolicy extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly shape: Shape;
      readonly type: "SERVICE_CONTROL_POLICY" | "RESOURCE_CONTROL_POLICY";
      /** Roots, units or accounts. */
      readonly targets: CfnParameter;
    },
  ) {
    super(scope, id);
    const { shape, type, targets } = props;
    new organizations.CfnPolicy(this, "Policy", {
      name: shape.name,
      description: shape.description,
      type,
      content: substituted(shape.document),
      targetIds: targets.valueAsList,
    });
  }
}
