/**
 * What the broker signs its log with, and the tokens of those who may stop things or report to it, in Secrets Manager
 * under a key of their own. Outlives the service: a log signed by another key is another log.
 *
 * No template knows a value. The signing key's secret is made empty, because CloudFormation cannot make an Ed25519 key
 * and must not see one: until somebody puts it there, no task starts.
 */
import { RemovalPolicy, Validations } from "aws-cdk-lib";
import { Key } from "aws-cdk-lib/aws-kms";
import { Secret, type CfnSecret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";

/** Characters, of 62: more than a digest has bits. */
const TOKEN_LENGTH = 48;

export class BrokerSecrets extends Construct {
  readonly key: Key;
  readonly auditKey: Secret;
  readonly operatorToken: Secret;
  readonly watchToken: Secret;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.key = new Key(this, "Key", {
      description: "Twokey: the broker's signing key and tokens",
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.auditKey = this.secret("AuditKey", "Twokey: Ed25519 key, PKCS #8 PEM, that signs the audit log");
    (this.auditKey.node.defaultChild as CfnSecret).generateSecretString = undefined;
    this.operatorToken = this.secret("OperatorToken", "Twokey: token of whoever may freeze and read the log");
    this.watchToken = this.secret("WatchToken", "Twokey: token of what reports alarms to the broker");
    for (const secret of [this.auditKey, this.operatorToken, this.watchToken]) {
      Validations.of(secret).acknowledge({
        id: "AwsSolutions-SMG4",
        reason:
          "Rotation is a decision, not a schedule: the log's verifiers and witnesses keep its public key, and the broker reads both tokens once, when it starts. docs/broker-on-aws.md says how each is changed.",
      });
    }
  }

  private secret(id: string, description: string): Secret {
    return new Secret(this, id, {
      description,
      encryptionKey: this.key,
      generateSecretString: { passwordLength: TOKEN_LENGTH, excludePunctuation: true },
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}
