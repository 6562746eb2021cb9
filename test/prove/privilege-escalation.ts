/**
 * The known ways in AWS from some rights to more, by the names they are published under, each as the calls that do
 * the damage. Data only: privilege-escalation.test.ts asks them of every standing template.
 */
import type { Context } from "../../src/policy/prove/question.ts";

export interface Method {
  readonly name: string;
  readonly calls: readonly (readonly [action: string, resource: string, context?: Context])[];
}

const A = "111122223333";
const R = `us-east-1:${A}`;
const admin = `arn:aws:iam::${A}:role/deploy-admin`;
const user = `arn:aws:iam::${A}:user/deploy`;
const group = `arn:aws:iam::${A}:group/admins`;
const policy = `arn:aws:iam::${A}:policy/deploy`;
const pass = (service: string) =>
  ["iam:PassRole", admin, { "iam:PassedToService": `${service}.amazonaws.com` }] as const;

export const METHODS: readonly Method[] = [
  // Rights of users, groups, roles and policies
  { name: "CreateNewPolicyVersion", calls: [["iam:CreatePolicyVersion", policy]] },
  { name: "SetExistingDefaultPolicyVersion", calls: [["iam:SetDefaultPolicyVersion", policy]] },
  { name: "CreateAccessKey for another user", calls: [["iam:CreateAccessKey", user]] },
  { name: "UpdateAccessKey to reactivate a key", calls: [["iam:UpdateAccessKey", user]] },
  { name: "CreateLoginProfile", calls: [["iam:CreateLoginProfile", user]] },
  { name: "UpdateLoginProfile", calls: [["iam:UpdateLoginProfile", user]] },
  { name: "AttachUserPolicy", calls: [["iam:AttachUserPolicy", user]] },
  { name: "AttachGroupPolicy", calls: [["iam:AttachGroupPolicy", group]] },
  { name: "AttachRolePolicy", calls: [["iam:AttachRolePolicy", admin]] },
  { name: "PutUserPolicy", calls: [["iam:PutUserPolicy", user]] },
  { name: "PutGroupPolicy", calls: [["iam:PutGroupPolicy", group]] },
  { name: "PutRolePolicy", calls: [["iam:PutRolePolicy", admin]] },
  { name: "AddUserToGroup", calls: [["iam:AddUserToGroup", group]] },
  {
    name: "UpdateAssumeRolePolicy (UpdateRolePolicyToAssumeIt)",
    calls: [["iam:UpdateAssumeRolePolicy", admin]],
  },
  { name: "DeleteRolePermissionsBoundary", calls: [["iam:DeleteRolePermissionsBoundary", admin]] },
  { name: "PutRolePermissionsBoundary", calls: [["iam:PutRolePermissionsBoundary", admin]] },
  { name: "DetachRolePolicy of a denying policy", calls: [["iam:DetachRolePolicy", admin]] },
  { name: "DeleteRolePolicy of a denying policy", calls: [["iam:DeleteRolePolicy", admin]] },
  { name: "CreateServiceSpecificCredential", calls: [["iam:CreateServiceSpecificCredential", user]] },
  { name: "DeactivateMFADevice", calls: [["iam:DeactivateMFADevice", user]] },
  { name: "CreateVirtualMFADevice and EnableMFADevice", calls: [["iam:EnableMFADevice", user]] },
  {
    name: "Trust in a rogue identity provider (SAML, OIDC)",
    calls: [
      ["iam:CreateSAMLProvider", `arn:aws:iam::${A}:saml-provider/x`],
      ["iam:UpdateSAMLProvider", `arn:aws:iam::${A}:saml-provider/x`],
      ["iam:CreateOpenIDConnectProvider", `arn:aws:iam::${A}:oidc-provider/x`],
      ["iam:UpdateOpenIDConnectProviderThumbprint", `arn:aws:iam::${A}:oidc-provider/x`],
    ],
  },
  {
    name: "TagRole or TagUser against attribute-based rights",
    calls: [
      ["iam:TagRole", admin],
      ["iam:TagUser", user],
    ],
  },

  // Other sessions
  { name: "AssumeRole (role chaining)", calls: [["sts:AssumeRole", admin]] },
  { name: "AssumeRoleWithWebIdentity", calls: [["sts:AssumeRoleWithWebIdentity", admin]] },
  { name: "AssumeRoleWithSAML", calls: [["sts:AssumeRoleWithSAML", admin]] },
  { name: "AssumeRoot", calls: [["sts:AssumeRoot", `arn:aws:iam::${A}:root`]] },
  {
    name: "GetFederationToken console persistence",
    calls: [["sts:GetFederationToken", `arn:aws:sts::${A}:federated-user/x`]],
  },
  { name: "GetSessionToken", calls: [["sts:GetSessionToken", "*"]] },
  {
    name: "IAM Roles Anywhere trust anchor",
    calls: [
      ["rolesanywhere:CreateTrustAnchor", "*"],
      ["rolesanywhere:CreateProfile", "*"],
      pass("rolesanywhere"),
    ],
  },
  {
    name: "Identity Center account assignment",
    calls: [
      ["sso:CreateAccountAssignment", "arn:aws:sso:::instance/ssoins-1"],
      ["sso:PutInlinePolicyToPermissionSet", "arn:aws:sso:::permissionSet/ssoins-1/ps-1"],
      ["identitystore:CreateGroupMembership", "*"],
    ],
  },
  {
    name: "Cognito identity pool roles",
    calls: [
      ["cognito-identity:SetIdentityPoolRoles", "*"],
      ["cognito-identity:GetCredentialsForIdentity", "*"],
      pass("cognito-identity"),
    ],
  },
  {
    name: "EKS access entry and pod identity",
    calls: [
      ["eks:CreateAccessEntry", `arn:aws:eks:${R}:cluster/x`],
      ["eks:AssociateAccessPolicy", `arn:aws:eks:${R}:access-entry/x/role/${A}/x/y`],
      ["eks:CreatePodIdentityAssociation", `arn:aws:eks:${R}:cluster/x`],
    ],
  },
  {
    name: "Organizations: leave, or an SCP detached",
    calls: [
      ["organizations:LeaveOrganization", "*"],
      ["organizations:DetachPolicy", "*"],
    ],
  },

  // A role passed to something that runs
  {
    name: "PassRole and RunInstances (CreateEC2WithExistingIP)",
    calls: [pass("ec2"), ["ec2:RunInstances", `arn:aws:ec2:${R}:instance/*`]],
  },
  {
    name: "EC2 instance profile swapped (ReplaceIamInstanceProfileAssociation)",
    calls: [
      ["ec2:ReplaceIamInstanceProfileAssociation", `arn:aws:ec2:${R}:instance/i-1`],
      ["ec2:AssociateIamInstanceProfile", `arn:aws:ec2:${R}:instance/i-1`],
      ["iam:AddRoleToInstanceProfile", `arn:aws:iam::${A}:instance-profile/x`],
    ],
  },
  {
    name: "EC2 user data replaced (ModifyInstanceAttribute)",
    calls: [["ec2:ModifyInstanceAttribute", `arn:aws:ec2:${R}:instance/i-1`]],
  },
  {
    name: "EC2 Instance Connect and serial console",
    calls: [
      ["ec2-instance-connect:SendSSHPublicKey", `arn:aws:ec2:${R}:instance/i-1`],
      ["ec2-instance-connect:SendSerialConsoleSSHPublicKey", `arn:aws:ec2:${R}:instance/i-1`],
    ],
  },
  {
    name: "EC2 launch template version (CreateLaunchTemplateVersion)",
    calls: [
      ["ec2:CreateLaunchTemplateVersion", `arn:aws:ec2:${R}:launch-template/lt-1`],
      pass("autoscaling"),
    ],
  },
  {
    name: "PassRole, CreateFunction, InvokeFunction",
    calls: [
      pass("lambda"),
      ["lambda:CreateFunction", `arn:aws:lambda:${R}:function:x`],
      ["lambda:InvokeFunction", `arn:aws:lambda:${R}:function:x`],
    ],
  },
  {
    name: "PassRole, CreateFunction, CreateEventSourceMapping",
    calls: [pass("lambda"), ["lambda:CreateEventSourceMapping", "*"]],
  },
  {
    name: "EditExistingLambdaFunctionWithRole (UpdateFunctionCode)",
    calls: [["lambda:UpdateFunctionCode", `arn:aws:lambda:${R}:function:x`]],
  },
  {
    name: "Lambda layer swapped in (UpdateFunctionConfiguration)",
    calls: [["lambda:UpdateFunctionConfiguration", `arn:aws:lambda:${R}:function:x`]],
  },
  { name: "Lambda AddPermission", calls: [["lambda:AddPermission", `arn:aws:lambda:${R}:function:x`]] },
  { name: "PassExistingRoleToNewGlueDevEndpoint", calls: [pass("glue"), ["glue:CreateDevEndpoint", "*"]] },
  {
    name: "UpdateExistingGlueDevEndpoint",
    calls: [["glue:UpdateDevEndpoint", `arn:aws:glue:${R}:devEndpoint/x`]],
  },
  {
    name: "Glue job (CreateJob, UpdateJob, StartJobRun)",
    calls: [
      pass("glue"),
      ["glue:CreateJob", `arn:aws:glue:${R}:job/x`],
      ["glue:UpdateJob", `arn:aws:glue:${R}:job/x`],
      ["glue:StartJobRun", `arn:aws:glue:${R}:job/x`],
    ],
  },
  {
    name: "PassExistingRoleToCloudFormation",
    calls: [
      ["iam:PassRole", admin, { "iam:PassedToService": "cloudformation.amazonaws.com" }],
      [
        "cloudformation:CreateStack",
        `arn:aws:cloudformation:${R}:stack/x/1`,
        {
          "cloudformation:RoleArn": admin,
          "aws:RequestTag/environment": "staging",
          "aws:TagKeys": ["environment"],
        },
      ],
    ],
  },
  {
    name: "CloudFormation stack with an attached role (UpdateStack)",
    calls: [
      [
        "cloudformation:UpdateStack",
        `arn:aws:cloudformation:${R}:stack/x/1`,
        { "aws:ResourceTag/environment": "staging" },
      ],
    ],
  },
  {
    name: "CloudFormation change set on a stack with a role",
    calls: [
      [
        "cloudformation:ExecuteChangeSet",
        `arn:aws:cloudformation:${R}:stack/x/1`,
        { "cloudformation:ChangeSetName": "twokey-x" },
      ],
    ],
  },
  {
    name: "CloudFormation StackSet (UpdateStackSet)",
    calls: [
      ["cloudformation:CreateStackSet", `arn:aws:cloudformation:${R}:stackset/x:1`],
      ["cloudformation:UpdateStackSet", `arn:aws:cloudformation:${R}:stackset/x:1`],
    ],
  },
  {
    name: "Cloud Control API (CreateResource)",
    calls: [
      ["cloudformation:CreateResource", "*"],
      ["cloudformation:UpdateResource", "*"],
    ],
  },
  {
    name: "PassExistingRoleToNewDataPipeline",
    calls: [
      pass("datapipeline"),
      ["datapipeline:CreatePipeline", "*"],
      ["datapipeline:PutPipelineDefinition", "*"],
    ],
  },
  {
    name: "SageMaker notebook (CreateNotebookInstance, CreatePresignedNotebookInstanceUrl)",
    calls: [
      pass("sagemaker"),
      ["sagemaker:CreateNotebookInstance", `arn:aws:sagemaker:${R}:notebook-instance/x`],
      ["sagemaker:CreatePresignedNotebookInstanceUrl", `arn:aws:sagemaker:${R}:notebook-instance/x`],
    ],
  },
  {
    name: "SageMaker training and processing jobs",
    calls: [
      ["sagemaker:CreateTrainingJob", `arn:aws:sagemaker:${R}:training-job/x`],
      ["sagemaker:CreateProcessingJob", `arn:aws:sagemaker:${R}:processing-job/x`],
    ],
  },
  {
    name: "CodeBuild project (CreateProject, StartBuild)",
    calls: [
      pass("codebuild"),
      ["codebuild:CreateProject", `arn:aws:codebuild:${R}:project/x`],
      ["codebuild:StartBuild", `arn:aws:codebuild:${R}:project/x`],
    ],
  },
  {
    name: "CodePipeline pipeline (CreatePipeline, UpdatePipeline)",
    calls: [
      pass("codepipeline"),
      ["codepipeline:CreatePipeline", `arn:aws:codepipeline:${R}:x`],
      ["codepipeline:UpdatePipeline", `arn:aws:codepipeline:${R}:x`],
    ],
  },
  {
    name: "Step Functions (CreateStateMachine, StartExecution)",
    calls: [
      pass("states"),
      ["states:CreateStateMachine", `arn:aws:states:${R}:stateMachine:x`],
      ["states:UpdateStateMachine", `arn:aws:states:${R}:stateMachine:x`],
      ["states:StartExecution", `arn:aws:states:${R}:stateMachine:x`],
    ],
  },
  {
    name: "EventBridge rule and targets",
    calls: [
      pass("events"),
      ["events:PutRule", `arn:aws:events:${R}:rule/x`],
      ["events:PutTargets", `arn:aws:events:${R}:rule/x`],
    ],
  },
  {
    name: "EventBridge Scheduler and Pipes",
    calls: [
      pass("scheduler"),
      ["scheduler:CreateSchedule", `arn:aws:scheduler:${R}:schedule/default/x`],
      ["pipes:CreatePipe", `arn:aws:pipes:${R}:pipe/x`],
    ],
  },
  {
    name: "ECS (RegisterTaskDefinition, RunTask)",
    calls: [
      pass("ecs-tasks"),
      ["ecs:RegisterTaskDefinition", "*"],
      ["ecs:RunTask", `arn:aws:ecs:${R}:task-definition/x:1`],
    ],
  },
  { name: "ECS ExecuteCommand", calls: [["ecs:ExecuteCommand", `arn:aws:ecs:${R}:task/x/1`]] },
  {
    name: "Batch job (RegisterJobDefinition, SubmitJob)",
    calls: [
      pass("batch"),
      ["batch:RegisterJobDefinition", `arn:aws:batch:${R}:job-definition/x`],
      ["batch:SubmitJob", `arn:aws:batch:${R}:job-queue/x`],
    ],
  },
  {
    name: "EMR cluster (RunJobFlow, AddJobFlowSteps)",
    calls: [
      pass("elasticmapreduce"),
      ["elasticmapreduce:RunJobFlow", "*"],
      ["elasticmapreduce:AddJobFlowSteps", `arn:aws:elasticmapreduce:${R}:cluster/j-1`],
    ],
  },
  {
    name: "App Runner, Amplify and Bedrock agents",
    calls: [
      ["apprunner:CreateService", `arn:aws:apprunner:${R}:service/x/1`],
      ["amplify:CreateApp", `arn:aws:amplify:${R}:apps/x`],
      ["bedrock:CreateAgent", "*"],
    ],
  },
  {
    name: "Auto Scaling launch configuration",
    calls: [
      pass("ec2"),
      [
        "autoscaling:CreateLaunchConfiguration",
        `arn:aws:autoscaling:${R}:launchConfiguration:1:launchConfigurationName/x`,
      ],
      [
        "autoscaling:UpdateAutoScalingGroup",
        `arn:aws:autoscaling:${R}:autoScalingGroup:1:autoScalingGroupName/x`,
      ],
    ],
  },
  { name: "SSM SendCommand", calls: [["ssm:SendCommand", `arn:aws:ec2:${R}:instance/i-1`]] },
  { name: "SSM StartSession", calls: [["ssm:StartSession", `arn:aws:ec2:${R}:instance/i-1`]] },
  {
    name: "SSM StartAutomationExecution with a role",
    calls: [["ssm:StartAutomationExecution", `arn:aws:ssm:${R}:automation-definition/x:1`]],
  },
  {
    name: "SSM association and maintenance window",
    calls: [
      ["ssm:CreateAssociation", "*"],
      ["ssm:RegisterTaskWithMaintenanceWindow", `arn:aws:ssm:${R}:maintenancewindow/mw-1`],
    ],
  },

  // Resource policies, opened to the session or to anybody
  {
    name: "S3 bucket policy and ACL",
    calls: [
      ["s3:PutBucketPolicy", "arn:aws:s3:::orders"],
      ["s3:PutBucketAcl", "arn:aws:s3:::orders"],
      ["s3:PutAccessPointPolicy", `arn:aws:s3:${R}:accesspoint/x`],
    ],
  },
  {
    name: "KMS key policy and grant",
    calls: [
      ["kms:PutKeyPolicy", `arn:aws:kms:${R}:key/1`],
      ["kms:CreateGrant", `arn:aws:kms:${R}:key/1`],
    ],
  },
  {
    name: "SQS queue policy",
    calls: [
      ["sqs:AddPermission", `arn:aws:sqs:${R}:x`],
      ["sqs:SetQueueAttributes", `arn:aws:sqs:${R}:x`],
    ],
  },
  {
    name: "SNS topic policy",
    calls: [
      ["sns:AddPermission", `arn:aws:sns:${R}:x`],
      ["sns:SetTopicAttributes", `arn:aws:sns:${R}:x`],
    ],
  },
  { name: "ECR repository policy", calls: [["ecr:SetRepositoryPolicy", `arn:aws:ecr:${R}:repository/x`]] },
  {
    name: "Secrets Manager resource policy",
    calls: [["secretsmanager:PutResourcePolicy", `arn:aws:secretsmanager:${R}:secret:x`]],
  },
  {
    name: "DynamoDB resource policy",
    calls: [["dynamodb:PutResourcePolicy", `arn:aws:dynamodb:${R}:table/orders`]],
  },
  {
    name: "EBS snapshot and AMI shared (ModifySnapshotAttribute)",
    calls: [
      ["ec2:ModifySnapshotAttribute", `arn:aws:ec2:us-east-1::snapshot/snap-1`],
      ["ec2:ModifyImageAttribute", "arn:aws:ec2:us-east-1::image/ami-1"],
    ],
  },
  {
    name: "Resource Access Manager share",
    calls: [
      ["ram:CreateResourceShare", "*"],
      ["ram:AssociateResourceShare", `arn:aws:ram:${R}:resource-share/1`],
    ],
  },

  // Secrets and passwords
  {
    name: "Secrets and parameters read",
    calls: [
      ["secretsmanager:GetSecretValue", `arn:aws:secretsmanager:${R}:secret:x`],
      ["ssm:GetParameter", `arn:aws:ssm:${R}:parameter/x`],
    ],
  },
  {
    name: "RDS and Redshift passwords and tokens",
    calls: [
      ["rds:ModifyDBInstance", `arn:aws:rds:${R}:db:x`],
      ["rds-db:connect", `arn:aws:rds-db:${R}:dbuser:db-1/admin`],
      ["redshift:GetClusterCredentials", `arn:aws:redshift:${R}:dbuser:x/admin`],
    ],
  },

  // The fence itself
  {
    name: "Tags edited against the fence",
    calls: [
      ["tag:TagResources", "*"],
      ["tag:UntagResources", "*"],
      ["ec2:CreateTags", `arn:aws:ec2:${R}:instance/i-1`],
      ["ec2:DeleteTags", `arn:aws:ec2:${R}:instance/i-1`],
    ],
  },
  {
    name: "Trails stopped",
    calls: [
      ["cloudtrail:StopLogging", `arn:aws:cloudtrail:${R}:trail/x`],
      ["cloudtrail:DeleteTrail", `arn:aws:cloudtrail:${R}:trail/x`],
    ],
  },
];
