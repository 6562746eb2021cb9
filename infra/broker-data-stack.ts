/**
 * What outlives the broker's service: its network, the record's database, the audit log's bucket, its keys, and the role
 * that the AI roles trust. The service can be deleted and made anew beside it.
 */
import { CfnOutput, Fn, Stack, type StackProps } from "aws-cdk-lib";
import { PolicyStatement, AnyPrincipal } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { BrokerAuditBucket } from "./broker-audit-bucket.ts";
import { BrokerDatabase } from "./broker-database.ts";
import { BrokerNetwork, type BrokerNetworkProps } from "./broker-network.ts";
import { BrokerSecrets } from "./broker-secrets.ts";
import { BrokerTaskRole, type AiRole } from "./broker-task-role.ts";

export interface BrokerDataStackProps extends StackProps {
  /** Named: what the roles and endpoints say depends on both. */
  readonly env: { readonly account: string; readonly region: string };
  readonly network: BrokerNetworkProps;
  readonly databaseCapacity: { readonly min: number; readonly max: number };
  /** For how long the audit bucket keeps what is exported. Can be lengthened, never shortened. */
  readonly auditRetentionDays: number;
  readonly aiRoles: readonly AiRole[];
}

export class BrokerDataStack extends Stack {
  readonly network: BrokerNetwork;
  readonly database: BrokerDatabase;
  readonly audit: BrokerAuditBucket;
  readonly secrets: BrokerSecrets;
  readonly broker: BrokerTaskRole;

  constructor(scope: Construct, id: string, props: BrokerDataStackProps) {
    super(scope, id, { terminationProtection: true, ...props });
    this.network = new BrokerNetwork(this, "Network", props.network);
    const { vpc, clients } = this.network;
    this.database = new BrokerDatabase(this, "Database", {
      vpc,
      clients,
      capacity: props.databaseCapacity,
    });
    this.audit = new BrokerAuditBucket(this, "Audit", { retentionDays: props.auditRetentionDays });
    this.secrets = new BrokerSecrets(this, "Secrets");
    this.broker = new BrokerTaskRole(this, "Broker", { aiRoles: props.aiRoles });
    this.database.grantConnect(this.broker.role);
    this.audit.acceptFrom(this.broker.role);
    this.narrowS3();
    // What Watch knows the broker by: its name can be taken again, this cannot.
    new CfnOutput(this, "BrokerRoleId", { value: this.broker.role.roleId });
    new CfnOutput(this, "BrokerRoleArn", { value: this.broker.role.roleArn });
    new CfnOutput(this, "AuditKeySecret", { value: this.secrets.auditKey.secretArn });
    new CfnOutput(this, "DatabaseCluster", { value: this.database.cluster.clusterArn });
  }

  /** The zones as CloudFormation sees them: naming them would take a look-up. */
  override get availabilityZones(): string[] {
    return [0, 1].map((zone) => Fn.select(zone, Fn.getAzs()));
  }

  /** Through the endpoint, S3 is the audit bucket and the layers of images; no other bucket, whoever's credentials. */
  private narrowS3(): void {
    const { s3 } = this.network;
    const { bucket } = this.audit;
    s3.addToPolicy(
      new PolicyStatement({
        principals: [new AnyPrincipal()],
        actions: ["s3:PutObject", "s3:PutObjectRetention", "s3:GetObject", "s3:ListBucket"],
        resources: [bucket.bucketArn, bucket.arnForObjects("*")],
      }),
    );
    s3.addToPolicy(
      new PolicyStatement({
        principals: [new AnyPrincipal()],
        actions: ["s3:GetObject"],
        // Where ECR keeps images, as its documentation says.
        resources: [`arn:aws:s3:::prod-${this.region}-starport-layer-bucket/*`],
      }),
    );
  }
}
