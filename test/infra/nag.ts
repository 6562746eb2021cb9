/** cdk-nag's AWS Solutions pack over a stack: what it finds and nobody gave a reason for, and the reasons given. */
import { Validations, type Stack } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import type { IConstruct } from "constructs";

/** `rule: path`, one for each resource. */
export function nagFindings(stack: Stack): readonly string[] {
  const { violations } = new AwsSolutionsChecks(stack, { verbose: true }).validateScope(stack);
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName}: ${constructPath ?? ""}`),
  );
}

export interface Suppression {
  readonly at: string;
  readonly rule: string;
  readonly reason: string;
}

export function suppressions(stack: Stack): readonly Suppression[] {
  return stack.node.findAll().flatMap((construct: IConstruct) =>
    construct.node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) =>
        Object.entries(data as Readonly<Record<string, string>>).map(([rule, reason]) => ({
          at: construct.node.path,
          rule: rule.replace(/^annotation::/i, ""),
          reason,
        })),
      ),
  );
}
