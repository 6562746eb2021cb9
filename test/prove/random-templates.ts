/** Templates as a hurried author might write them: any published action, any resource, any condition. */
import fc from "fast-check";
import type { ConditionBlock } from "../../src/policy/iam/types.ts";
import type { Template } from "../../src/policy/set.ts";
import { table, template, type Written } from "./set.ts";

/** Services whose rules are their own; a good half of what is drawn comes from them. */
const PECULIAR = [
  "cloudformation",
  "dynamodb",
  "ec2",
  "iam",
  "kms",
  "lambda",
  "rds",
  "s3",
  "sqs",
  "ssm",
  "sts",
];

const actionIn = (services: readonly string[]): fc.Arbitrary<string> =>
  fc
    .constantFrom(...services)
    .chain((service) => fc.constantFrom(...table.actions(service).map(({ name }) => name)));

/** `Describe*`, `List*` and longer: whatever the action's name begins with. */
const pattern = actionIn(table.services).chain((name) =>
  fc.integer({ min: name.indexOf(":") + 4, max: name.length }).map((length) => `${name.slice(0, length)}*`),
);

const action = fc.oneof(
  { weight: 6, arbitrary: actionIn(PECULIAR) },
  { weight: 5, arbitrary: actionIn(table.services) },
  { weight: 3, arbitrary: fc.constantFrom(...FREQUENT()) },
  { weight: 1, arbitrary: pattern },
);

function FREQUENT(): readonly string[] {
  return [
    ..."CreateStack UpdateStack DeleteStack RollbackStack CreateChangeSet ExecuteChangeSet DeleteChangeSet TagResource UntagResource CreateStackSet UpdateStackSet UpdateStackInstances SetStackPolicy"
      .split(" ")
      .map((name) => `cloudformation:${name}`),
    ..."RunInstances CreateVolume CreateSnapshot CreateTags DeleteTags TerminateInstances CreateImage"
      .split(" ")
      .map((name) => `ec2:${name}`),
    ..."iam:PassRole kms:Decrypt kms:GenerateDataKey s3:PutObject s3:DeleteObject s3:GetObject dynamodb:CreateTable dynamodb:DeleteTable dynamodb:UpdateItem dynamodb:TagResource rds:CreateDBInstance lambda:CreateFunction".split(
      " ",
    ),
  ];
}

const HERE = { partition: "aws", region: "${region}", account: "${account}" };

/** An ARN of the first action's resource: `*`, a pattern of its type, one name of it, a parameter. */
function resourceOf(name: string): fc.Arbitrary<string> {
  const arns = table.action(name)?.resources.map(({ arn }) => arn) ?? [];
  const written = arns.flatMap((arn) => {
    const [, , service = "", region = "", account = "", ...rest] = arn.split(":");
    if (service === "") return [];
    const place = [region === "" ? "" : HERE.region, account === "" ? "" : HERE.account].join(":");
    const wild = `arn:${HERE.partition}:${service}:${place}:`;
    const path = rest.join(":");
    return [
      wild + path,
      wild + path.replaceAll("*", "orders"),
      wild + path.replace("*", "${name}").replaceAll("*", "x"),
      wild + path.replace("*", "orders-staging"),
      `arn:*:${service}:*:*:${path}`,
    ];
  });
  return fc.constantFrom(
    "*",
    ...written,
    ...written,
    "arn:aws:s3:::${bucket}/*",
    "arn:aws:s3:::${bucket}",
    "arn:aws:s3:::*-staging/*",
    "arn:aws:s3:::*-staging",
    "${whole}",
    "${service_roles}",
    "${service_roles.non_production}",
  );
}

const CONDITIONS: readonly ConditionBlock[] = [
  {},
  {},
  { StringEquals: { "iam:PassedToService": "cloudformation.amazonaws.com" } },
  { StringEquals: { "kms:ViaService": "dynamodb.${region}.amazonaws.com" } },
  { StringLike: { "cloudformation:ChangeSetName": "twokey-*" } },
  { StringEquals: { "cloudformation:ChangeSetName": "${name}" } },
  { StringEquals: { "cloudformation:CreateAction": ["CreateStack", "UpdateStack"] } },
  { StringEquals: { "ec2:CreateAction": "RunInstances" } },
  { StringEquals: { "dynamodb:CreateAction": "CreateTable" } },
  { StringEquals: { "aws:ResourceTag/environment": "production" } },
  { StringNotEquals: { "aws:ResourceTag/environment": "production" } },
  { StringLike: { "aws:RequestedRegion": ["us-*", "eu-west-1"] } },
  { ArnLike: { "lambda:FunctionArn": "arn:aws:lambda:*:*:function:orders-*" } },
  {
    StringEqualsIgnoreCase: { "aws:RequestTag/team": "orders" },
    StringLike: { "aws:RequestTag/team": "o*" },
  },
];

const statement: fc.Arbitrary<Written> = fc
  .tuple(action, fc.array(action, { maxLength: 2 }), fc.constantFrom(...CONDITIONS))
  .chain(([first, more, condition]) =>
    fc.array(resourceOf(first), { minLength: 1, maxLength: 3 }).map((resource) => ({
      action: [first, ...more.filter((name) => name.split(":")[0] === first.split(":")[0])],
      resource: [...new Set(resource)],
      condition,
    })),
  );

const PARAMETERS: Template["parameters"] = {
  name: { description: "A name.", like: ["*"], optional: true, max: 2 },
  bucket: { description: "A bucket.", like: ["*-staging", "*-development"], optional: true, max: 1 },
  whole: { description: "An ARN.", like: ["arn:aws:*:*:*:*/*", "arn:aws:*:*:*:*"], optional: true, max: 1 },
};

export const randomTemplate: fc.Arbitrary<Template> = fc
  .record({
    kind: fc.constantFrom("standing" as const, "standing" as const, "escalation" as const),
    exceptions: fc.constantFrom([], [], ["prepare-change-set" as const]),
    allow: fc.array(statement, { minLength: 1, maxLength: 3 }),
  })
  .map(({ allow, ...over }) => {
    const text = JSON.stringify(allow);
    const used = Object.entries(PARAMETERS).filter(([name]) => text.includes(`\${${name}}`));
    return template(allow, { ...over, parameters: Object.fromEntries(used) });
  });
