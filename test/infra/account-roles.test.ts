/** The AI roles as a template: what is in it, and that local AWS's CloudFormation makes of it the roles that must be. */
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
} from "@aws-sdk/client-cloudformation";
import { GetPolicyVersionCommand, GetRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, onTestFinished, test } from "vitest";
import { AccountRolesStack } from "../../infra/account-roles-stack.ts";
import { plainApp } from "../../infra/plain-app.ts";
import { standOn, writePolicies, type Close, type Stand } from "../../src/cli/demo/stand.ts";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replay, type Step } from "../../src/cli/demo/replay.ts";
import { demoAccount } from "../../src/cli/demo/world.ts";
import type { AccountOptions } from "../../src/local-aws/options.ts";
import { BROKER_KEY, directStand } from "../demo/direct-stand.ts";
import { served } from "../prove/set.ts";
import { account, BROKER, ROLES } from "./deployed.ts";
import { nagFindings } from "./nag.ts";

const stack = new AccountRolesStack(plainApp(), "AccountRoles", { served, account });
const template = Template.fromStack(stack);

describe("the template", () => {
  test("has one role and one boundary for each of the four, under /twokey/, and no assets", () => {
    template.resourceCountIs("AWS::IAM::Role", 4);
    template.resourceCountIs("AWS::IAM::ManagedPolicy", 4);
    for (const name of ["ai-observer", "ai-operator", "ai-escalated", "ai-stack-service"]) {
      template.hasResourceProperties("AWS::IAM::Role", {
        RoleName: name,
        Path: "/twokey/",
        MaxSessionDuration: 3600,
      });
      template.hasResourceProperties("AWS::IAM::ManagedPolicy", {
        ManagedPolicyName: name,
        Path: "/twokey/boundary/",
      });
    }
    expect(Object.keys(template.toJSON())).toEqual(["Description", "Parameters", "Resources", "Outputs"]);
  });

  test("names no account, so that one serves all of a StackSet", () => {
    const { Resources } = template.toJSON() as { readonly Resources: unknown };
    expect(JSON.stringify(Resources)).not.toContain(account.id);
    expect(JSON.stringify(Resources)).not.toContain(account.externalId);
  });

  test("marks the role stacks act with, and no other", () => {
    const marked = Object.values(template.findResources("AWS::IAM::Role"))
      .map((role) => (role as { readonly Properties: Readonly<Record<string, unknown>> }).Properties)
      .filter(({ Tags }) => Tags !== undefined);
    expect(marked.map(({ RoleName, Tags }) => [RoleName, Tags])).toEqual([
      ["ai-stack-service", [{ Key: "twokey:principal", Value: "ai-agent" }]],
    ]);
  });

  test("leaves cdk-nag nothing to find", () => {
    expect(nagFindings(stack)).toEqual([]);
  });

  test("is as it was", () => {
    expect(template.toJSON()).toMatchSnapshot();
  });

  test("is not made where a role has no template to bound it", () => {
    const without = new Map([...served.templates].filter(([name]) => name !== "stack-service"));
    const make = () =>
      new AccountRolesStack(plainApp(), "Half", { served: { ...served, templates: without }, account });
    expect(make).toThrow("no template is of the role `stack_service`");
  });
});

/** The demo's account as it is before anything of Twokey's is in it but the broker's user. */
function bare(): AccountOptions {
  const world = demoAccount(account, BROKER_KEY);
  const ours = new Set(ROLES.map(({ arn }) => arn.slice(arn.lastIndexOf("/") + 1)));
  return { ...world, stacks: [], roles: (world.roles ?? []).filter(({ name }) => !ours.has(name)) };
}

function cloudFormationAt(endpoint: string): CloudFormationClient {
  const client = new CloudFormationClient({ region: account.region, endpoint, credentials: BROKER_KEY });
  onTestFinished(() => {
    client.destroy();
  });
  return client;
}

async function deployed(): Promise<{
  readonly url: string;
  readonly stand: Awaited<ReturnType<typeof directStand>>;
}> {
  const stand = await directStand({
    account,
    world: bare(),
    session: (name) => ({
      roleArn:
        served.templates.get(name)?.template.role === "operator"
          ? account.roles.operator
          : account.roles.observer,
      policy: null,
    }),
  });
  const cloudformation = cloudFormationAt(stand.awsUrl);
  await cloudformation.send(
    new CreateStackCommand({
      StackName: "twokey-account-roles",
      TemplateBody: JSON.stringify(template.toJSON()),
      Capabilities: ["CAPABILITY_NAMED_IAM"],
      Parameters: [
        { ParameterKey: "BrokerRoleArn", ParameterValue: BROKER },
        { ParameterKey: "ExternalId", ParameterValue: account.externalId },
      ],
    }),
  );
  const { Stacks } = await cloudformation.send(
    new DescribeStacksCommand({ StackName: "twokey-account-roles" }),
  );
  expect(Stacks?.[0]?.StackStatus).toBe("CREATE_COMPLETE");
  return { url: stand.awsUrl, stand };
}

describe("deployed by CloudFormation", () => {
  test("every role, trust policy and boundary is what the policy set says", async () => {
    const { url } = await deployed();
    const iam = new IAMClient({ region: account.region, endpoint: url, credentials: BROKER_KEY });
    onTestFinished(() => {
      iam.destroy();
    });
    for (const shape of ROLES) {
      const RoleName = shape.arn.slice(shape.arn.lastIndexOf("/") + 1);
      const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
      expect(Role?.Arn).toBe(shape.arn);
      expect(JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ""))).toEqual(shape.trust);
      expect(Role?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(shape.boundary.arn);
      const { PolicyVersion } = await iam.send(
        new GetPolicyVersionCommand({ PolicyArn: shape.boundary.arn, VersionId: "v1" }),
      );
      expect(JSON.parse(decodeURIComponent(PolicyVersion?.Document ?? ""))).toEqual(shape.boundary.document);
    }
  });

  test("the demo runs on these very roles: the broker mints, and the incident stops", async () => {
    const { stand: ground } = await deployed();
    await makeStacks(ground.awsUrl);
    const folder = mkdtempSync(join(tmpdir(), "twokey-deployed-"));
    const [policies, keyFile] = [join(folder, "policies"), join(folder, "agent.json")];
    await writePolicies(policies, keyFile);
    const closers: Close[] = [];
    const stand = await standOn(
      { aws: ground.aws, awsUrl: ground.awsUrl, account, folder, policies, keyFile, brokerKey: BROKER_KEY },
      closers,
      async () => undefined,
    );
    onTestFinished(async () => {
      for (const close of closers.reverse()) await close();
    });
    expect((await replayed(stand)).filter(({ ok }) => !ok)).toEqual([]);
    expect(stand.aws.state.mints().map(({ roleArn }) => roleArn)).toContain(account.roles.operator);
  });

  test("without any session policy the incident stops at these very roles", async () => {
    const { stand } = await deployed();
    await makeStacks(stand.awsUrl);
    const steps = await replayed(stand);
    expect(steps.filter(({ ok }) => !ok)).toEqual([]);
    expect(steps).toHaveLength(8);
  });
});

async function makeStacks(url: string): Promise<void> {
  const cloudformation = cloudFormationAt(url);
  for (const { name, template: body, tags = {}, roleArn } of demoAccount(account, BROKER_KEY).stacks ?? []) {
    await cloudformation.send(
      new CreateStackCommand({
        StackName: name,
        TemplateBody: body,
        Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
        ...(roleArn === undefined ? {} : { RoleARN: roleArn }),
      }),
    );
  }
}

async function replayed(stand: Stand): Promise<readonly Step[]> {
  const steps: Step[] = [];
  for await (const step of replay(stand)) steps.push(step);
  return steps;
}
