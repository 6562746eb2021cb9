/**
 * What can be deleted and made anew: the load balancer, the tasks and their alarms. All that lasts is in the data stack,
 * which it takes as it is; it changes nothing there.
 */
import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import { SecurityGroup, type ISecurityGroup } from "aws-cdk-lib/aws-ec2";
import { Role } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { BrokerAlarms } from "./broker-alarms.ts";
import type { BrokerDataStack } from "./broker-data-stack.ts";
import { DATABASE } from "./broker-database.ts";
import { BrokerExecutionRole } from "./broker-execution-role.ts";
import { brokerImage } from "./broker-image.ts";
import { BrokerLoadBalancer } from "./broker-load-balancer.ts";
import { BrokerOperations } from "./broker-operations.ts";
import { BrokerService } from "./broker-service.ts";
import { WatchRelay } from "./watch-relay.ts";

export interface BrokerServiceStackProps extends StackProps {
  readonly env: { readonly account: string; readonly region: string };
  readonly data: BrokerDataStack;
  /** `<account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<digest>`; the policy set is in it. */
  readonly imageUri: string;
  /** Where agents and people reach the broker, such as `https://twokey.example.com`; its name leads to the load balancer. */
  readonly publicUrl: string;
  /** Of ACM, for that name. */
  readonly certificateArn: string;
  /** Networks that agents and people come from. */
  readonly clientCidrs: readonly string[];
  /** Two at least. */
  readonly tasks: number;
  /** ARNs of the Watch stacks' topics, in any account and region, whose alarms go into the audit log. */
  readonly watchTopicArns?: readonly string[];
  /** More settings of docs/configuration.md that are not secret, by variable: `TWOKEY_OIDC_ISSUER`, … */
  readonly settings?: Readonly<Record<string, string>>;
  /** Those that are: by variable the whole ARN of a secret under the key of the data stack's own secrets. */
  readonly secretSettings?: Readonly<Record<string, string>>;
}

const PORT = 8787;
/** Where the Dockerfile puts it. */
const CA_BUNDLE = "/app/rds-ca.pem";

export class BrokerServiceStack extends Stack {
  constructor(scope: Construct, id: string, props: BrokerServiceStackProps) {
    super(scope, id, props);
    const { data, tasks } = props;
    const { vpc } = data.network;
    const clients = SecurityGroup.fromSecurityGroupId(this, "Clients", data.network.clients.securityGroupId, {
      mutable: false,
    });
    const operations = new BrokerOperations(this, "Operations");
    const front = new BrokerLoadBalancer(this, "Front", { ...props, vpc, port: PORT });
    const image = brokerImage(props.imageUri);
    const secrets = secretsOf(props);
    const execution = new BrokerExecutionRole(this, "Execution", {
      repositoryArn: image.repositoryArn,
      secretArns: Object.values(secrets),
      keyArns: [data.secrets.key.keyArn],
      logGroupArn: operations.log.logGroupArn,
    });
    const { service } = new BrokerService(this, "Broker", {
      vpc,
      clients,
      tasks,
      secrets,
      port: PORT,
      imageUri: image.uri,
      log: operations.log,
      // As they stand: ECS would otherwise add to the role of another stack, and to each of them what it has.
      taskRole: Role.fromRoleArn(this, "TaskRole", data.broker.role.roleArn, { mutable: false }),
      executionRole: execution.role.withoutPolicyUpdates(),
      environment: environmentOf(props),
    });
    // A task must not start before it may read what it starts with.
    service.node.addDependency(execution);
    service.attachToApplicationTargetGroup(front.targets);
    // ECS takes no target group that no listener leads to.
    service.node.addDependency(front.listener);
    this.relayAlarms(props, front, operations, clients);
    new BrokerAlarms(this, "Watched", {
      topic: operations.alarms,
      balancer: front.balancer,
      targets: front.targets,
      database: data.database.cluster,
      log: operations.log,
      tasks,
    });
    new CfnOutput(this, "LoadBalancer", { value: front.balancer.loadBalancerDnsName });
    new CfnOutput(this, "AlarmTopic", { value: operations.alarms.topicArn });
  }

  private relayAlarms(
    { data, publicUrl, watchTopicArns = [] }: BrokerServiceStackProps,
    front: BrokerLoadBalancer,
    operations: BrokerOperations,
    clients: ISecurityGroup,
  ): void {
    if (watchTopicArns.length === 0) return;
    new WatchRelay(this, "Relay", {
      vpc: data.network.vpc,
      clients,
      front: front.group,
      balancerHost: front.balancer.loadBalancerDnsName,
      brokerHost: new URL(publicUrl).hostname,
      tokenSecretArn: data.secrets.watchToken.secretArn,
      keyArn: data.secrets.key.keyArn,
      watchTopicArns,
      alarms: operations.alarms,
    });
  }
}

function environmentOf({
  data,
  publicUrl,
  settings = {},
  env,
}: BrokerServiceStackProps): Record<string, string> {
  const { hostname, port } = data.database.cluster.clusterEndpoint;
  const { bucket, retentionDays } = data.audit;
  return {
    ...onlySettings(settings),
    AWS_REGION: env.region,
    TWOKEY_LISTEN: `0.0.0.0:${PORT}`,
    TWOKEY_TLS_IS_TERMINATED_IN_FRONT: "true",
    TWOKEY_PUBLIC_URL: publicUrl,
    TWOKEY_POLICIES: "/app/policies",
    TWOKEY_DATABASE_URL: `postgres://${DATABASE}@${hostname}:${port}/${DATABASE}?sslmode=verify-full&sslrootcert=${CA_BUNDLE}`,
    TWOKEY_DATABASE_AUTH: "iam",
    // The one STS that has an endpoint in this network.
    TWOKEY_STS_REGION: env.region,
    TWOKEY_AUDIT_EXPORT: `s3://${bucket.bucketName}`,
    TWOKEY_AUDIT_EXPORT_RETENTION: `${retentionDays}d`,
    TWOKEY_AUDIT_EXPORT_MODE: "compliance",
    TWOKEY_SHUTDOWN_GRACE: "20s",
  };
}

function secretsOf({ data, secretSettings = {} }: BrokerServiceStackProps): Record<string, string> {
  return {
    ...onlySettings(secretSettings),
    TWOKEY_AUDIT_KEY: data.secrets.auditKey.secretArn,
    TWOKEY_OPERATOR_TOKEN: data.secrets.operatorToken.secretArn,
    TWOKEY_WATCH_TOKEN: data.secrets.watchToken.secretArn,
  };
}

/** Anything else would reach Node itself, or the AWS SDK: `NODE_OPTIONS` is code. */
function onlySettings(named: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const other = Object.keys(named).find((name) => !/^TWOKEY_[A-Z_]+$/.test(name));
  if (other !== undefined) throw new Error(`${other} is no setting of the broker`);
  return named;
}
