/** The stack that outlives the broker's service: what it must be whoever changes it. */
import { App } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { expect, test } from "vitest";
import { AI_ROLES, ACCOUNT, dataStack, OTHER_ACCOUNT } from "./broker-world.ts";
import { nagFindings, suppressions } from "./nag.ts";
import { kept, list, resourcesOf, statementsOf } from "./template.ts";

const stack = dataStack();
const template = Template.fromStack(stack);
const isolated = Template.fromStack(dataStack({ network: { cidr: "10.64.0.0/22", internetEgress: false } }));
const broker = statementsOf(template, "BrokerRole");
const allowing = (action: string) => broker.filter(({ Action }) => list(Action).includes(action));
const iam = (account: string, name: string) => `arn:aws:iam::${account}:role/twokey/${name}`;

test("the stack is as it was reviewed", () => {
  expect(kept(stack)).toMatchSnapshot();
});

test("AWS Solutions finds nothing that has no reason", () => {
  expect(nagFindings(stack)).toEqual([]);
  expect(suppressions(stack).filter(({ reason }) => reason.length < 80)).toEqual([]);
});

test("nothing is looked up when it is synthesised", () => {
  const app = new App();
  dataStack({}, app);
  expect(app.synth().manifest.missing ?? []).toEqual([]);
});

test("the broker may assume exactly the roles it vends, and not the one that CloudFormation acts with", () => {
  const roles = ["ai-observer", "ai-operator", "ai-escalated"];
  const vended = [ACCOUNT, OTHER_ACCOUNT].flatMap((account) => roles.map((role) => iam(account, role)));
  for (const action of ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]) {
    expect(allowing(action).flatMap(({ Resource }) => list(Resource))).toEqual(vended);
  }
});

test("the broker may write inline policies on roles of its own account alone, while they have their boundary", () => {
  const writing = allowing("iam:PutRolePolicy");
  expect(writing.map(({ Resource, Condition }) => [Resource, Condition])).toEqual(
    ["ai-observer", "ai-operator", "ai-escalated"].map((role) => [
      iam(ACCOUNT, role),
      { ArnEquals: { "iam:PermissionsBoundary": `arn:aws:iam::${ACCOUNT}:policy/twokey/boundary/${role}` } },
    ]),
  );
  expect(allowing("iam:DeleteRolePolicy")).toEqual(writing);
});

test("the broker may do nothing in AWS but what its code calls", () => {
  expect([...new Set(broker.flatMap(({ Action }) => list(Action)))].sort()).toEqual([
    "iam:DeleteRolePolicy",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListPolicies",
    "iam:ListRolePolicies",
    "iam:PutRolePolicy",
    "iam:SimulateCustomPolicy",
    "iam:SimulatePrincipalPolicy",
    "rds-db:connect",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "s3:PutObjectRetention",
    "sts:AssumeRole",
    "sts:SetSourceIdentity",
    "sts:TagSession",
  ]);
  // Neither takes a resource: one lists names, the other is asked about text it is given.
  expect(
    broker.filter(({ Resource }) => list(Resource).includes("*")).flatMap(({ Action }) => list(Action)),
  ).toEqual(["iam:ListPolicies", "iam:SimulateCustomPolicy"]);
});

test("the broker's role has the name that trust policies give, and only tasks of this account take it", () => {
  template.hasResourceProperties("AWS::IAM::Role", {
    RoleName: "broker",
    Path: "/twokey/",
    AssumeRolePolicyDocument: {
      Statement: [
        {
          Principal: { Service: "ecs-tasks.amazonaws.com" },
          Condition: { StringEquals: { "aws:SourceAccount": ACCOUNT } },
        },
      ],
    },
  });
});

test("a broker without a role to vend is not made", () => {
  expect(() => dataStack({ aiRoles: [] })).toThrow("no role to vend");
  const only = AI_ROLES.filter(({ name }) => name === "stack_service");
  expect(() => dataStack({ aiRoles: only })).toThrow("no role to vend");
});

test("the database is encrypted, entered by IAM over TLS, restorable for 35 days and hard to delete", () => {
  template.hasResource("AWS::RDS::DBCluster", {
    DeletionPolicy: "Retain",
    UpdateReplacePolicy: "Retain",
    Properties: {
      EnableIAMDatabaseAuthentication: true,
      StorageEncrypted: true,
      DeletionProtection: true,
      BackupRetentionPeriod: 35,
      ManageMasterUserPassword: true,
      MasterUserPassword: Match.absent(),
      EnableHttpEndpoint: Match.absent(),
    },
  });
  template.hasResourceProperties("AWS::RDS::DBClusterParameterGroup", {
    Parameters: { "rds.force_ssl": "1" },
  });
  const instances = resourcesOf(template, "AWS::RDS::DBInstance");
  expect(instances.map(({ Properties }) => Properties["PubliclyAccessible"])).toEqual([false, false]);
});

test("the audit bucket locks what it takes, takes it from the broker alone, and is kept", () => {
  template.hasResource("AWS::S3::Bucket", {
    DeletionPolicy: "Retain",
    Properties: {
      ObjectLockEnabled: true,
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: "COMPLIANCE", Days: 400 } } },
      VersioningConfiguration: { Status: "Enabled" },
      LifecycleConfiguration: Match.absent(),
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    },
  });
  const denials = (condition: unknown, action: unknown): void => {
    template.hasResourceProperties("AWS::S3::BucketPolicy", {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: "Deny", Principal: { AWS: "*" }, Action: action, Condition: condition }),
        ]),
      },
    });
  };
  denials({ Null: { "s3:object-lock-mode": "true" } }, "s3:PutObject");
  denials({ ArnNotEquals: { "aws:PrincipalArn": Match.anyValue() } }, "s3:PutObject");
  denials({ Bool: { "aws:SecureTransport": "false" } }, "s3:*");
  denials(Match.absent(), ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]);
});

test("no secret's value is in the template, and the signing key's is made by nobody but its owner", () => {
  const secrets = resourcesOf(template, "AWS::SecretsManager::Secret");
  expect(secrets).toHaveLength(3);
  for (const { Properties, DeletionPolicy } of secrets) {
    expect(Properties).toHaveProperty("KmsKeyId");
    expect(Properties).not.toHaveProperty("SecretString");
    expect(DeletionPolicy).toBe("Retain");
  }
  const made = secrets.filter(({ Properties }) => "GenerateSecretString" in Properties);
  expect(made.map(({ id }) => id.replace(/[0-9A-F]{8}$/, ""))).toEqual([
    "SecretsOperatorToken",
    "SecretsWatchToken",
  ]);
});

test("keys rotate and are kept", () => {
  for (const { Properties, DeletionPolicy } of resourcesOf(template, "AWS::KMS::Key")) {
    expect([Properties["EnableKeyRotation"], DeletionPolicy]).toEqual([true, "Retain"]);
  }
});

test("without a way out asked for there is none: no gateway, no public subnet, no address", () => {
  const types = ["AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::EIP", "AWS::EC2::Route"];
  for (const type of types) isolated.resourceCountIs(type, 0);
  template.resourceCountIs("AWS::EC2::NatGateway", 2);
});

test("nothing that is started anywhere in the network gets a public address", () => {
  for (const { Properties } of resourcesOf(template, "AWS::EC2::Subnet")) {
    expect(Properties["MapPublicIpOnLaunch"]).toBe(false);
  }
});

test("no security group lets anybody in by address, and the flows are logged", () => {
  for (const { Properties } of resourcesOf(template, "AWS::EC2::SecurityGroup")) {
    expect(Properties).not.toHaveProperty("SecurityGroupIngress");
  }
  for (const { Properties } of resourcesOf(template, "AWS::EC2::SecurityGroupIngress")) {
    expect(Properties).toHaveProperty("SourceSecurityGroupId");
  }
  template.hasResourceProperties("AWS::EC2::FlowLog", { TrafficType: "ALL" });
});

test("through the endpoint S3 is the audit bucket and the layers of images, and no other bucket", () => {
  const [s3] = resourcesOf(template, "AWS::EC2::VPCEndpoint").filter(
    ({ Properties }) => Properties["VpcEndpointType"] === "Gateway",
  );
  const { Statement } = s3?.Properties["PolicyDocument"] as { Statement: { Resource: unknown }[] };
  const bucket = { "Fn::GetAtt": [expect.stringMatching(/^AuditBucket[0-9A-F]{8}$/), "Arn"] };
  expect(Statement.map(({ Resource }) => Resource)).toEqual([
    [bucket, { "Fn::Join": ["", [bucket, "/*"]] }],
    "arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*",
  ]);
});
