/**
 * The broker's own identity in AWS. It may assume exactly the roles it vends and, on those of them that are in its own
 * account, write the inline policy that denies frozen sessions. It outlives the service, because the AI roles trust it
 * by its unique id: a role made anew under the same name is not trusted.
 *
 * What this leaves open. IAM knows no condition on the name or the text of an inline policy, so whoever has these
 * credentials may put any inline policy on an AI role of this account, or take the denial of frozen sessions away. The
 * condition on the boundary holds that to what the role's boundary allows, which is the fence itself; Watch alarms on
 * every other policy name and on every other caller. Cross-account there is no such write at all: IAM acts in the
 * caller's account, and a freeze reaches those roles in the record alone.
 */
import { Stack, Token, Validations } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";

export interface AiRole {
  /** `observer`, `operator`, `escalated` or `stack_service`. */
  readonly name: string;
  readonly arn: string;
  /** Of its permissions boundary. */
  readonly boundaryArn: string;
}

export interface BrokerTaskRoleProps {
  /** Of every account. CloudFormation alone assumes `stack_service`: it is left out. */
  readonly aiRoles: readonly AiRole[];
}

/** Without a path of its own nobody could name it before it is made; trust policies do. */
const ROLE = { roleName: "broker", path: "/twokey/" } as const;

export const brokerRoleArn = (account: string): string =>
  `arn:aws:iam::${account}:role${ROLE.path}${ROLE.roleName}`;

export const accountOf = (arn: string): string => arn.split(":")[4] ?? "";

/** The roles that sessions are vended of. */
export const vended = (roles: readonly AiRole[]): readonly AiRole[] =>
  roles.filter(({ name }) => name !== "stack_service");

export class BrokerTaskRole extends Construct {
  readonly role: Role;

  constructor(scope: Construct, id: string, { aiRoles }: BrokerTaskRoleProps) {
    super(scope, id);
    const { account, region } = Stack.of(this);
    if (Token.isUnresolved(account))
      throw new Error("The broker's stack names its account: its roles depend on it");
    const roles = vended(aiRoles);
    if (roles.length === 0) throw new Error("The broker has no role to vend");
    this.role = new Role(this, "Role", {
      ...ROLE,
      description: "Twokey: the broker",
      // Anybody's tasks of this account, and no other account's by way of ECS.
      assumedBy: new ServicePrincipal("ecs-tasks.amazonaws.com", {
        conditions: {
          StringEquals: { "aws:SourceAccount": account },
          ArnLike: { "aws:SourceArn": `arn:aws:ecs:${region}:${account}:*` },
        },
      }),
    });
    this.role.addToPolicy(
      new PolicyStatement({
        sid: "Vend",
        actions: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        resources: roles.map(({ arn }) => arn),
      }),
    );
    for (const { name, arn, boundaryArn } of roles.filter((role) => accountOf(role.arn) === account)) {
      this.allowDenial(name, arn, boundaryArn);
    }
    this.allowDoctor(account);
  }

  /** What `twokey doctor` reads: whether the roles are as they must be. It changes nothing. */
  private allowDoctor(account: string): void {
    const [roles, policies] = ["role", "policy"].map((kind) => `arn:aws:iam::${account}:${kind}/twokey/*`);
    const allow = (actions: readonly string[], resource = "*"): void => {
      this.role.addToPolicy(
        new PolicyStatement({ actions: actions.map((name) => `iam:${name}`), resources: [resource] }),
      );
    };
    allow(["GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies"], roles);
    allow(["GetPolicy", "GetPolicyVersion"], policies);
    allow(["SimulatePrincipalPolicy"], roles);
    allow(["ListPolicies", "SimulateCustomPolicy"]);
    for (const resource of [roles, policies, "*"]) {
      Validations.of(this.role).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${resource}]`,
        reason:
          "For reading alone: what of Twokey's own stands in IAM, and what the broker's role may do. Published policies have names nobody knows beforehand.",
      });
    }
  }

  private allowDenial(name: string, arn: string, boundaryArn: string): void {
    this.role.addToPolicy(new PolicyStatement({ actions: ["iam:GetRole"], resources: [arn] }));
    this.role.addToPolicy(
      new PolicyStatement({
        sid: `DenyFrozen${name.replaceAll(/[^A-Za-z0-9]/g, "")}`,
        actions: ["iam:PutRolePolicy", "iam:DeleteRolePolicy"],
        resources: [arn],
        // A role that lost its boundary takes nothing from the broker.
        conditions: { ArnEquals: { "iam:PermissionsBoundary": boundaryArn } },
      }),
    );
  }
}
