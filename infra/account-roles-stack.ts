/**
 * The AI roles of one target account, as a plain template without assets: it can be deployed by hand, by the CDK or as
 * a StackSet into every account of the same shape. Deploy it in the account's region of accounts.yaml.
 */
import { CfnOutput, CfnParameter, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { aiRoles } from "../src/policy/ai-roles.ts";
import type { ServedPolicy } from "../src/policy/serve.ts";
import type { Account } from "../src/policy/set.ts";
import { AiRole } from "./ai-role.ts";
import { ANY_BROKER, ANY_EXTERNAL_ID, BROKER_ARN } from "./placeholders.ts";

export interface AccountRolesProps extends StackProps {
  readonly served: ServedPolicy;
  readonly account: Account;
}

export class AccountRolesStack extends Stack {
  constructor(scope: Construct, id: string, { served, account, ...props }: AccountRolesProps) {
    super(scope, id, props);
    this.templateOptions.description =
      "Twokey: the roles that AI sessions and their stacks run as, each within a boundary.";
    new CfnParameter(this, "BrokerRoleArn", {
      description: "ARN of the IAM role the broker runs as; nobody else can assume the AI roles.",
      allowedPattern: BROKER_ARN,
    });
    new CfnParameter(this, "ExternalId", {
      description: "external_id of this account in accounts.yaml.",
      default: account.externalId,
      allowedPattern: "[A-Za-z0-9_+=,.@:/-]{2,1224}",
    });
    const roles = aiRoles(served, { ...account, externalId: ANY_EXTERNAL_ID }, ANY_BROKER);
    if (!roles.ok)
      throw new Error(roles.error.map(({ role, message, fix }) => `${role}: ${message}; ${fix}`).join("\n"));
    for (const shape of roles.value) {
      const { role } = new AiRole(this, logicalId(shape.arn), { shape, account });
      new CfnOutput(this, `${logicalId(shape.arn)}Arn`, { value: role.attrArn });
    }
  }
}

/** `ai-stack-service` becomes `AiStackService`. */
const logicalId = (arn: string): string =>
  arn
    .slice(arn.lastIndexOf("/") + 1)
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
