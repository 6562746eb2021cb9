/**
 * Words for AWS: what an action does and to what, what a service and its resources are called. Curated for what
 * templates commonly hold; whatever is not here keeps its AWS name, so that no guess stands where a fact should.
 */

/** Verbs, the worst first, and what they are done to; an empty object: the resource itself. */
export interface Deed {
  readonly verbs: readonly string[];
  readonly object: string;
  /** Between the object and the resource. */
  readonly at: string;
}

const deed = (verbs: string, object = "", at = object === "" ? "" : "in"): Deed => ({
  verbs: verbs.split("|"),
  object,
  at,
});

const DEEDS: Readonly<Record<string, Deed>> = {
  "cloudformation:CancelUpdateStack": deed("cancel", "the update", "of"),
  "cloudformation:ContinueUpdateRollback": deed("roll back"),
  "cloudformation:CreateChangeSet": deed("prepare", "change sets", "for"),
  "cloudformation:CreateStack": deed("create"),
  "cloudformation:DeleteChangeSet": deed("delete", "change sets", "of"),
  "cloudformation:DeleteStack": deed("delete"),
  "cloudformation:ExecuteChangeSet": deed("execute", "change sets", "on"),
  "cloudformation:RollbackStack": deed("roll back"),
  "cloudformation:SetStackPolicy": deed("replace", "the protection", "of"),
  "cloudformation:TagResource": deed("tag"),
  "cloudformation:UpdateStack": deed("update"),
  "cloudformation:UpdateTerminationProtection": deed("switch", "the termination protection", "of"),
  "dynamodb:BatchGetItem": deed("read", "items"),
  "dynamodb:BatchWriteItem": deed("delete|overwrite", "items"),
  "dynamodb:CreateTable": deed("create"),
  "dynamodb:DeleteItem": deed("delete", "items"),
  "dynamodb:DeleteTable": deed("delete"),
  "dynamodb:GetItem": deed("read", "items"),
  "dynamodb:PutItem": deed("overwrite", "items"),
  "dynamodb:Query": deed("read", "items"),
  "dynamodb:Scan": deed("read", "items"),
  "dynamodb:UpdateItem": deed("change", "items"),
  "dynamodb:UpdateTable": deed("change the capacity and settings of"),
  "ec2:RebootInstances": deed("reboot"),
  "ec2:RunInstances": deed("start new"),
  "ec2:StartInstances": deed("start"),
  "ec2:StopInstances": deed("stop"),
  "ec2:TerminateInstances": deed("terminate"),
  "ecs:UpdateService": deed("change or stop"),
  "iam:PassRole": deed("hand"),
  "lambda:DeleteFunction": deed("delete"),
  "lambda:InvokeFunction": deed("run"),
  "lambda:UpdateFunctionCode": deed("replace", "the code", "of"),
  "lambda:UpdateFunctionConfiguration": deed("replace", "the configuration", "of"),
  "rds:DeleteDBCluster": deed("delete"),
  "rds:DeleteDBInstance": deed("delete"),
  "rds:RebootDBInstance": deed("reboot"),
  "s3:DeleteBucket": deed("delete"),
  "s3:DeleteObject": deed("delete", "objects"),
  "s3:DeleteObjectVersion": deed("delete", "versions of objects"),
  "s3:GetObject": deed("read", "objects"),
  "s3:GetObjectVersion": deed("read", "versions of objects"),
  "s3:ListBucket": deed("list", "the objects"),
  "s3:PutObject": deed("overwrite", "objects"),
  "secretsmanager:GetSecretValue": deed("read", "the value", "of"),
  "sqs:DeleteMessage": deed("delete", "messages"),
  "sqs:DeleteQueue": deed("delete"),
  "sqs:PurgeQueue": deed("delete", "all messages"),
  "sqs:ReceiveMessage": deed("read", "messages"),
  "sqs:SendMessage": deed("send", "messages", "to"),
};

/** Null: no words for it but its own name. */
export const deedOf = (action: string): Deed | null => DEEDS[action] ?? null;

const SERVICES: Readonly<Record<string, string>> = {
  acm: "ACM",
  autoscaling: "Auto Scaling",
  cloudformation: "CloudFormation",
  cloudwatch: "CloudWatch",
  dynamodb: "DynamoDB",
  ec2: "EC2",
  ecr: "ECR",
  ecs: "ECS",
  eks: "EKS",
  elasticache: "ElastiCache",
  elasticloadbalancing: "load balancing",
  events: "EventBridge",
  iam: "IAM",
  kinesis: "Kinesis",
  kms: "KMS",
  lambda: "Lambda",
  logs: "CloudWatch Logs",
  rds: "RDS",
  route53: "Route 53",
  s3: "S3",
  secretsmanager: "Secrets Manager",
  sns: "SNS",
  sqs: "SQS",
  ssm: "Systems Manager",
  states: "Step Functions",
  sts: "STS",
};

export const serviceName = (service: string): string => SERVICES[service] ?? service;

/** What a resource of the type is called, by service and the type in its ARN. */
const KINDS: Readonly<Record<string, string>> = {
  "cloudformation stack": "stack",
  "dynamodb table": "DynamoDB table",
  "ec2 instance": "EC2 instance",
  "ecs service": "ECS service",
  "iam role": "role",
  "lambda function": "Lambda function",
  "rds cluster": "database cluster",
  "rds db": "database",
  "s3 bucket": "S3 bucket",
  "secretsmanager secret": "secret",
  "sqs queue": "queue",
};

export const kindName = (service: string, type: string): string =>
  KINDS[`${service} ${type}`] ?? `${serviceName(service)} ${type}`.trim();

/** Every resource of the service at once, where it has one kind that matters. */
const ANY: Readonly<Record<string, string>> = {
  cloudformation: "stack",
  dynamodb: "DynamoDB table",
  ec2: "EC2 resource",
  lambda: "Lambda function",
  s3: "S3 bucket",
  sqs: "queue",
};

export const anyKind = (service: string): string => ANY[service] ?? `${serviceName(service)} resource`;

const READS: Readonly<Record<string, string>> = {
  "cloudformation:ValidateTemplate": "templates",
  "s3:ListAllMyBuckets": "buckets",
  "sts:GetCallerIdentity": "its own identity",
};

/** `stack resources` of `cloudformation:ListStackResources`: what a safe read shows, as a plural. */
export function seenBy(action: string): string {
  const known = READS[action];
  if (known !== undefined) return known;
  const name = action.slice(action.indexOf(":") + 1);
  const words = name
    .replace(/^(?:BatchGet|BatchDescribe|Describe|List|Get|Detect|Validate|Estimate|Lookup)(?=[A-Z])/, "")
    .replace(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, " ")
    .split(" ")
    .map((word) => (/^(?:[A-Z][a-z0-9]*)$/.test(word) ? word.toLowerCase() : word))
    .join(" ");
  if (words === "") return name;
  return /(?:s|data|history|health)$/.test(words) ? words : words.replace(/y$/, "ie").concat("s");
}
