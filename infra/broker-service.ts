/**
 * The broker's tasks on Fargate: two at least, without a public address, a shell, a writable file system or a Linux
 * capability. A deployment that does not come up is taken back; the old tasks stay until the new ones are ready.
 */
import { Duration, Validations } from "aws-cdk-lib";
import { SecurityGroup, type ISecurityGroup, type IVpc } from "aws-cdk-lib/aws-ec2";
import {
  Capability,
  Cluster,
  ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargatePlatformVersion,
  FargateService,
  FargateTaskDefinition,
  LinuxParameters,
  LogDriver,
  OperatingSystemFamily,
  Secret as EcsSecret,
  type ContainerDefinition,
  type ICluster,
} from "aws-cdk-lib/aws-ecs";
import type { IRole } from "aws-cdk-lib/aws-iam";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";

export interface BrokerServiceProps {
  readonly vpc: IVpc;
  /** Reaches AWS services and the database. */
  readonly clients: ISecurityGroup;
  readonly taskRole: IRole;
  readonly executionRole: IRole;
  readonly log: ILogGroup;
  readonly imageUri: string;
  /** Two at least. */
  readonly tasks: number;
  readonly port: number;
  /** What the broker is told by its environment; none of it secret. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names of variables, and whole ARNs of the secrets whose value they get. */
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * The broker finishes accepted requests within 20 s of SIGTERM, then signs and exports the log for the last time within
 * another 20 s.
 */
const STOP = Duration.seconds(60);

/** The user `nonroot` of distroless images, as the Dockerfile says. */
const USER = "65532";

/** There is no shell to run it in. */
const probe = (port: number): string[] => [
  "CMD",
  "/nodejs/bin/node",
  "-e",
  `fetch("http://127.0.0.1:${port}/healthz").then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`,
];

export class BrokerService extends Construct {
  readonly service: FargateService;
  /** Of the tasks. */
  readonly group: SecurityGroup;

  constructor(scope: Construct, id: string, props: BrokerServiceProps) {
    super(scope, id);
    const { vpc, clients, tasks } = props;
    if (tasks < 2) throw new Error("One task is none while it is replaced: the broker runs on two at least");
    this.group = new SecurityGroup(this, "Group", {
      vpc,
      description: "Twokey: tasks of the broker",
      allowAllOutbound: false,
    });
    const cluster = new Cluster(this, "Cluster", {
      vpc,
      containerInsightsV2: ContainerInsights.ENABLED,
    }) as ICluster;
    this.service = new FargateService(this, "Service", {
      cluster,
      taskDefinition: this.taskDefinition(props),
      desiredCount: tasks,
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { enable: true, rollback: true },
      healthCheckGracePeriod: Duration.seconds(60),
      platformVersion: FargatePlatformVersion.VERSION1_4,
      vpcSubnets: { subnetGroupName: "service" },
      securityGroups: [this.group, clients],
      assignPublicIp: false,
      // A shell in a task would be a way to its credentials that the log does not know.
      enableExecuteCommand: false,
    });
  }

  private taskDefinition(props: BrokerServiceProps): FargateTaskDefinition {
    const definition = new FargateTaskDefinition(this, "Task", {
      cpu: 512,
      memoryLimitMiB: 1024,
      taskRole: props.taskRole,
      executionRole: props.executionRole,
      runtimePlatform: {
        cpuArchitecture: CpuArchitecture.X86_64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    this.container(definition, props).addPortMappings({ containerPort: props.port });
    Validations.of(definition).acknowledge({
      id: "@aws-cdk/aws-ecs:ecrImageRequiresPolicy",
      reason:
        "The CDK does not see it: broker-execution-role.ts lets the execution role pull from exactly the repository of this image.",
    });
    Validations.of(definition).acknowledge({
      id: "AwsSolutions-ECS2",
      reason:
        "What stands here in clear is addresses, names and durations, which the broker's documentation calls settings; the keys and tokens among its settings are secrets of Secrets Manager, and a test holds this list to that.",
    });
    return definition;
  }

  private container(definition: FargateTaskDefinition, props: BrokerServiceProps): ContainerDefinition {
    const linux = new LinuxParameters(this, "Linux");
    linux.dropCapabilities(Capability.ALL);
    const secrets = Object.entries(props.secrets).map(([name, arn]) => {
      const secret = Secret.fromSecretCompleteArn(this, name, arn);
      return [name, EcsSecret.fromSecretsManager(secret)] as const;
    });
    return definition.addContainer("broker", {
      image: ContainerImage.fromRegistry(props.imageUri),
      essential: true,
      user: USER,
      privileged: false,
      readonlyRootFilesystem: true,
      linuxParameters: linux,
      stopTimeout: STOP,
      environment: props.environment,
      secrets: Object.fromEntries(secrets),
      healthCheck: {
        command: probe(props.port),
        interval: Duration.seconds(15),
        timeout: Duration.seconds(5),
        retries: 3,
        startPeriod: Duration.seconds(60),
      },
      logging: LogDriver.awsLogs({ logGroup: props.log, streamPrefix: "broker" }),
    });
  }
}
