/** One AI role: its boundary, which is also all it may do, and who may assume it. */
import { aws_iam as iam, Validations } from "aws-cdk-lib";
import { Construct } from "constructs";
import type { AiRole as AiRoleShape } from "../src/policy/ai-roles.ts";
import type { Account } from "../src/policy/set.ts";
import { leftOpen, substituted } from "./placeholders.ts";

export class AiRole extends Construct {
  readonly role: iam.CfnRole;

  constructor(
    scope: Construct,
    id: string,
    { shape, account }: { readonly shape: AiRoleShape; readonly account: Account },
  ) {
    super(scope, id);
    const { boundary } = shape;
    const policy = new iam.CfnManagedPolicy(this, "Boundary", {
      managedPolicyName: boundary.name,
      path: boundary.path,
      description: `What the AI role ${boundary.name} may do, and its boundary. Made by Twokey's infra/ from policies/.`,
      policyDocument: substituted(leftOpen(boundary.document, account)),
    });
    acknowledgeWidth(policy, shape);
    const [name, path] = nameAndPath(shape.arn);
    this.role = new iam.CfnRole(this, "Role", {
      roleName: name,
      path,
      description: "For AI sessions vended by Twokey.",
      assumeRolePolicyDocument: substituted(leftOpen(shape.trust, account)),
      permissionsBoundary: policy.ref,
      managedPolicyArns: [policy.ref],
      maxSessionDuration: shape.maxSessionSeconds,
      tags: Object.entries(shape.tags).map(([key, value]) => ({ key, value })),
    });
  }
}

function nameAndPath(arn: string): readonly [string, string] {
  const whole = arn.slice(arn.indexOf(":role/") + ":role".length);
  const cut = whole.lastIndexOf("/") + 1;
  return [whole.slice(cut), whole.slice(0, cut)];
}

/**
 * cdk-nag looks at Allows alone. Here every limit is a Deny, which holds against a resource policy too; the proof in
 * test/infra asks the whole document.
 */
function acknowledgeWidth(policy: iam.CfnManagedPolicy, { boundary }: AiRoleShape): void {
  const allowed = boundary.document.Statement.filter(({ Effect }) => Effect === "Allow");
  const patterns = allowed.flatMap(({ Action = [] }) => Action).filter((pattern) => pattern.includes("*"));
  for (const finding of ["Resource::*", ...patterns.map((pattern) => `Action::${pattern}`)]) {
    Validations.of(policy).acknowledge({
      id: `AwsSolutions-IAM5[${finding}]`,
      reason: finding.startsWith("Resource")
        ? "Where each action may be used is said by the Denies of the same document: by tag, ARN and condition."
        : "A pattern that policy check found to match safe reads only.",
    });
  }
}
