/**
 * The only resource types that a call may bring into being, or refer to without harm, in the oracle's eyes. Written a
 * second time on purpose, beside the compiler's own table and never made from it: a row added there alone fails the
 * proof of any template that uses it.
 */
import type { ActionFacts, ActionResource } from "../knowledge.ts";

/** Made anew, and refused by AWS, or nothing at all, where the name is taken. */
const MADE: Readonly<Record<string, string>> = {
  "cloudformation:CreateStack": "stack",
  "dynamodb:CreateTable": "table",
  "ec2:AllocateAddress": "elastic-ip",
  "ec2:CreateDhcpOptions": "dhcp-options",
  "ec2:CreateImage": "image snapshot",
  "ec2:CreateInternetGateway": "internet-gateway",
  "ec2:CreateLaunchTemplate": "launch-template",
  "ec2:CreateNetworkInterface": "network-interface",
  "ec2:CreatePlacementGroup": "placement-group",
  "ec2:CreateSecurityGroup": "security-group",
  "ec2:CreateSnapshot": "snapshot",
  "ec2:CreateSnapshots": "snapshot",
  "ec2:CreateSubnet": "subnet",
  "ec2:CreateVolume": "volume",
  "ec2:CreateVpc": "vpc",
  "ec2:RunInstances": "instance network-interface secondary-interface spot-instances-request volume",
  "elasticloadbalancing:CreateLoadBalancer": "loadbalancer",
  "elasticloadbalancing:CreateTargetGroup": "targetgroup",
  "lambda:CreateFunction": "function",
  "logs:CreateLogGroup": "log-group",
  "rds:CreateDBCluster": "cluster",
  "rds:CreateDBClusterParameterGroup": "cluster-pg",
  "rds:CreateDBClusterSnapshot": "cluster-snapshot",
  "rds:CreateDBInstance": "db",
  "rds:CreateDBParameterGroup": "pg",
  "rds:CreateDBSnapshot": "snapshot",
  "rds:CreateDBSubnetGroup": "subgrp",
  "rds:CreateOptionGroup": "og",
  "sns:CreateTopic": "topic",
  "ssm:CreateDocument": "document",
};

/** Named in the call, and left as it was. Not what is copied: a copy shows the data. */
const USED: Readonly<Record<string, string>> = {
  "ec2:CreateNetworkInterface": "security-group subnet",
  "ec2:CreateSecurityGroup": "vpc",
  "ec2:RunInstances":
    "capacity-reservation elastic-gpu elastic-inference group image key-pair launch-template license-configuration placement-group secondary-subnet security-group subnet",
  "rds:CreateDBCluster": "cluster-pg og subgrp",
  "rds:CreateDBInstance": "og pg secgrp subgrp",
};

const names = (table: Readonly<Record<string, string>>, facts: ActionFacts, type: ActionResource): boolean =>
  table[facts.name]?.split(" ").includes(type.type) ?? false;

export const isMade = (facts: ActionFacts, type: ActionResource): boolean => names(MADE, facts, type);
export const isMerelyUsed = (facts: ActionFacts, type: ActionResource): boolean => names(USED, facts, type);
/** The call of this name makes a new resource, whatever else it does. */
export const makesSomething = (action: string): boolean => Object.hasOwn(MADE, action);
