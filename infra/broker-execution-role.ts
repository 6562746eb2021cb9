/**
 * What ECS needs to start a task, and the broker itself never has: to pull this one image, hand over these secrets and
 * write to this log.
 */
import { Stack, Validations } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";

export interface BrokerExecutionRoleProps {
  readonly repositoryArn: string;
  readonly secretArns: readonly string[];
  /** Keys that those secrets are under. */
  readonly keyArns: readonly string[];
  readonly logGroupArn: string;
}

export class BrokerExecutionRole extends Construct {
  readonly role: Role;

  constructor(scope: Construct, id: string, props: BrokerExecutionRoleProps) {
    super(scope, id);
    const { account, region } = Stack.of(this);
    this.role = new Role(this, "Role", {
      description: "Twokey: starts the broker's tasks",
      assumedBy: new ServicePrincipal("ecs-tasks.amazonaws.com", {
        conditions: {
          StringEquals: { "aws:SourceAccount": account },
          ArnLike: { "aws:SourceArn": `arn:aws:ecs:${region}:${account}:*` },
        },
      }),
    });
    this.allow(["ecr:GetAuthorizationToken"], ["*"]);
    this.allow(
      ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
      [props.repositoryArn],
    );
    this.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [props.logGroupArn]);
    this.allow(["secretsmanager:GetSecretValue"], props.secretArns);
    this.allow(["kms:Decrypt"], props.keyArns, {
      StringEquals: { "kms:ViaService": `secretsmanager.${region}.amazonaws.com` },
    });
    Validations.of(this.role).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason:
        "ecr:GetAuthorizationToken takes no resource. The token it gives opens nothing by itself: which image may be pulled with it is the next statement, and that is one repository.",
    });
  }

  private allow(
    actions: readonly string[],
    resources: readonly string[],
    conditions: Record<string, Record<string, string>> = {},
  ): void {
    this.role.addToPolicy(
      new PolicyStatement({ actions: [...actions], resources: [...resources], conditions }),
    );
  }
}
