/** Dangerous templates are refused when they are prepared, each with a reason; values are refused when asked for. */
import { describe, expect, test } from "vitest";
import { decide, type SessionWish } from "../../src/policy/decide.ts";
import { prepareTemplate } from "../../src/policy/prepare.ts";
import { serve } from "../../src/policy/serve.ts";
import type { Template, TemplateStatement } from "../../src/policy/set.ts";
import { account, prepared, served, table } from "./served.ts";

const base = prepared("data-repair").template;

function template(allow: readonly Partial<TemplateStatement>[], over: Partial<Template> = {}): Template {
  return {
    ...base,
    name: "trial",
    parameters: {},
    exceptions: [],
    ...over,
    allow: allow.map((statement) => ({
      sid: null,
      action: [],
      resource: ["*"],
      condition: {},
      ...statement,
    })),
  };
}

const anything = { description: "any text", like: ["*"], optional: false, max: 1 };

function refusals(trial: Template): readonly string[] {
  const result = prepareTemplate(trial, served.set.guardrails, table);
  return result.ok ? [] : result.error.map(({ message }) => message);
}

describe("a template is refused when it", () => {
  const rows: readonly (readonly [string, Template, RegExp])[] = [
    ["names an action that does not exist", template([{ action: ["s3:DeleteTheBucket"] }]), /unknown action/],
    [
      "reaches changes through a wildcard",
      template([{ action: ["ec2:Modify*"] }]),
      /reaches more than safe reads/,
    ],
    [
      "reaches secrets through a wildcard",
      template([{ action: ["ssm:Get*"] }]),
      /reaches more than safe reads/,
    ],
    [
      "reads user data through a wildcard",
      template([{ action: ["ec2:Describe*"] }]),
      /ec2:DescribeInstanceAttribute|ec2:DescribeBundleTasks/,
    ],
    [
      "reaches the floor",
      template([{ action: ["sts:AssumeRole"], resource: ["arn:aws:iam::1:role/x"] }]),
      /floor/,
    ],
    ["creates users", template([{ action: ["iam:CreateUser"] }]), /floor/],
    [
      "hands out credentials",
      template([
        { action: ["redshift:GetClusterCredentials"], resource: ["arn:aws:redshift:us-east-1:1:dbuser:a/b"] },
      ]),
      /refused in every template/,
    ],
    [
      "hands out credentials, even with two keys",
      template([{ action: ["ecr:GetAuthorizationToken"], resource: ["*"] }], { kind: "escalation" }),
      /refused in every template/,
    ],
    [
      "writes a resource policy that is labelled a plain write",
      template([{ action: ["rds:ModifyDBSnapshotAttribute"], resource: ["arn:aws:rds:*:*:snapshot:*"] }]),
      /refused in a standing template/,
    ],
    [
      "runs commands on whatever carries a tag",
      template([{ action: ["ssm:CreateAssociation"] }]),
      /works as another role/,
    ],
    ["reads through Cloud Control", template([{ action: ["cloudformation:ListResources"] }]), /floor/],
    [
      "observes with a change in it",
      template([{ action: ["dynamodb:PutItem"] }], { intent: "observe" }),
      /does not serve/,
    ],
    [
      "changes with a deletion in it",
      template([{ action: ["dynamodb:DeleteTable"] }], { intent: "change" }),
      /intent change/,
    ],
    ["uses Cloud Control", template([{ action: ["cloudformation:DeleteResource"] }]), /floor/],
    ["writes a resource policy", template([{ action: ["sqs:AddPermission"] }]), /who may do what/],
    [
      "passes any role",
      template([{ action: ["iam:PassRole"], resource: ["arn:aws:iam::*:role/*"] }]),
      /exact role ARNs/,
    ],
    [
      "passes a role to any service",
      template([{ action: ["iam:PassRole"], resource: ["${service_roles}"] }]),
      /service/,
    ],
    [
      "decrypts without a data service",
      template([{ action: ["kms:Decrypt"], resource: ["arn:aws:kms:*:*:key/*"] }]),
      /through which/,
    ],
    [
      "works as another role on any target",
      template([{ action: ["lambda:InvokeFunction"] }]),
      /works as another role/,
    ],
    [
      "touches change sets of any name",
      template([{ action: ["cloudformation:ExecuteChangeSet"] }]),
      /twokey-/,
    ],
    [
      "changes what carries no tag",
      template([{ action: ["s3:DeleteObject"], resource: ["arn:aws:s3:::orders/*"] }]),
      /non_production_arns/,
    ],
    [
      "changes what touches no resource",
      template([{ action: ["cloudformation:SetTypeConfiguration"] }]),
      /non_production_arns/,
    ],
    [
      "lets a parameter reach production buckets",
      template([{ action: ["s3:DeleteObject"], resource: ["arn:aws:s3:::${bucket}/*"] }], {
        parameters: { bucket: { description: "b", like: ["*"], optional: false, max: 1 } },
      }),
      /non_production_arns/,
    ],
    [
      "states a condition with no complement",
      template([
        {
          action: ["dynamodb:GetItem"],
          condition: { DateLessThan: { "aws:CurrentTime": "2030-01-01T00:00:00Z" } },
        },
      ]),
      /not offered/,
    ],
    [
      "allows an action twice, once under a condition",
      template([
        { action: ["dynamodb:GetItem"], condition: { StringEquals: { "aws:RequestedRegion": "us-east-1" } } },
        { action: ["dynamodb:GetItem"] },
      ]),
      /again in another statement/,
    ],
    [
      "escalates without exact resources",
      template([{ action: ["dynamodb:DeleteTable"] }], { kind: "escalation" }),
      /exact resources/,
    ],
    [
      "escalates to an account-wide change",
      template(
        [
          {
            action: ["cloudformation:ExecuteChangeSet"],
            resource: ["arn:aws:cloudformation:us-east-1:111122223333:stack/*"],
            condition: { StringEquals: { "cloudformation:ChangeSetName": "twokey-x" } },
          },
        ],
        { kind: "escalation" },
      ),
      /exact resources/,
    ],
    [
      "reaches production's objects through a wildcard that runs over a slash",
      template([{ action: ["s3:DeleteObject"], resource: ["arn:aws:s3:::*-staging/*"] }]),
      /non_production_arns/,
    ],
    [
      "reaches them through two parameters",
      template([{ action: ["s3:DeleteObject"], resource: ["arn:aws:s3:::${bucket}/${part}-staging/*"] }], {
        parameters: { bucket: anything, part: anything },
      }),
      /non_production_arns/,
    ],
    [
      "reaches the floor through a wildcard",
      template([{ action: ["cloudformation:List*"] }], {}),
      /floor|more than safe reads/,
    ],
    [
      "lets a parameter choose the service a role is passed to",
      template(
        [
          {
            action: ["iam:PassRole"],
            resource: ["${service_roles}"],
            condition: { StringEquals: { "iam:PassedToService": "${service}" } },
          },
        ],
        { parameters: { service: anything } },
      ),
      /exact service/,
    ],
    [
      "lets a parameter choose the function that works as another role",
      template(
        [{ action: ["lambda:InvokeFunction"], resource: ["arn:aws:lambda:us-east-1:1:function:${fn}"] }],
        {
          parameters: { fn: anything },
        },
      ),
      /works as another role/,
    ],
    [
      "deletes stacks and may pass production's role",
      template([
        { action: ["cloudformation:DeleteStack"] },
        {
          action: ["iam:PassRole"],
          resource: ["${service_roles}"],
          condition: { StringEquals: { "iam:PassedToService": "cloudformation.amazonaws.com" } },
        },
      ]),
      /no other/,
    ],
    [
      "confines a key that holds several values",
      template([
        {
          action: ["cloudformation:UpdateStack"],
          condition: { StringEquals: { "cloudformation:ResourceTypes": "AWS::SQS::Queue" } },
        },
      ]),
      /several values/,
    ],
    [
      "relabels production in an escalation",
      template(
        [{ action: ["dynamodb:TagResource"], resource: ["arn:aws:dynamodb:us-east-1:1:table/orders"] }],
        {
          kind: "escalation",
        },
      ),
      /say that it is not/,
    ],
    [
      "holds an IAM policy variable",
      template([
        { action: ["dynamodb:GetItem"], resource: ["arn:aws:dynamodb:us-east-1:1:table/${aws:username}"] },
      ]),
      /placeholder/,
    ],
  ];
  test.each(rows)("%s", (_title, trial, reason) => {
    expect(refusals(trial).join("\n")).toMatch(reason);
  });

  test("holds several faults, all of which are reported at once", () => {
    expect(
      refusals(template([{ action: ["iam:CreateUser", "sts:AssumeRole", "sqs:AddPermission"] }])).length,
    ).toBeGreaterThanOrEqual(3);
  });
});

describe("a request for a session", () => {
  const agent = {
    name: "orders-ci",
    owner: "orders-lead",
    templates: ["observe", "staging-deploy", "data-repair", "production-stack-change"],
    proof: { issuer: "github", subject: "repo:example-org/orders" },
  };
  const wish = (over: Partial<SessionWish>): SessionWish => ({
    template: "data-repair",
    parameters: { table: ["orders"] },
    account: null,
    durationSeconds: null,
    task: { id: null, intent: "change", summary: "repair" },
    ...over,
  });
  const code = (over: Partial<SessionWish>, policy = served): string => {
    const result = decide(agent, wish(over), policy);
    return result.ok ? "ok" : result.error.code;
  };

  test("is granted with the account's role, the template's duration and a sentence on what it may do", () => {
    const result = decide(agent, wish({}), served);
    expect(result.ok && [result.value.roleArn, result.value.durationSeconds]).toEqual([
      "arn:aws:iam::111122223333:role/twokey/ai-operator",
      900,
    ]);
    expect(result.ok && result.value.may).toMatch(/table orders.*111122223333/);
  });

  test.each([
    ['case 17: a parameter value x","Action":"*', 'x","Action":"*'],
    ["case 18: a parameter value with *", "orders*"],
    ["case 18: a parameter value with ?", "order?"],
    ["case 19: a parameter value with ${", "${aws:username}"],
    // Without a colon, so that nothing but the class of characters stands in the way.
    ["case 17: a parameter value with a quote", 'x","Action'],
    ["case 19: a parameter value with ${ and no colon", "${username}"],
    ["a value that runs into another field of the ARN", "orders/index/by-day"],
    ["a value with a newline", "orders\n"],
    ["an empty value", ""],
  ])("%s is refused", (_title, value) => {
    expect(code({ parameters: { table: [value] } })).toBe("invalid_parameters");
  });

  test("a parameter the template does not have is refused, whatever its name", () => {
    expect(code({ parameters: { table: ["orders"], "twokey:principal": ["x"] } })).toBe("invalid_parameters");
    expect(code({ parameters: { table: ["orders"], __proto__x: ["x"], constructor: ["x"] } })).toBe(
      "invalid_parameters",
    );
  });

  test("a bucket that is not marked as non-production is refused", () => {
    expect(code({ parameters: { bucket: ["orders"] } })).toBe("invalid_parameters");
    expect(code({ parameters: { bucket: ["orders-staging"] } })).toBe("ok");
  });

  test("no parameter at all is refused, since nothing would be allowed but to ask who one is", () => {
    expect(code({ parameters: {} })).toBe("invalid_parameters");
  });

  test("case 22: too many resources for the limit is refused, and no Deny is dropped", () => {
    const many: Template = {
      ...base,
      name: "data-repair",
      parameters: { table: { description: "t", like: ["*"], optional: false, max: 50 } },
      allow: base.allow.filter(({ sid }) => sid === "TableItems"),
    };
    const policy = serve({ ...served.set, templates: [many] }, table);
    if (!policy.ok) throw new Error(JSON.stringify(policy.error));
    const names = Array.from({ length: 50 }, (_, index) => `orders-archive-table-number-${index}`);
    expect(code({ parameters: { table: names } }, policy.value)).toBe("policy_too_large");
    expect(code({ parameters: { table: names.slice(0, 2) } }, policy.value)).toBe("ok");
  });

  test("an empty list of values is as good as none", () => {
    expect(code({ parameters: { table: [] } })).toBe("invalid_parameters");
    expect(code({ parameters: { table: ["orders"], bucket: [] } })).toBe("ok");
  });

  test("case 25: an account the template is not open in is refused", () => {
    expect(code({ account: "999988887777" })).toBe("account_not_open");
    expect(code({ account: account().id })).toBe("ok");
  });

  test("a template of another agent is refused in the same words as one that does not exist", () => {
    expect(code({ template: "propose-change" })).toBe("template_not_open");
    expect(code({ template: "no-such-template" })).toBe("template_not_open");
  });

  test("an escalation template asks for two keys first", () => {
    expect(code({ template: "production-stack-change" })).toBe("escalation_required");
  });

  test("an intent beyond the template is refused and told what serves it", () => {
    const result = decide(
      agent,
      wish({ template: "observe", parameters: {}, task: { id: null, intent: "destroy", summary: "" } }),
      served,
    );
    expect(result.ok ? null : result.error).toMatchObject({
      code: "intent_exceeds_template",
      instead: ["staging-deploy", "data-repair"],
      escalate: ["production-stack-change"],
    });
  });

  test("a duration beyond the template's is cut to it", () => {
    const result = decide(agent, wish({ durationSeconds: 43_200 }), served);
    expect(result.ok && result.value.durationSeconds).toBe(3600);
  });
});
