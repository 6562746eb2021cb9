/**
 * Watch's way into the broker's audit log: a function in the broker's network that takes alarms from the topics and posts
 * each to the internal load balancer. It has Watch's token and nothing else of the broker's.
 *
 * A function, and not EventBridge's own API destination: that one reaches a private address by a VPC Lattice resource
 * alone, and what it makes of a certificate for another name could not be tried. The topic itself is the first way to
 * people; this is the second, and an alarm that does not get through it waits in a queue that alarms.
 */
import { ArnFormat, Duration, Stack, Validations } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { Port, SecurityGroup, type ISecurityGroup, type IVpc } from "aws-cdk-lib/aws-ec2";
import { Effect, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnPermission, Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { CfnSubscription, type ITopic } from "aws-cdk-lib/aws-sns";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface WatchRelayProps {
  readonly vpc: IVpc;
  /** Reaches AWS services. */
  readonly clients: ISecurityGroup;
  /** Of the load balancer. */
  readonly front: SecurityGroup;
  readonly balancerHost: string;
  /** The name in its certificate. */
  readonly brokerHost: string;
  readonly tokenSecretArn: string;
  /** That the secret is under. */
  readonly keyArn: string;
  /** Of the Watch stacks, in any account and region. */
  readonly watchTopicArns: readonly string[];
  /** Where it is told that alarms do not get through. */
  readonly alarms: ITopic;
}

const SOURCE = readFileSync(join(import.meta.dirname, "watch-relay.cjs"), "utf8");
const KEPT = Duration.days(14);

export class WatchRelay extends Construct {
  constructor(scope: Construct, id: string, props: WatchRelayProps) {
    super(scope, id);
    const group = new SecurityGroup(this, "Group", {
      vpc: props.vpc,
      description: "Twokey: relay of alarms",
      allowAllOutbound: false,
    });
    props.front.addIngressRule(group, Port.tcp(443), "Alarms of Watch");
    group.addEgressRule(props.front, Port.tcp(443), "The load balancer");
    const lost = new Queue(this, "Lost", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: KEPT,
    });
    Validations.of(lost).acknowledge({
      id: "AwsSolutions-SQS3",
      reason:
        "This is the dead-letter queue itself: what reaches it was tried three times, waits two weeks for a person, and alarms from the first message on.",
    });
    const relay = this.relay(props, group, lost);
    for (const [index, topicArn] of props.watchTopicArns.entries()) this.subscribe(relay, topicArn, index);
    const alarm = new Alarm(this, "NotRecorded", {
      metric: lost.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(1),
        statistic: "Maximum",
      }),
      alarmDescription: "Twokey: an alarm of Watch did not reach the audit log",
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(props.alarms));
    alarm.addOkAction(new SnsAction(props.alarms));
  }

  private relay(props: WatchRelayProps, group: SecurityGroup, lost: Queue): LambdaFunction {
    const log = new LogGroup(this, "Log", { retention: RetentionDays.ONE_YEAR });
    const relay = new LambdaFunction(this, "Relay", {
      description: "Twokey: reports alarms of Watch to the broker",
      runtime: Runtime.NODEJS_24_X,
      handler: "index.handler",
      code: Code.fromInline(SOURCE),
      timeout: Duration.seconds(30),
      memorySize: 256,
      role: this.roleOf(props, log, lost),
      logGroup: log,
      vpc: props.vpc,
      vpcSubnets: { subnetGroupName: "service" },
      securityGroups: [group, props.clients],
      deadLetterQueue: lost,
      retryAttempts: 2,
      environment: {
        BROKER_HOST: props.brokerHost,
        BALANCER_HOST: props.balancerHost,
        TOKEN_SECRET: props.tokenSecretArn,
      },
    });
    return relay;
  }

  private roleOf({ tokenSecretArn, keyArn }: WatchRelayProps, log: LogGroup, lost: Queue): Role {
    const { account, region } = Stack.of(this);
    const role = new Role(this, "Role", {
      description: "Twokey: the relay of alarms",
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    });
    const allow = (actions: string[], resources: string[], conditions = {}): void => {
      role.addToPolicy(new PolicyStatement({ actions, resources, conditions }));
    };
    allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log.logGroupArn]);
    allow(["sqs:SendMessage"], [lost.queueArn]);
    allow(["secretsmanager:GetSecretValue"], [tokenSecretArn]);
    allow(["kms:Decrypt"], [keyArn], {
      StringEquals: { "kms:ViaService": `secretsmanager.${region}.amazonaws.com` },
    });
    // Lambda makes the function's network interfaces in its name. None of these takes a resource of ours.
    allow(
      [
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
      ],
      ["*"],
    );
    // And the function itself must not: only Lambda, before the code runs.
    role.addToPolicy(
      new PolicyStatement({
        effect: Effect.DENY,
        actions: ["ec2:*"],
        resources: ["*"],
        conditions: {
          ArnLike: { "lambda:SourceFunctionArn": `arn:aws:lambda:${region}:${account}:function:*` },
        },
      }),
    );
    Validations.of(role).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason:
        "Lambda attaches a function to a network with these six calls, whose resources have no names before they are made; a Deny on lambda:SourceFunctionArn keeps the function's own code from every one of them.",
    });
    return role;
  }

  private subscribe(relay: LambdaFunction, topicArn: string, index: number): void {
    const { region } = Stack.of(this).splitArn(topicArn, ArnFormat.NO_RESOURCE_NAME);
    const permission = new CfnPermission(this, `From${index}`, {
      action: "lambda:InvokeFunction",
      functionName: relay.functionArn,
      principal: "sns.amazonaws.com",
      sourceArn: topicArn,
    });
    const subscription = new CfnSubscription(this, `Topic${index}`, {
      topicArn,
      protocol: "lambda",
      endpoint: relay.functionArn,
      // Of the topic, which may be another than this stack's.
      ...(region === undefined ? {} : { region }),
    });
    subscription.node.addDependency(permission);
  }
}
