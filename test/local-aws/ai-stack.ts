/** A stack as `infra/` would deploy it, much smaller: an AI role and its permissions boundary, as the CDK writes them. */
import {
  type CloudFormationClient,
  CreateStackCommand,
  type CreateStackCommandInput,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from "@aws-sdk/client-cloudformation";
import { ACCOUNT, allow, deny, document, trust } from "./world.ts";

export const StackName = "ai-roles";
export const Capabilities: CreateStackCommandInput["Capabilities"] = ["CAPABILITY_NAMED_IAM"];
export const AGENT = `arn:aws:iam::${ACCOUNT}:role/twokey/agent`;
export const BOUNDARY = `arn:aws:iam::${ACCOUNT}:policy/twokey/fence`;

/** In the form in which the CDK writes them. */
export const fence = (properties: object = {}) => ({
  Fence: {
    Type: "AWS::IAM::ManagedPolicy",
    Properties: {
      ManagedPolicyName: "fence",
      Path: "/twokey/",
      Description: "",
      PolicyDocument: document(allow("*"), deny("iam:List*")),
      ...properties,
    },
  },
});
export const agent = (properties: object = {}) => ({
  Agent: {
    Type: "AWS::IAM::Role",
    Properties: {
      RoleName: "agent",
      Path: "/twokey/",
      AssumeRolePolicyDocument: {
        Version: "2012-10-17",
        Statement: [
          {
            ...trust(""),
            Principal: {
              AWS: {
                "Fn::Join": [
                  "",
                  ["arn:", { Ref: "AWS::Partition" }, ":iam::", { Ref: "AWS::AccountId" }, ":user/broker"],
                ],
              },
            },
          },
        ],
      },
      PermissionsBoundary: { Ref: "Fence" },
      MaxSessionDuration: 7200,
      Description: "for agents",
      Policies: [{ PolicyName: "wide", PolicyDocument: document(allow("*")) }],
      Tags: [{ Key: "twokey:principal", Value: "ai-agent" }],
      ...properties,
    },
  },
});
export const Outputs = {
  Role: { Value: { "Fn::GetAtt": ["Agent", "Arn"] } },
  Name: { Value: { Ref: "Agent" } },
  Id: { Value: { "Fn::Sub": "id ${Agent.RoleId} of ${AWS::StackName}" } },
  Boundary: { Value: { Ref: "Fence" } },
};

/** The role stands before what it needs, so that only the references can put them in order. */
export const template = (...resources: readonly object[]): string =>
  JSON.stringify({ Resources: Object.assign({}, ...resources) as object, Outputs });
export const TemplateBody = template(agent(), fence());

export const create = (client: CloudFormationClient, input: Partial<CreateStackCommandInput> = {}) =>
  client.send(new CreateStackCommand({ StackName, TemplateBody, Capabilities, ...input }));
export const update = (client: CloudFormationClient, input: object): Promise<unknown> =>
  client.send(new UpdateStackCommand({ StackName, Capabilities, ...input }));
export const stackOf = async (client: CloudFormationClient, name = StackName) =>
  (await client.send(new DescribeStacksCommand({ StackName: name }))).Stacks?.[0];
/** Oldest first: logical id, status, reason. */
export async function eventsOf(client: CloudFormationClient, name = StackName) {
  const { StackEvents } = await client.send(new DescribeStackEventsCommand({ StackName: name }));
  return (StackEvents ?? [])
    .map((event) => [event.LogicalResourceId, event.ResourceStatus, event.ResourceStatusReason] as const)
    .reverse();
}
