/** Other people's clients, unmodified: boto3 and the AWS CLI, told of this AWS by AWS_ENDPOINT_URL alone. */
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { ADMIN_KEYS, type Keys, startWorld, SERVICE_ROLE } from "./world.ts";

const run = promisify(execFile);
const here = (command: string, ...args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;
const boto3 = here("python3", "-c", "import boto3");
const cli = here("aws", "--version");

const environment = (url: string, keys: Keys): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  AWS_ENDPOINT_URL: url,
  AWS_REGION: "us-east-1",
  AWS_DEFAULT_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: keys.accessKeyId,
  AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  AWS_EC2_METADATA_DISABLED: "true",
});

const PYTHON = `
import boto3, json, botocore.exceptions as e
def code(call, **kw):
    try: call(**kw); return "no error"
    except e.ClientError as x: return x.response["Error"]["Code"]
sts = boto3.client("sts"); role = "arn:aws:iam::111122223333:role/twokey/operator"
out = {"refused": code(sts.assume_role, RoleArn=role, RoleSessionName="xx")}
iam = boto3.client("iam")
iam.update_assume_role_policy(RoleName="operator", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}]}))
out["trust"] = iam.get_role(RoleName="operator")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
policy = json.dumps({"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "*", "Resource": "*"},
  {"Effect": "Deny", "Action": "cloudformation:DeleteStack", "Resource": "*",
   "Condition": {"StringNotEquals": {"aws:ResourceTag/environment": "staging"}}}]})
got = sts.assume_role(RoleArn=role, RoleSessionName="orders-ci", Policy=policy, SourceIdentity="tks-1",
  Tags=[{"Key": "twokey:principal", "Value": "ai-agent"}], TransitiveTagKeys=["twokey:principal"])
c = got["Credentials"]; out["source"] = got["SourceIdentity"]; out["packed"] = 0 < got["PackedPolicySize"] < 100
s = boto3.Session(aws_access_key_id=c["AccessKeyId"], aws_secret_access_key=c["SecretAccessKey"], aws_session_token=c["SessionToken"])
out["arn"] = s.client("sts").get_caller_identity()["Arn"]
cfn = s.client("cloudformation")
out["stacks"] = sorted(x["StackName"] for x in cfn.describe_stacks()["Stacks"])
out["resource"] = cfn.describe_stack_resources(StackName="orders-production")["StackResources"][0]["PhysicalResourceId"]
out["template"] = list(cfn.get_template(StackName="orders-production")["TemplateBody"]["Resources"])
for name in ["production", "untagged", "staging"]:
    out[name] = code(cfn.delete_stack, StackName="orders-" + name)
out["dynamodb"] = code(s.client("dynamodb").delete_table, TableName="orders")
out["sqs"] = code(s.client("sqs").list_queues)
out["ec2"] = code(s.client("ec2").describe_instances)
out["s3"] = code(s.client("s3").get_object, Bucket="b", Key="a b/c")
out["s3put"] = code(s.client("s3").put_object, Bucket="b", Key="k", Body=b"x")
out["lambda"] = code(s.client("lambda").get_function, FunctionName="f")
out["cloudwatch"] = code(s.client("cloudwatch").list_metrics)
print(json.dumps(out))
`;

describe.skipIf(!boto3)("boto3 (skipped where python3 has no boto3)", () => {
  test("assumes a fenced session, works with it, and reads every error", async () => {
    const world = await startWorld();
    const { stdout } = await run("python3", ["-c", PYTHON], { env: environment(world.url, ADMIN_KEYS) });
    const absent = "NotInLocalAws";
    expect(JSON.parse(stdout)).toEqual({
      refused: "AccessDenied",
      trust: { AWS: "111122223333" },
      source: "tks-1",
      packed: true,
      arn: "arn:aws:sts::111122223333:assumed-role/operator/orders-ci",
      stacks: ["orders-production", "orders-staging", "orders-untagged"],
      resource: "orders",
      template: ["Table", "Queue"],
      production: "AccessDenied",
      untagged: "AccessDenied",
      staging: "no error",
      dynamodb: absent,
      sqs: absent,
      ec2: absent,
      s3: absent,
      s3put: absent,
      lambda: absent,
      cloudwatch: absent,
    });
  });
});

describe.skipIf(!cli)("the AWS CLI (skipped where there is no aws command)", () => {
  test("describes, prepares, executes, waits and deletes", async () => {
    const world = await startWorld(undefined, { describesUntilComplete: 1 });
    const aws = async (...args: readonly string[]): Promise<unknown> => {
      const { stdout } = await run("aws", [...args, "--output", "json"], {
        env: environment(world.url, ADMIN_KEYS),
      });
      return stdout.trim() === "" ? null : JSON.parse(stdout);
    };
    expect(await aws("cloudformation", "describe-stacks", "--stack-name", "orders-staging")).toMatchObject({
      Stacks: [{ StackName: "orders-staging", StackStatus: "CREATE_COMPLETE", RoleARN: SERVICE_ROLE }],
    });
    const template = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n";
    await aws(
      ...["cloudformation", "create-change-set", "--stack-name", "orders-staging", "--change-set-name"],
      ...["twokey-1", "--template-body", template, "--role-arn", SERVICE_ROLE],
    );
    const described = await aws(
      ...["cloudformation", "describe-change-set", "--stack-name", "orders-staging"],
      ...["--change-set-name", "twokey-1"],
    );
    expect(described).toMatchObject({ Status: "CREATE_COMPLETE", ExecutionStatus: "AVAILABLE" });
    await aws(
      ...["cloudformation", "execute-change-set", "--stack-name", "orders-staging"],
      ...["--change-set-name", "twokey-1"],
    );
    await aws("cloudformation", "wait", "stack-update-complete", "--stack-name", "orders-staging");
    await aws("cloudformation", "delete-stack", "--stack-name", "orders-staging");
    await expect(aws("dynamodb", "list-tables")).rejects.toThrow("is not in local AWS");
    await expect(aws("sts", "get-session-token")).rejects.toThrow("is not in local AWS");
  });
});
