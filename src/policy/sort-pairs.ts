/**
 * What an action does to each resource type it touches, for the actions where that is well understood and not
 * simply a change. The published data does not say.
 *
 * `created`: comes into being, and nothing that exists can be overwritten by it: an upsert has no place here.
 * `used`: referred to and left as it was, its data not shown either.
 * `changed`: altered, removed or revealed. Stated, so that a type which AWS adds to one of these actions is seen to
 * be in no row (test/policy/knowledge.test.ts) until somebody has thought about it; it counts as changed meanwhile.
 *
 * Not here although they look like it: `sqs:CreateQueue` and `ecs:CreateCluster` answer for one that exists, and
 * AWS does not say what becomes of its tags; `ecs:RegisterTaskDefinition` adds a revision that others start next.
 */

export type Placement = "created" | "changed" | "used";

export const PLACED: Readonly<Record<string, Readonly<Record<string, Placement>>>> = {
  // A stack is created by this action alone; a second one of the name is refused.
  "cloudformation:CreateStack": { stack: "created" },

  "dynamodb:CreateTable": { table: "created" },

  "ec2:AllocateAddress": { "elastic-ip": "created", "ipam-pool": "changed", "ipv4pool-ec2": "changed" },
  "ec2:CreateDhcpOptions": { "dhcp-options": "created" },
  // Restarts the instance unless told otherwise, and copies its disks.
  "ec2:CreateImage": { image: "created", snapshot: "created", instance: "changed" },
  "ec2:CreateInternetGateway": { "internet-gateway": "created" },
  "ec2:CreateLaunchTemplate": { "launch-template": "created" },
  "ec2:CreateNetworkInterface": { "network-interface": "created", "security-group": "used", subnet: "used" },
  "ec2:CreatePlacementGroup": { "placement-group": "created" },
  "ec2:CreateSecurityGroup": { "security-group": "created", vpc: "used" },
  // A copy of production's disk would be readable as a non-production snapshot.
  "ec2:CreateSnapshot": { snapshot: "created", volume: "changed" },
  "ec2:CreateSnapshots": { snapshot: "created", instance: "changed", volume: "changed" },
  // Takes addresses out of the network.
  "ec2:CreateSubnet": { subnet: "created", "ipam-pool": "changed", vpc: "changed" },
  // The same as CreateSnapshot, the other way round.
  "ec2:CreateVolume": { volume: "created", snapshot: "changed" },
  "ec2:CreateVpc": { vpc: "created", "ipam-pool": "changed", "ipv6pool-ec2": "changed" },
  "ec2:RunInstances": {
    instance: "created",
    "network-interface": "created",
    "secondary-interface": "created",
    "spot-instances-request": "created",
    volume: "created",
    "capacity-reservation": "used",
    "elastic-gpu": "used",
    "elastic-inference": "used",
    group: "used",
    "key-pair": "used",
    "license-configuration": "used",
    "placement-group": "used",
    "secondary-subnet": "used",
    // These two are network reach: a template that offers them says into which networks by Resource.
    "security-group": "used",
    subnet: "used",
    // Disks and start-up scripts of what may be production's, as in CreateVolume.
    image: "changed",
    "launch-template": "changed",
    snapshot: "changed",
  },

  // Both are refused where the name is taken with other settings or tags, and change nothing where they are the same.
  "elasticloadbalancing:CreateLoadBalancer": { loadbalancer: "created" },
  "elasticloadbalancing:CreateTargetGroup": { targetgroup: "created" },

  // What is passed is fenced by exact ARN and service: see RULES in template-rules.ts.
  "iam:PassRole": { role: "used" },

  // Refused where the name is taken.
  "lambda:CreateFunction": { function: "created" },
  "logs:CreateLogGroup": { "log-group": "created" },

  // A cluster that gains a member is changed; a primary that gains a replica too.
  "rds:CreateDBCluster": {
    cluster: "created",
    "cluster-pg": "used",
    db: "changed",
    "global-cluster": "changed",
    og: "used",
    subgrp: "used",
  },
  "rds:CreateDBClusterParameterGroup": { "cluster-pg": "created" },
  // As for EC2: a copy of the data.
  "rds:CreateDBClusterSnapshot": { "cluster-snapshot": "created", cluster: "changed" },
  "rds:CreateDBInstance": {
    db: "created",
    cluster: "changed",
    og: "used",
    pg: "used",
    secgrp: "used",
    subgrp: "used",
  },
  "rds:CreateDBParameterGroup": { pg: "created" },
  "rds:CreateDBSnapshot": { snapshot: "created", db: "changed" },
  "rds:CreateDBSubnetGroup": { subgrp: "created" },
  "rds:CreateOptionGroup": { og: "created" },

  // Refused where the topic exists with other settings or tags.
  "sns:CreateTopic": { topic: "created" },
  "ssm:CreateDocument": { document: "created" },
};
