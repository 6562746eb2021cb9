/**
 * The broker's network: two zones, no public address but a NAT gateway's, and AWS's own services by endpoints inside it.
 * Must never route anything in from the internet.
 *
 * What the endpoints do not reach is IAM (a global service: freezes put policies on roles there), the issuers' keys of
 * OIDC tokens, a provider people sign in with, webhooks, and services of other regions. A broker without a way out mints
 * and records all the same, but its freezes hold in the record alone. So a NAT gateway is a choice, stated, never a
 * default.
 */
import { RemovalPolicy } from "aws-cdk-lib";
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
  type GatewayVpcEndpoint,
  type IVpc,
} from "aws-cdk-lib/aws-ec2";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";

export interface BrokerNetworkProps {
  /** The VPC's range, such as `10.64.0.0/22`: one that the networks it is to be reached from do not use. */
  readonly cidr: string;
  /** Whether tasks reach the internet, by NAT gateways; see this file's head for what does not work without. */
  readonly internetEgress: boolean;
}

/** By name, so that each is one line of the bill. Secrets Manager is for the task's start and for Watch's relay. */
const ENDPOINTS = {
  Sts: InterfaceVpcEndpointAwsService.STS,
  CloudFormation: InterfaceVpcEndpointAwsService.CLOUDFORMATION,
  EcrApi: InterfaceVpcEndpointAwsService.ECR,
  EcrDocker: InterfaceVpcEndpointAwsService.ECR_DOCKER,
  Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  SecretsManager: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
} as const;

export class BrokerNetwork extends Construct {
  readonly vpc: IVpc;
  /** Whoever is in it may reach the endpoints and, where the database says so, the database. */
  readonly clients: SecurityGroup;
  /** For the policy of what may be reached in S3. */
  readonly s3: GatewayVpcEndpoint;

  constructor(scope: Construct, id: string, props: BrokerNetworkProps) {
    super(scope, id);
    const { cidr, internetEgress } = props;
    this.vpc = new Vpc(this, "Vpc", {
      ipAddresses: IpAddresses.cidr(cidr),
      maxAzs: 2,
      // One a zone: the loss of a zone must not take the other's way to IAM.
      natGateways: internetEgress ? 2 : 0,
      subnetConfiguration: [
        ...(internetEgress
          ? [{ name: "nat", subnetType: SubnetType.PUBLIC, cidrMask: 28, mapPublicIpOnLaunch: false }]
          : []),
        {
          name: "service",
          subnetType: internetEgress ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PRIVATE_ISOLATED,
          cidrMask: 26,
        },
        { name: "database", subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 27 },
      ],
    }) as IVpc;
    this.clients = this.clientGroup();
    this.s3 = this.vpc.addGatewayEndpoint("S3", { service: GatewayVpcEndpointAwsService.S3 });
    this.addEndpoints();
    this.logFlows();
  }

  private clientGroup(): SecurityGroup {
    const group = new SecurityGroup(this, "Clients", {
      vpc: this.vpc,
      description: "Twokey: reaches AWS services and the database",
      allowAllOutbound: false,
    });
    // To anywhere by address, since S3's are AWS's public ones; where that leads is the routes' business.
    group.addEgressRule(
      Peer.anyIpv4(),
      Port.tcp(443),
      "AWS services, and issuers where there is a NAT gateway",
    );
    return group;
  }

  private addEndpoints(): void {
    const group = new SecurityGroup(this, "Endpoints", {
      vpc: this.vpc,
      description: "Twokey: endpoints of AWS services",
      allowAllOutbound: false,
    });
    group.addIngressRule(this.clients, Port.tcp(443), "From the broker");
    for (const [name, service] of Object.entries(ENDPOINTS)) {
      this.vpc.addInterfaceEndpoint(name, {
        service,
        securityGroups: [group],
        // Its default would let the whole VPC in.
        open: false,
        subnets: { subnetGroupName: "service" },
      });
    }
  }

  private logFlows(): void {
    const logGroup = new LogGroup(this, "FlowLogs", {
      retention: RetentionDays.ONE_YEAR,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.vpc.addFlowLog("Flows", { destination: FlowLogDestination.toCloudWatchLogs(logGroup) });
  }
}
