/**
 * The record's database: Aurora Serverless v2 in two zones, entered with IAM tokens over TLS. Outlives every service that
 * uses it: it is protected from deletion, kept when the stack goes, and restorable to any second of the last 35 days.
 * Must never have an address outside its network.
 */
import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { Port, SecurityGroup, type IVpc } from "aws-cdk-lib/aws-ec2";
import type { IRole } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import {
  AuroraPostgresEngineVersion,
  ClusterInstance,
  DatabaseCluster,
  DatabaseClusterEngine,
} from "aws-cdk-lib/aws-rds";
import { Construct } from "constructs";

export interface BrokerDatabaseProps {
  readonly vpc: IVpc;
  /** Who may connect. */
  readonly clients: SecurityGroup;
  /** Aurora capacity units. The least is what is paid for at night. */
  readonly capacity: { readonly min: number; readonly max: number };
}

/** Of the database and of the broker's user in it. */
export const DATABASE = "twokey";

const PORT = 5432;
/** The longest there is. */
const RESTORABLE = Duration.days(35);

export class BrokerDatabase extends Construct {
  readonly cluster: DatabaseCluster;

  constructor(scope: Construct, id: string, props: BrokerDatabaseProps) {
    super(scope, id);
    const { vpc, clients, capacity } = props;
    const key = new Key(this, "Key", {
      description: "Twokey: the record at rest",
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const group = new SecurityGroup(this, "Group", {
      vpc,
      description: "Twokey: the database",
      allowAllOutbound: false,
    });
    group.addIngressRule(clients, Port.tcp(PORT), "From the broker");
    clients.addEgressRule(group, Port.tcp(PORT), "The database");
    this.cluster = new DatabaseCluster(this, "Cluster", {
      engine: DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_17_9 }),
      writer: ClusterInstance.serverlessV2("Writer", { publiclyAccessible: false }),
      // Without it the loss of the writer's zone stops every mint until another writer is made.
      readers: [ClusterInstance.serverlessV2("Reader", { publiclyAccessible: false, scaleWithWriter: true })],
      serverlessV2MinCapacity: capacity.min,
      serverlessV2MaxCapacity: capacity.max,
      vpc,
      vpcSubnets: { subnetGroupName: "database" },
      securityGroups: [group],
      port: PORT,
      defaultDatabaseName: DATABASE,
      iamAuthentication: true,
      // Made and rotated by RDS, and never in a template: only whoever makes the broker's user needs it.
      manageMasterUserPassword: true,
      storageEncrypted: true,
      storageEncryptionKey: key,
      backup: { retention: RESTORABLE },
      copyTagsToSnapshot: true,
      deletionProtection: true,
      deleteAutomatedBackups: false,
      removalPolicy: RemovalPolicy.RETAIN,
      parameters: { "rds.force_ssl": "1", log_connections: "1", log_disconnections: "1" },
      cloudwatchLogsExports: ["postgresql"],
    });
    Validations.of(this.cluster).acknowledge({
      id: "AwsSolutions-RDS11",
      reason:
        "The port keeps nobody out and is meant to keep nobody out: the security group lets the broker's tasks in and nobody else, and they need a token of IAM's.",
    });
  }

  /** Lets a role enter as the broker's user. */
  grantConnect(role: IRole): void {
    this.cluster.grantConnect(role, DATABASE);
  }
}
