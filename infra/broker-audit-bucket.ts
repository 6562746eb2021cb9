/**
 * The bucket that the audit log is exported to, which takes no changes: Object Lock, and a policy that takes locked
 * objects from the broker alone. Outlives the broker. Must never have a lifecycle rule that deletes.
 *
 * Encrypted with S3's own keys on purpose: Object Lock keeps an object from being deleted, and not a key of ours, without
 * which nobody could read it. What is in it is not secret from those who may read the bucket.
 */
import { Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { AnyPrincipal, Effect, PolicyStatement, type IRole } from "aws-cdk-lib/aws-iam";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  ObjectLockRetention,
  ObjectOwnership,
  type CfnBucket,
} from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { BrokerLogBucket } from "./broker-log-bucket.ts";

export interface BrokerAuditBucketProps {
  /** For how long nobody can delete what was exported, the root user included. Can never be undone. */
  readonly retentionDays: number;
}

/** What the export writes; see docs/audit-export.md. */
const WRITTEN = ["entries/*", "checkpoints/*"];

export class BrokerAuditBucket extends Construct {
  readonly bucket: Bucket;
  readonly retentionDays: number;

  constructor(scope: Construct, id: string, { retentionDays }: BrokerAuditBucketProps) {
    super(scope, id);
    this.retentionDays = retentionDays;
    // Access logs are let in by the bucket's policy; by default the CDK still does it with an ACL, which is off here.
    this.node.setContext("@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy", true);
    const logs = new BrokerLogBucket(this, "AccessLogs");
    this.bucket = new Bucket(this, "Bucket", {
      objectLockEnabled: true,
      // The broker says it of each object; this is for whatever else is put here.
      objectLockDefaultRetention: ObjectLockRetention.compliance(Duration.days(retentionDays)),
      versioned: true,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      serverAccessLogsBucket: logs.bucket,
      serverAccessLogsPrefix: "audit/",
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  /** Makes this role the only one that may put anything, and only under a lock. It may delete nothing. */
  acceptFrom(role: IRole): void {
    const objects = WRITTEN.map((name) => this.bucket.arnForObjects(name));
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ["s3:PutObject", "s3:PutObjectRetention", "s3:GetObject"],
        resources: objects,
      }),
    );
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ["s3:ListBucket"],
        resources: [this.bucket.bucketArn],
        conditions: { StringLike: { "s3:prefix": "checkpoints/*" } },
      }),
    );
    const bucket = Stack.of(this).getLogicalId(this.bucket.node.defaultChild as CfnBucket);
    for (const name of WRITTEN) {
      Validations.of(role).acknowledge({
        id: `AwsSolutions-IAM5[Resource::<${bucket}.Arn>/${name}]`,
        reason:
          "The export names each object by the entries it holds, so the names are not known before; they are below these two folders of this one bucket, and Object Lock keeps what is there from being written over.",
      });
    }
    this.deny("TakeNothingUnlocked", ["s3:PutObject"], { Null: { "s3:object-lock-mode": "true" } });
    this.deny("TakeNothingFromOthers", ["s3:PutObject"], {
      ArnNotEquals: { "aws:PrincipalArn": role.roleArn },
    });
    this.deny("DeleteNothing", ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]);
  }

  private deny(
    sid: string,
    actions: string[],
    conditions: Record<string, Record<string, string>> = {},
  ): void {
    this.bucket.addToResourcePolicy(
      new PolicyStatement({
        sid,
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions,
        resources: [this.bucket.arnForObjects("*")],
        conditions,
      }),
    );
  }
}
