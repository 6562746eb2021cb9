/**
 * The broker's one way in: an internal load balancer that speaks TLS 1.3 to agents and people. Behind it the broker
 * speaks plain HTTP, inside the VPC and to this load balancer's security group alone.
 */
import { Duration } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { Peer, Port, SecurityGroup, type IVpc } from "aws-cdk-lib/aws-ec2";
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ApplicationTargetGroup,
  DesyncMitigationMode,
  SslPolicy,
  TargetType,
  type ApplicationListener,
} from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { Construct } from "constructs";
import { BrokerLogBucket } from "./broker-log-bucket.ts";

export interface BrokerLoadBalancerProps {
  readonly vpc: IVpc;
  /** Of ACM, for the name in `publicUrl`. */
  readonly certificateArn: string;
  /** Networks that agents and people come from. */
  readonly clientCidrs: readonly string[];
  /** Of the broker's tasks. */
  readonly port: number;
}

/** A stopping broker finishes accepted requests within 20 s; until then it keeps its connections. */
const DRAIN = Duration.seconds(30);
/** Streams of events beat every 20 s. */
const IDLE = Duration.seconds(60);

export class BrokerLoadBalancer extends Construct {
  readonly balancer: ApplicationLoadBalancer;
  readonly targets: ApplicationTargetGroup;
  readonly listener: ApplicationListener;
  readonly group: SecurityGroup;

  constructor(scope: Construct, id: string, props: BrokerLoadBalancerProps) {
    super(scope, id);
    const { vpc, certificateArn, port } = props;
    this.group = this.groupFor(props);
    this.balancer = new ApplicationLoadBalancer(this, "Balancer", {
      vpc,
      vpcSubnets: { subnetGroupName: "service" },
      internetFacing: false,
      securityGroup: this.group,
      deletionProtection: true,
      dropInvalidHeaderFields: true,
      desyncMitigationMode: DesyncMitigationMode.STRICTEST,
      idleTimeout: IDLE,
    });
    this.balancer.logAccessLogs(new BrokerLogBucket(this, "AccessLogs").bucket, "load-balancer");
    this.targets = new ApplicationTargetGroup(this, "Targets", {
      vpc,
      port,
      protocol: ApplicationProtocol.HTTP,
      targetType: TargetType.IP,
      deregistrationDelay: DRAIN,
      // 503 while it stops or its record cannot be written: requests go to another.
      healthCheck: {
        path: "/readyz",
        healthyHttpCodes: "200",
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 2,
      },
    });
    this.listener = this.balancer.addListener("Https", {
      port: 443,
      protocol: ApplicationProtocol.HTTPS,
      certificates: [Certificate.fromCertificateArn(this, "Certificate", certificateArn)],
      sslPolicy: SslPolicy.TLS13_13,
      defaultTargetGroups: [this.targets],
      // Its default would let the whole internet in, were it ever to be reached from there.
      open: false,
    });
  }

  private groupFor({ vpc, clientCidrs }: BrokerLoadBalancerProps): SecurityGroup {
    if (clientCidrs.length === 0)
      throw new Error("Nobody could reach the broker: name the networks that may");
    const group = new SecurityGroup(this, "Group", {
      vpc,
      description: "Twokey: the load balancer",
      allowAllOutbound: false,
    });
    for (const cidr of clientCidrs) {
      if (cidr.endsWith("/0"))
        throw new Error(`${cidr} is everybody: name the networks that may reach the broker`);
      group.addIngressRule(Peer.ipv4(cidr), Port.tcp(443), "Agents and people");
    }
    return group;
  }
}
