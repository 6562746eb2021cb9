/** A template as the CDK itself writes it: AI roles synthesised, deployed, and assumed with their boundary in force. */
import { CreateStackCommand, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { ListRolesCommand, SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam";
import {
  App,
  CfnOutput,
  Duration,
  type IStackSynthesizer,
  LegacyStackSynthesizer,
  Stack,
  Tags,
} from "aws-cdk-lib";
import { ArnPrincipal, Effect, ManagedPolicy, PolicyStatement, Role } from "aws-cdk-lib/aws-iam";
import { expect, test } from "vitest";
import { assume, BROKER, refusal, startWorld } from "./world.ts";

// The CDK's own types do not fit under exactOptionalPropertyTypes.
const LEGACY = new LegacyStackSynthesizer() as IStackSynthesizer;

/** With the legacy synthesiser a template has no bootstrap version and no rule about it. */
function synthesised(synthesizer: IStackSynthesizer | null): string {
  const app = new App({ analyticsReporting: false });
  const stack = new Stack(app, "AiRoles", synthesizer === null ? {} : { synthesizer });
  const fence = new ManagedPolicy(stack, "Fence", {
    path: "/twokey/",
    statements: [
      new PolicyStatement({ actions: ["*"], resources: ["*"] }),
      new PolicyStatement({ effect: Effect.DENY, actions: ["iam:List*"], resources: ["*"] }),
    ],
  });
  const role = new Role(stack, "Observe", {
    roleName: "observe",
    path: "/twokey/",
    assumedBy: new ArnPrincipal(BROKER).withSessionTags(),
    permissionsBoundary: fence,
    maxSessionDuration: Duration.hours(2),
  });
  role.addToPolicy(new PolicyStatement({ actions: ["iam:*"], resources: ["*"] }));
  Tags.of(role).add("twokey:principal", "ai-agent");
  new CfnOutput(stack, "Arn", { value: role.roleArn });
  return JSON.stringify(app.synth().getStackByName("AiRoles").template);
}

test("a role that the CDK synthesised is deployed and assumed, and its boundary denies what its policy allows", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  const StackName = "AiRoles";
  await client.send(
    new CreateStackCommand({
      StackName,
      TemplateBody: synthesised(LEGACY),
      Capabilities: ["CAPABILITY_NAMED_IAM"],
    }),
  );
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
  const RoleArn = "arn:aws:iam::111122223333:role/twokey/observe";
  expect(Stacks?.[0]).toMatchObject({
    StackStatus: "CREATE_COMPLETE",
    Outputs: [{ OutputKey: "Arn", OutputValue: RoleArn }],
  });
  const session = await assume(world.sts(), { RoleArn, Tags: [{ Key: "a", Value: "b" }] });
  expect((await refusal(world.iam(session).send(new ListRolesCommand({})))).message).toContain(
    "with an explicit deny in a permissions boundary",
  );
  const simulated = await world.iam().send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn: RoleArn,
      ActionNames: ["iam:ListRoles", "iam:GetRole"],
    }),
  );
  expect(simulated.EvaluationResults?.map((result) => result.EvalDecision)).toEqual([
    "explicitDeny",
    "allowed",
  ]);
});

test("the CDK's rule about its bootstrap version cannot be decided here, so the template is refused", async () => {
  const world = await startWorld();
  const refused = await refusal(
    world.cloudformation().send(
      new CreateStackCommand({
        StackName: "s",
        TemplateBody: synthesised(null),
        Capabilities: ["CAPABILITY_NAMED_IAM"],
      }),
    ),
  );
  expect(refused.message).toContain("A template with IAM resources and Rules is not in local AWS.");
});
