/** The roles as they come out of the synthesized AccountRoles template, deployed as a stack: doctor finds nothing wrong. */
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
} from "@aws-sdk/client-cloudformation";
import { App, BootstraplessSynthesizer, type IReusableStackSynthesizer } from "aws-cdk-lib";
import { expect, test } from "vitest";
import { AccountRolesStack } from "../../infra/account-roles-stack.ts";
import { BROKER } from "./hand-written.ts";
import { account, ADMIN_KEYS, inWords, nameOf, served, startWorld } from "./world.ts";

function synthesized(): string {
  // As infra/app.ts does: without the rule that asks for a bootstrap stack.
  const defaultStackSynthesizer = new BootstraplessSynthesizer() as IReusableStackSynthesizer;
  const app = new App({ defaultStackSynthesizer, analyticsReporting: false });
  const stack = new AccountRolesStack(app, "TwokeyAccountRoles", { served, account });
  return JSON.stringify(app.synth().getStackByName(stack.stackName).template);
}

// The CDK takes its time.
const template = synthesized();

test("an account with nothing but that stack and production's own role is as it must be", async () => {
  const production = nameOf(account.serviceRoles["production"] ?? "");
  const world = await startWorld((options) => ({
    ...options,
    policies: [],
    roles: (options.roles ?? []).filter(({ name }) => name === production),
  }));
  const client = new CloudFormationClient({
    ...{ region: account.region, endpoint: world.url, credentials: ADMIN_KEYS },
  });
  await client.send(
    new CreateStackCommand({
      StackName: "TwokeyAccountRoles",
      TemplateBody: template,
      Parameters: [{ ParameterKey: "BrokerRoleArn", ParameterValue: BROKER }],
      Capabilities: ["CAPABILITY_NAMED_IAM"],
    }),
  );
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: "TwokeyAccountRoles" }));
  expect(Stacks?.[0]?.StackStatus).toBe("CREATE_COMPLETE");
  client.destroy();

  const found = await world.run();
  expect(found.filter(({ status }) => status !== "ok").map(inWords)).toEqual([]);
  expect(found.length).toBeGreaterThan(50);
}, 120_000);
