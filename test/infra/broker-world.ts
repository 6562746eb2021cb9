/** A broker's stacks with plain example data, for the tests. */
import { App } from "aws-cdk-lib";
import { BrokerServiceStack, type BrokerServiceStackProps } from "../../infra/broker-service-stack.ts";
import { BrokerDataStack, type BrokerDataStackProps } from "../../infra/broker-data-stack.ts";

export const ACCOUNT = "444455556666";
export const OTHER_ACCOUNT = "111122223333";
export const REGION = "eu-west-1";
const env = { account: ACCOUNT, region: REGION };

const aiRole = (account: string, name: string) => {
  const role = `ai-${name.replaceAll("_", "-")}`;
  return {
    name,
    arn: `arn:aws:iam::${account}:role/twokey/${role}`,
    boundaryArn: `arn:aws:iam::${account}:policy/twokey/boundary/${role}`,
  };
};

const NAMES = ["observer", "operator", "escalated", "stack_service"];
export const AI_ROLES = [ACCOUNT, OTHER_ACCOUNT].flatMap((account) =>
  NAMES.map((name) => aiRole(account, name)),
);

export function dataStack(changes: Partial<BrokerDataStackProps> = {}, app = new App()): BrokerDataStack {
  return new BrokerDataStack(app, "BrokerData", {
    env,
    network: { cidr: "10.64.0.0/22", internetEgress: true },
    databaseCapacity: { min: 0.5, max: 4 },
    auditRetentionDays: 400,
    aiRoles: AI_ROLES,
    ...changes,
  });
}

const DIGEST = "sha256:0000000000000000000000000000000000000000000000000000000000000001";
export const IMAGE = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/twokey@${DIGEST}`;

export function serviceStack(changes: Partial<BrokerServiceStackProps> = {}): BrokerServiceStack {
  const app = new App();
  return new BrokerServiceStack(app, "BrokerService", {
    env,
    data: dataStack({}, app),
    imageUri: IMAGE,
    publicUrl: "https://twokey.example.com",
    certificateArn: `arn:aws:acm:${REGION}:${ACCOUNT}:certificate/6f3c1d0e-0000-4000-8000-000000000001`,
    clientCidrs: ["10.0.0.0/8"],
    tasks: 2,
    watchTopicArns: [`arn:aws:sns:us-east-1:${OTHER_ACCOUNT}:Watch-Alarms`],
    ...changes,
  });
}
