/**
 * Which actions destroy: take away data, a resource, its protection or its service. For words, statistics and the
 * intent a template states; the fence does not ask, it stops every change.
 *
 * Verbs find most of them. The list beside them names what verbs miss: deletion on a schedule, by overwriting, by
 * scaling to nothing, or of the means to undo.
 */
import type { Intent } from "../identity/task.ts";
import type { ActionFacts } from "./knowledge.ts";
import { actionList } from "./knowledge-list.ts";

/** First words of an action's name, at write level. */
export const DESTROYING_VERBS: readonly string[] = [
  "Abort",
  "Backtrack",
  "Bypass",
  "Cancel",
  "Clear",
  "Close",
  "Deactivate",
  "Decrease",
  "Delete",
  "Deprovision",
  "Deregister",
  "Detach",
  "Disable",
  "Disassociate",
  "Discard",
  "Dispose",
  "Dissociate",
  "Drop",
  "Evict",
  "Expire",
  "Failover",
  "Flush",
  "Forget",
  "Invalidate",
  "Purge",
  "Reboot",
  "Release",
  "Remove",
  "Replace",
  "Reset",
  "Restart",
  "Retire",
  "Revoke",
  "Rollback",
  "Shrink",
  "Shutdown",
  "Stop",
  "Suspend",
  "Terminate",
  "Unassign",
  "Unpublish",
  "Wipe",
  "Withdraw",
];

/** `BatchDeleteImage` and `AdminDeleteUser` destroy as `Delete…` does. */
const BY_VERB = new RegExp(`^(?:Batch|Bulk|Admin|Force)?(?:${DESTROYING_VERBS.join("|")})(?![a-z])`);

const BY_NAME = actionList({
  "data is deleted later, by a rule": [
    "backup:UpdateRecoveryPointLifecycle",
    "dynamodb:UpdateTimeToLive",
    "ecr:PutLifecyclePolicy",
    "elasticfilesystem:PutLifecycleConfiguration",
    "kinesis:UpdateStreamMode",
    "logs:PutRetentionPolicy",
    "s3:PutLifecycleConfiguration",
    "s3express:PutLifecycleConfiguration",
    "ssm:UpdateMaintenanceWindow*",
  ],
  "what exists is overwritten": [
    "cloudformation:SetStackPolicy",
    "cloudformation:UpdateStack",
    "cloudformation:UpdateStackInstances",
    "cloudformation:UpdateStackSet",
    "dynamodb:BatchWriteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:PartiQLUpdate",
    "ecr:PutImage",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "s3:CreateJob",
    "s3:PutObject",
    "s3:ReplicateDelete",
    "s3:ReplicateObject",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecret",
    "secretsmanager:UpdateSecretVersionStage",
    "ssm:PutParameter",
  ],
  "a change set, query or program may delete anything": [
    "athena:StartQueryExecution",
    "cloudformation:ExecuteChangeSet",
    "codebuild:StartBuild",
    "dynamodb:PartiQLInsert",
    "ecs:ExecuteCommand",
    "elasticmapreduce:AddJobFlowSteps",
    "lambda:InvokeFunction",
    "neptune-db:WriteDataViaQuery",
    "rds-data:BatchExecuteStatement",
    "rds-data:ExecuteSql",
    "rds-data:ExecuteStatement",
    "redshift-data:BatchExecuteStatement",
    "redshift-data:ExecuteStatement",
    "ssm:SendCommand",
    "ssm:StartAutomationExecution",
    "ssm:StartSession",
    "states:StartExecution",
  ],
  "capacity may be set to nothing": [
    "application-autoscaling:PutScheduledAction",
    "application-autoscaling:RegisterScalableTarget",
    "autoscaling:PutScheduledUpdateGroupAction",
    "autoscaling:SetDesiredCapacity",
    "autoscaling:SetInstanceHealth",
    "autoscaling:UpdateAutoScalingGroup",
    "dynamodb:UpdateTable",
    "ecs:UpdateService",
    "eks:UpdateNodegroupConfig",
    "elasticache:ModifyReplicationGroup",
    "elasticache:ModifyReplicationGroupShardConfiguration",
    "kinesis:UpdateShardCount",
    "lambda:PutFunctionConcurrency",
    "rds:ModifyDBInstance",
    "rds:ModifyDBCluster",
    "redshift:ModifyCluster",
    "redshift:PauseCluster",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
  ],
  "the means to undo or to read again goes": [
    "cloudformation:UpdateTerminationProtection",
    "cloudtrail:PutEventSelectors",
    "cloudtrail:UpdateTrail",
    "dynamodb:UpdateContinuousBackups",
    "ec2:ModifyInstanceAttribute",
    "kms:ScheduleKeyDeletion",
    "kms:UpdateAlias",
    "s3:PutBucketVersioning",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
    "s3:PutReplicationConfiguration",
    "s3:PutBucketObjectLockConfiguration",
  ],
  "traffic or names go elsewhere": [
    "cloudfront:UpdateDistribution",
    "ec2:CreateRoute",
    "ec2:ModifyVpcEndpoint",
    "elasticloadbalancing:ModifyListener",
    "elasticloadbalancing:ModifyRule",
    "elasticloadbalancing:SetSecurityGroups",
    "elasticloadbalancing:SetSubnets",
    "route53:ChangeResourceRecordSets",
    "route53domains:TransferDomain*",
    "route53domains:UpdateDomainNameservers",
  ],
  "resources come under another stack's life": [
    "cloudformation:CreateStackRefactor",
    "cloudformation:ImportStacksToStackSet",
  ],
});

/** Takes away data, a resource, its protection or its service. */
export function isDestructive(action: ActionFacts): boolean {
  if (action.accessLevels.every((level) => level === "List" || level === "Read")) return false;
  return (
    BY_VERB.test(action.name.slice(action.name.indexOf(":") + 1)) || BY_NAME.reason(action.name) !== null
  );
}

/** The least intent a template must state to offer the action. Sensitive reads are reads all the same. */
export function intentOf(action: ActionFacts): Intent {
  if (action.accessLevels.every((level) => level === "List" || level === "Read")) return "observe";
  return isDestructive(action) ? "destroy" : "change";
}

/** What verbs miss, for the tests that hold it against the published data. */
export const DESTROYERS_BY_NAME = BY_NAME;
