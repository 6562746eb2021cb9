/** The organisation's policies as a template. What they deny is proof.test.ts's to ask. */
import { Template } from "aws-cdk-lib/assertions";
import { expect, test } from "vitest";
import { OrganizationGuardStack } from "../../infra/organization-guard-stack.ts";
import { plainApp } from "../../infra/plain-app.ts";
import { served } from "../prove/set.ts";
import { nagFindings } from "./nag.ts";

const stack = new OrganizationGuardStack(plainApp(), "OrganizationGuard", {
  served,
  deployers: ["arn:aws:iam::*:role/cdk-*-cfn-exec-role-*"],
});
const template = Template.fromStack(stack);

test("four service control policies and one resource control policy are attached to the targets of one parameter", () => {
  const policies = Object.values(template.findResources("AWS::Organizations::Policy")).map(
    (policy) => (policy as { readonly Properties: Readonly<Record<string, unknown>> }).Properties,
  );
  expect(policies.map(({ Name, Type }) => [Name, Type]).sort()).toEqual([
    ["twokey-floor", "SERVICE_CONTROL_POLICY"],
    ["twokey-mcp", "SERVICE_CONTROL_POLICY"],
    ["twokey-sessions", "SERVICE_CONTROL_POLICY"],
    ["twokey-stacks", "SERVICE_CONTROL_POLICY"],
    ["twokey-tags", "RESOURCE_CONTROL_POLICY"],
  ]);
  for (const { TargetIds } of policies) expect(TargetIds).toEqual({ Ref: "TargetIds" });
  template.hasParameter("TargetIds", { Type: "CommaDelimitedList" });
});

test("none names an account", () => {
  const { Resources } = template.toJSON() as { readonly Resources: unknown };
  expect(JSON.stringify(Resources)).not.toMatch(/\d{12}/);
});

test("cdk-nag finds nothing", () => {
  expect(nagFindings(stack)).toEqual([]);
});

test("the template is as it was", () => {
  expect(template.toJSON()).toMatchSnapshot();
});

test("a set with more than a policy takes is not deployed in part", () => {
  const crowded = {
    ...served,
    set: {
      ...served.set,
      guardrails: {
        ...served.set.guardrails,
        floor: Array.from({ length: 400 }, (_, index) => `service${index}:Action`),
      },
    },
  };
  const make = () => new OrganizationGuardStack(plainApp(), "Crowded", { served: crowded, deployers: [] });
  expect(make).toThrow("twokey-floor");
});
