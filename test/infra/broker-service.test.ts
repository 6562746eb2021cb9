/** The stack of the broker's service: what it must be whoever changes it. */
import { Match, Template } from "aws-cdk-lib/assertions";
import { expect, test } from "vitest";
import { brokerImage } from "../../infra/broker-image.ts";
import { SETTINGS } from "../../src/config.ts";
import { IMAGE, serviceStack } from "./broker-world.ts";
import { nagFindings, suppressions } from "./nag.ts";
import { kept, list, resourcesOf, statementsOf } from "./template.ts";

const stack = serviceStack();
const template = Template.fromStack(stack);

interface Container {
  readonly Environment: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly Secrets: readonly { readonly Name: string; readonly ValueFrom: unknown }[];
}

const [task] = resourcesOf(template, "AWS::ECS::TaskDefinition");
const [container] = task?.Properties["ContainerDefinitions"] as readonly Container[];

test("the stack is as it was reviewed", () => {
  expect(kept(stack)).toMatchSnapshot();
});

test("AWS Solutions finds nothing that has no reason", () => {
  expect(nagFindings(stack)).toEqual([]);
  expect(suppressions(stack).filter(({ reason }) => reason.length < 80)).toEqual([]);
});

test("the broker runs without a shell's user, a writable file system or a capability", () => {
  template.hasResourceProperties("AWS::ECS::TaskDefinition", {
    NetworkMode: "awsvpc",
    ContainerDefinitions: [
      Match.objectLike({
        Image: IMAGE,
        User: "65532",
        Privileged: false,
        ReadonlyRootFilesystem: true,
        LinuxParameters: { Capabilities: { Drop: ["ALL"] } },
      }),
    ],
    Volumes: Match.absent(),
  });
});

test("two brokers at least run, none has a public address or a way in for a shell, and a bad deployment is taken back", () => {
  template.hasResourceProperties("AWS::ECS::Service", {
    DesiredCount: 2,
    EnableExecuteCommand: false,
    DeploymentConfiguration: {
      MinimumHealthyPercent: 100,
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
    },
    NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: "DISABLED" } },
  });
  expect(() => serviceStack({ tasks: 1 })).toThrow("two at least");
});

test("a stopping broker has time to answer what it accepted and to export its log", () => {
  // Twice the grace of 20 s: requests, then the last export.
  template.hasResourceProperties("AWS::ECS::TaskDefinition", {
    ContainerDefinitions: [Match.objectLike({ StopTimeout: 60 })],
  });
  template.hasResourceProperties("AWS::ElasticLoadBalancingV2::TargetGroup", {
    TargetGroupAttributes: Match.arrayWith([{ Key: "deregistration_delay.timeout_seconds", Value: "30" }]),
    HealthCheckPath: "/readyz",
  });
});

test("the one way in is internal, speaks TLS 1.3 and lets in the named networks alone", () => {
  template.hasResourceProperties("AWS::ElasticLoadBalancingV2::LoadBalancer", {
    Scheme: "internal",
    LoadBalancerAttributes: Match.arrayWith([
      { Key: "deletion_protection.enabled", Value: "true" },
      { Key: "routing.http.drop_invalid_header_fields.enabled", Value: "true" },
      { Key: "access_logs.s3.enabled", Value: "true" },
    ]),
  });
  template.resourceCountIs("AWS::ElasticLoadBalancingV2::Listener", 1);
  template.hasResourceProperties("AWS::ElasticLoadBalancingV2::Listener", {
    Port: 443,
    Protocol: "HTTPS",
    SslPolicy: "ELBSecurityPolicy-TLS13-1-3-2021-06",
  });
  const open = resourcesOf(template, "AWS::EC2::SecurityGroup").flatMap(
    ({ Properties }) => (Properties["SecurityGroupIngress"] ?? []) as { CidrIp: string; FromPort: number }[],
  );
  expect(open.map(({ CidrIp, FromPort }) => [CidrIp, FromPort])).toEqual([["10.0.0.0/8", 443]]);
});

test("a broker that anybody, or nobody, could reach is not made", () => {
  expect(() => serviceStack({ clientCidrs: ["0.0.0.0/0"] })).toThrow("everybody");
  expect(() => serviceStack({ clientCidrs: [] })).toThrow("Nobody could reach");
});

test("the image is one of ECR by its digest, and may be pulled from that repository alone", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  expect(
    brokerImage(`444455556666.dkr.ecr.eu-west-1.amazonaws.com/team/twokey@${digest}`).repositoryArn,
  ).toBe("arn:aws:ecr:eu-west-1:444455556666:repository/team/twokey");
  const others = [
    "444455556666.dkr.ecr.eu-west-1.amazonaws.com/twokey:latest",
    "444455556666.dkr.ecr.eu-west-1.amazonaws.com/twokey",
    `docker.io/library/twokey@${digest}`,
    `444455556666.dkr.ecr.eu-west-1.amazonaws.com.evil.example/twokey@${digest}`,
  ];
  for (const uri of others) expect(() => brokerImage(uri), uri).toThrow("a tag may change");
});

test("every variable the broker is given is a setting it knows", () => {
  const known = Object.values(SETTINGS).map(({ env }) => env as string);
  const given = [...(container?.Environment ?? []), ...(container?.Secrets ?? [])].map(({ Name }) => Name);
  expect(given.filter((name) => !known.includes(name))).toEqual(["AWS_REGION"]);
});

test("what is secret reaches the broker from Secrets Manager, and nothing secret stands in clear", () => {
  expect(container?.Secrets.map(({ Name }) => Name)).toEqual([
    "TWOKEY_AUDIT_KEY",
    "TWOKEY_OPERATOR_TOKEN",
    "TWOKEY_WATCH_TOKEN",
  ]);
  const clear = container?.Environment.map(({ Name }) => Name) ?? [];
  expect(clear.filter((name) => /SECRET|TOKEN|PASSWORD|_KEY|SMTP|WEBHOOK/.test(name))).toEqual([]);
  const url = JSON.stringify(container?.Environment.find(({ Name }) => Name === "TWOKEY_DATABASE_URL"));
  expect(url).toContain("postgres://twokey@");
  expect(url).toContain("?sslmode=verify-full&sslrootcert=/app/rds-ca.pem");
});

test("a variable that is no setting of the broker is refused: NODE_OPTIONS is code", () => {
  expect(() => serviceStack({ settings: { NODE_OPTIONS: "--import=data:..." } })).toThrow("NODE_OPTIONS");
  expect(() => serviceStack({ secretSettings: { AWS_ACCESS_KEY_ID: "arn" } })).toThrow("AWS_ACCESS_KEY_ID");
});

test("no setting of the caller takes the place of one that the stack decides", () => {
  const changed = Template.fromStack(serviceStack({ settings: { TWOKEY_DATABASE_AUTH: "password" } }));
  changed.hasResourceProperties("AWS::ECS::TaskDefinition", {
    ContainerDefinitions: [
      Match.objectLike({ Environment: Match.arrayWith([{ Name: "TWOKEY_DATABASE_AUTH", Value: "iam" }]) }),
    ],
  });
});

test("what starts a task may pull, read these secrets and log, and nothing else", () => {
  const statements = statementsOf(template, "ExecutionRole");
  expect([...new Set(statements.flatMap(({ Action }) => list(Action)))].sort()).toEqual([
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "kms:Decrypt",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "secretsmanager:GetSecretValue",
  ]);
  const everything = statements.filter(({ Resource }) => list(Resource).includes("*"));
  expect(everything.map(({ Action }) => Action)).toEqual(["ecr:GetAuthorizationToken"]);
});

test("the service gives the broker's role nothing: what it may do stands in one place", () => {
  const given = resourcesOf(template, "AWS::IAM::Policy").map(({ id }) =>
    id.replace(/RoleDefaultPolicy.*/, ""),
  );
  expect(given).toEqual(["Execution", "Relay"]);
});

test("every alarm is told, and again when it is over, on an encrypted topic that takes TLS alone", () => {
  const alarms = resourcesOf(template, "AWS::CloudWatch::Alarm");
  expect(alarms.length).toBeGreaterThanOrEqual(13);
  for (const { Properties } of alarms) {
    expect(Properties["AlarmActions"]).toHaveLength(1);
    expect(Properties["OKActions"]).toEqual(Properties["AlarmActions"]);
  }
  template.hasResourceProperties("AWS::SNS::Topic", { KmsMasterKeyId: Match.anyValue() });
  template.hasResourceProperties("AWS::SNS::TopicPolicy", {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
      ]),
    },
  });
});

test("no word from the load balancer about ready brokers counts as too few of them", () => {
  template.hasResourceProperties("AWS::CloudWatch::Alarm", {
    MetricName: "HealthyHostCount",
    Threshold: 2,
    ComparisonOperator: "LessThanThreshold",
    TreatMissingData: "breaching",
  });
});
