/**
 * The list of safe reads: reads that hand out neither credentials, secrets, data nor code. It is a list and not
 * the published access level, because a few actions labelled Read do hand them out. What is not on it is fenced
 * like a change, so a missing line costs an agent a look, never a customer a secret.
 *
 * An action is a safe read when a pattern of its service matches, the published level is List or Read and
 * nothing else, and neither sensitive-reads.ts nor credential-minting.ts names it.
 *
 * Known and accepted: cloudformation's GetTemplate, DescribeStackEvents and DescribeChangeSet can quote what somebody
 * wrote into a template, an environment variable included. Without them no agent could propose a change.
 */
import { MINTS_CREDENTIALS } from "./credential-minting.ts";
import { globMatch } from "./iam/match.ts";
import type { ActionFacts } from "./knowledge.ts";
import { SENSITIVE_READS } from "./sensitive-reads.ts";

const SAFE: Readonly<Record<string, readonly string[]>> = {
  acm: ["Describe*", "List*"],
  "application-autoscaling": ["Describe*", "List*"],
  autoscaling: ["Describe*"],
  backup: ["Describe*", "List*"],
  batch: ["DescribeComputeEnvironments", "DescribeJobQueues", "List*"],
  ce: ["Describe*", "Get*", "List*"],
  cloudformation: [
    "Describe*",
    "Detect*",
    "EstimateTemplateCost",
    "GetHookResult",
    "GetStackPolicy",
    "GetTemplate",
    "GetTemplateSummary",
    "List*",
    "ValidateTemplate",
  ],
  cloudtrail: ["Describe*", "GetTrail", "GetTrailStatus", "ListTrails"],
  cloudwatch: [
    "Describe*",
    "GetDashboard",
    "GetInsightRuleReport",
    "GetMetricData",
    "GetMetricStatistics",
    "GetMetricStream",
    "GetMetricWidgetImage",
    "List*",
  ],
  codedeploy: ["BatchGet*", "GetDeployment*", "GetApplication", "List*"],
  codepipeline: ["GetPipelineExecution", "GetPipelineState", "List*"],
  dynamodb: ["Describe*", "GetResourcePolicy", "List*"],
  ec2: ["Describe*"],
  ecr: [
    "BatchGetRepositoryScanningConfiguration",
    "Describe*",
    "GetLifecyclePolicy",
    "GetRepositoryPolicy",
    "List*",
  ],
  ecs: ["Describe*", "List*"],
  eks: ["Describe*", "List*"],
  elasticache: ["Describe*", "List*"],
  elasticfilesystem: ["Describe*", "List*"],
  elasticloadbalancing: ["Describe*"],
  es: ["Describe*", "List*"],
  events: ["DescribeEventBus", "DescribeRule", "ListEventBuses", "ListRuleNamesByTarget", "ListRules"],
  health: ["Describe*"],
  iam: [
    "GetAccountSummary",
    "GetInstanceProfile",
    "GetPolicy",
    "GetPolicyVersion",
    "GetRole",
    "GetRolePolicy",
    "ListAttachedRolePolicies",
    "ListInstanceProfiles",
    "ListInstanceProfilesForRole",
    "ListPolicies",
    "ListPolicyVersions",
    "ListRolePolicies",
    "ListRoles",
    "ListRoleTags",
  ],
  kinesis: ["Describe*", "List*"],
  kms: ["DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "List*"],
  lambda: [
    "GetAccountSettings",
    "GetAlias",
    "GetFunctionConcurrency",
    "GetPolicy",
    "ListAliases",
    "ListTags",
  ],
  logs: ["Describe*", "ListLogGroups", "ListTagsForResource"],
  rds: ["Describe*", "ListTagsForResource"],
  redshift: ["Describe*"],
  route53: ["Get*", "List*"],
  s3: [
    "GetAccelerateConfiguration",
    "GetBucket*",
    "GetEncryptionConfiguration",
    "GetLifecycleConfiguration",
    "GetReplicationConfiguration",
    "ListAllMyBuckets",
  ],
  secretsmanager: ["DescribeSecret", "GetResourcePolicy", "ListSecretVersionIds", "ListSecrets"],
  servicequotas: ["Get*", "List*"],
  sns: ["GetTopicAttributes", "ListTagsForResource", "ListTopics"],
  sqs: ["GetQueueAttributes", "GetQueueUrl", "List*"],
  ssm: ["DescribeInstanceInformation", "DescribeInstancePatch*", "DescribeParameters", "ListDocuments"],
  states: ["ListActivities", "ListExecutions", "ListStateMachines"],
  sts: ["GetCallerIdentity"],
  wafv2: ["ListWebACLs"],
};

export function isSafeRead(action: ActionFacts): boolean {
  if (!action.accessLevels.every((level) => level === "List" || level === "Read")) return false;
  if (SENSITIVE_READS.reason(action.name) !== null || MINTS_CREDENTIALS.reason(action.name) !== null)
    return false;
  const colon = action.name.indexOf(":");
  const patterns = SAFE[action.name.slice(0, colon)] ?? [];
  return patterns.some((pattern) => globMatch(pattern, action.name.slice(colon + 1), { ignoreCase: true }));
}
