/** What a template says of IAM resources: functions, parameters, names made up, and what is refused at once. */
import { ListStackResourcesCommand } from "@aws-sdk/client-cloudformation";
import { GetRoleCommand, ListRolesCommand } from "@aws-sdk/client-iam";
import { expect, test } from "vitest";
import { agent, create, fence, stackOf } from "./ai-stack.ts";
import { ACCOUNT, assume, refusal, startWorld } from "./world.ts";

const unnamed = (name: string, resources: Record<string, { Type: string; Properties: object }>) =>
  Object.fromEntries(
    Object.entries(resources).map(([id, { Type, Properties }]) => [
      id,
      { Type, Properties: Object.fromEntries(Object.entries(Properties).filter(([key]) => key !== name)) },
    ]),
  );

test("names that are not given are made up from the stack's and the resource's, within IAM's limits", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  const anonymous = {
    TemplateBody: JSON.stringify({
      Resources: { ...unnamed("ManagedPolicyName", fence()), ...unnamed("RoleName", agent()) },
    }),
    Capabilities: ["CAPABILITY_IAM" as const],
  };
  await create(client, { StackName: "s", ...anonymous });
  const { StackResourceSummaries } = await client.send(new ListStackResourcesCommand({ StackName: "s" }));
  expect(StackResourceSummaries?.map((resource) => resource.PhysicalResourceId)).toEqual([
    expect.stringMatching(new RegExp(`^arn:aws:iam::${ACCOUNT}:policy/twokey/s-Fence-[A-Z2-7]{12}$`)),
    expect.stringMatching(/^s-Agent-[A-Z2-7]{12}$/),
  ]);
  const long = "a-stack-with-a-name-that-is-longer-than-any-role-may-be-called-in-aws";
  await create(client, { StackName: long, ...anonymous });
  const { Roles } = await world.iam().send(new ListRolesCommand({ PathPrefix: "/twokey/" }));
  expect(Roles?.map((role) => role.RoleName)).toContainEqual(
    expect.stringMatching(/^a-stack-with-a-name-that.{0,2}-Agent-[A-Z2-7]{12}$/),
  );
});

test("parameters, lists of them, and functions within functions are filled in; NoEcho values stay hidden", async () => {
  const world = await startWorld();
  const [client, iam] = [world.cloudformation(), world.iam()];
  const body = `Parameters:
  Principals: { Type: CommaDelimitedList, Default: "arn:aws:iam::${ACCOUNT}:user/broker, ${ACCOUNT}" }
  External: { Type: String, NoEcho: true }
  Hours: { Type: Number, Default: 2 }
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub ["\${Kind}-\${AWS::Region}", { Kind: !Select [1, !Split ["/", "a/observe"]] }]
      MaxSessionDuration: !Join ["", [!Ref Hours, "000"]]
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Principal: { AWS: !Ref Principals }
            Action: sts:AssumeRole
            Condition: { StringEquals: { sts:ExternalId: !Ref External } }
`;
  const Parameters = [
    { ParameterKey: "External", ParameterValue: "canary-external" },
    { ParameterKey: "Hours", ParameterValue: "7" },
  ];
  await create(client, { TemplateBody: body, Parameters });
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: "observe-us-east-1" }));
  expect(Role?.MaxSessionDuration).toBe(7000);
  expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? "")).toContain(
    `"AWS":["arn:aws:iam::${ACCOUNT}:user/broker","${ACCOUNT}"]`,
  );
  await assume(world.sts(), { RoleArn: Role?.Arn, ExternalId: "canary-external" });
  expect((await stackOf(client))?.Parameters).toContainEqual({
    ParameterKey: "External",
    ParameterValue: "****",
  });
});

test.each([
  [
    "a reference to nothing",
    { Resources: agent() },
    "Unresolved resource dependencies [Fence] in the Resources block",
  ],
  [
    "an output of nothing",
    { Resources: fence(), Outputs: { A: { Value: { Ref: "B" } } } },
    "Unresolved resource dependencies [B] in the Outputs block",
  ],
  [
    "a circle",
    { Resources: { ...fence({ Roles: [{ Ref: "Agent" }] }), ...agent() } },
    "Circular dependency between resources: [Fence, Agent]",
  ],
  [
    "a condition on a role",
    { Resources: { Fence: { ...fence().Fence, Condition: "C" } } },
    "The Condition of the IAM resource Fence is not in local AWS.",
  ],
  [
    "rules beside a role",
    { Resources: fence(), Rules: { R: { Assertions: [] } } },
    "A template with IAM resources and Rules is not in local AWS.",
  ],
  [
    "a transform beside a role",
    { Resources: fence(), Transform: "AWS::Serverless-2016-10-31" },
    "the transform AWS::Serverless-2016-10-31 is not in local AWS.",
  ],
  [
    "a loop of resources",
    { Resources: { ...fence(), "Fn::ForEach::R": ["X", ["a"], {}] } },
    "Any Resources member must be an object.",
  ],
])("%s is refused before anything is made", async (_, body, message) => {
  const world = await startWorld();
  const refused = await refusal(create(world.cloudformation(), { TemplateBody: JSON.stringify(body) }));
  expect(refused.message).toContain(message);
  expect((await refusal(stackOf(world.cloudformation()))).message).toContain("does not exist");
});
