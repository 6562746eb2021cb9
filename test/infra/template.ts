/** Templates as the tests look at them. */
import type { Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";

export interface Statement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

/** What of one type is in a template, by logical id. */
export function resourcesOf(
  template: Template,
  type: string,
): readonly (Resource & { readonly id: string })[] {
  const found = template.findResources(type) as Readonly<Record<string, Resource>>;
  return Object.entries(found).map(([id, resource]) => ({ id, ...resource }));
}

/** Every statement of the policies of the roles whose logical id begins so. */
export function statementsOf(template: Template, role: string): readonly Statement[] {
  return resourcesOf(template, "AWS::IAM::Policy")
    .filter(({ id }) => id.startsWith(role))
    .flatMap(({ Properties }) => (Properties["PolicyDocument"] as { Statement: Statement[] }).Statement);
}

export const list = <T>(one: T | readonly T[]): readonly T[] => (Array.isArray(one) ? one : [one as T]);

/** The template as it is kept for comparison: without what the CDK adds to every stack. */
export function kept(stack: Stack): unknown {
  const whole = Object.entries(Template.fromStack(stack).toJSON());
  return Object.fromEntries(whole.filter(([section]) => section !== "Parameters" && section !== "Rules"));
}
