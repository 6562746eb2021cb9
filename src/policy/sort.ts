/**
 * Sorts every pair (action, resource type) into read, created, changed or used, because AWS authorises an action
 * on each resource it touches. The published data is not enough for that, so curated tables stand here beside it.
 * Whatever neither places counts as changed, which is the strictest fence.
 */
import type { ActionFacts, ActionResource } from "./knowledge.ts";
import { isSafeRead } from "./safe-reads.ts";

/**
 * `read`: a safe read. `created`: the resource comes into being, so only the request can say what it will be.
 * `changed`: it exists and the action alters, removes or reveals it. `used`: referred to and left as it was.
 */
export type PairClass = "read" | "created" | "changed" | "used";

export interface Pair {
  readonly resource: ActionResource | null;
  readonly class: PairClass;
  /** Requests on this pair carry the resource's tags, and AWS honours them. */
  readonly tagged: boolean;
}

/** Resource types an action brings into being. Only actions that never overwrite what exists. */
const CREATES: Readonly<Record<string, readonly string[]>> = {
  "cloudformation:CreateStack": ["stack"],
  "dynamodb:CreateTable": ["table"],
  "ec2:CreateSecurityGroup": ["security-group"],
  "ec2:CreateSnapshot": ["snapshot"],
  "ec2:CreateVolume": ["volume"],
  "ec2:RunInstances": ["instance", "network-interface", "spot-instances-request", "volume"],
};

/** Resource types an action refers to and leaves as they are. */
const USES: Readonly<Record<string, readonly string[]>> = {
  "ec2:CreateSecurityGroup": ["vpc"],
  "ec2:CreateSnapshot": ["volume"],
  "ec2:CreateVolume": ["snapshot"],
  "ec2:RunInstances": [
    "capacity-reservation",
    "elastic-gpu",
    "elastic-inference",
    "group",
    "image",
    "key-pair",
    "launch-template",
    "license-configuration",
    "placement-group",
    "secondary-subnet",
    "security-group",
    "snapshot",
    "subnet",
  ],
  // What is passed is fenced by exact ARN and service: see RULES in template-rules.ts.
  "iam:PassRole": ["role"],
};

/**
 * The data says these carry tags; AWS does not honour them without further set-up, so a tag fence would be a
 * promise nobody keeps. S3: ABAC is off by default for buckets.
 */
const TAGS_NOT_HONOURED: ReadonlySet<string> = new Set(["s3"]);

export function sortAction(action: ActionFacts): readonly Pair[] {
  if (isSafeRead(action)) return [{ resource: null, class: "read", tagged: false }];
  if (action.resources.length === 0) return [{ resource: null, class: "changed", tagged: false }];
  return action.resources.map((resource) => {
    const tagged = resource.tagged && !TAGS_NOT_HONOURED.has(action.name.slice(0, action.name.indexOf(":")));
    if (CREATES[action.name]?.includes(resource.type)) return { resource, class: "created", tagged };
    if (USES[action.name]?.includes(resource.type)) return { resource, class: "used", tagged };
    return { resource, class: "changed", tagged };
  });
}

/**
 * Actions whose work is done by another role than the caller's, out of reach of every fence on the caller. A
 * template may name one only exactly and for exact targets.
 */
export const WORK_AS_ANOTHER_ROLE: readonly string[] = [
  "batch:SubmitJob",
  "codebuild:StartBuild*",
  "codedeploy:CreateDeployment",
  "codepipeline:StartPipelineExecution",
  "datapipeline:*",
  "ecs:ExecuteCommand",
  "ecs:RunTask",
  "ecs:StartTask",
  "elasticmapreduce:AddJobFlowSteps",
  "elasticmapreduce:RunJobFlow",
  "events:PutRule",
  "events:PutTargets",
  "glue:*Job*",
  "lambda:Invoke*",
  "lambda:UpdateFunctionCode",
  "lambda:UpdateFunctionConfiguration",
  "sagemaker:Create*",
  "scheduler:CreateSchedule",
  "scheduler:UpdateSchedule",
  "ssm:SendCommand",
  "ssm:StartAutomationExecution",
  "ssm:StartSession",
  "states:StartExecution",
  "states:StartSyncExecution",
];

/** CloudFormation actions that act with a service role, which must be the pinned one. */
export const ACTS_WITH_SERVICE_ROLE: readonly string[] = [
  "cloudformation:ContinueUpdateRollback",
  "cloudformation:CreateChangeSet",
  "cloudformation:CreateStack",
  "cloudformation:RollbackStack",
  "cloudformation:UpdateStack",
];

/** Actions on a named change set; sessions touch only those named `twokey-*`. */
export const ON_CHANGE_SET: readonly string[] = [
  "cloudformation:CreateChangeSet",
  "cloudformation:DeleteChangeSet",
  "cloudformation:ExecuteChangeSet",
];
