/**
 * What a compiled session may do, asked of the evaluator while the role behind it may do everything and a resource
 * policy names the session: so only an explicit Deny of the session policy can say no.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "../../src/policy/compile.ts";
import { fit } from "../../src/policy/fit.ts";
import { prepareTemplate } from "../../src/policy/prepare.ts";
import type { Template } from "../../src/policy/set.ts";
import { account, ACCOUNT, ask, compiled, parsed, prepared, served, table } from "./served.ts";

const stack = (name: string): string => `arn:aws:cloudformation:us-east-1:${ACCOUNT}:stack/${name}/1`;
const role = (name: string): string => `arn:aws:iam::${ACCOUNT}:role/twokey/${name}`;
const tag = (value: string): Record<string, string> => ({ "aws:ResourceTag/environment": value });
const PINNED = { "cloudformation:RoleArn": role("ai-stack-service") };
const PRODUCTION_ROLE = { "cloudformation:RoleArn": role("production-stack-service") };
const NAMED = { "cloudformation:ChangeSetName": "twokey-fix" };

const CHANGE_SET = {
  stack: [stack("orders-production")],
  change_set: [`arn:aws:cloudformation:us-east-1:${ACCOUNT}:changeSet/twokey-fix/2`],
};
const PARAMETERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "data-repair": { table: ["orders"], bucket: ["orders-staging"] },
  "production-stack-change": CHANGE_SET,
  "read-change-set": CHANGE_SET,
};

type Row = readonly [
  string,
  string,
  string,
  Readonly<Record<string, string | readonly string[]>>,
  "allowed" | "explicitDeny",
];

/** template, action, resource, context, decision */
const ROWS: readonly Row[] = [
  ["observe", "cloudformation:DescribeStacks", stack("orders-production"), tag("production"), "allowed"],
  ["observe", "cloudformation:DeleteStack", stack("orders-production"), tag("production"), "explicitDeny"],
  ["observe", "cloudformation:DeleteStack", stack("orders-staging"), tag("staging"), "explicitDeny"],
  ["observe", "secretsmanager:GetSecretValue", "*", {}, "explicitDeny"],
  ["observe", "s3:GetObject", "arn:aws:s3:::orders/x", {}, "explicitDeny"],
  ["observe", "dynamodb:Scan", `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/orders`, {}, "explicitDeny"],
  ["staging-deploy", "cloudformation:DeleteStack", stack("orders-staging"), tag("staging"), "allowed"],
  ["staging-deploy", "cloudformation:DeleteStack", stack("orders-staging"), tag("Staging"), "allowed"],
  [
    "staging-deploy",
    "cloudformation:DeleteStack",
    stack("orders-production"),
    tag("production"),
    "explicitDeny",
  ],
  ["staging-deploy", "cloudformation:DeleteStack", stack("orders-production"), tag("PROD"), "explicitDeny"],
  [
    "staging-deploy",
    "cloudformation:DeleteStack",
    stack("orders-production"),
    tag("staging "),
    "explicitDeny",
  ],
  ["staging-deploy", "cloudformation:DeleteStack", stack("orders-untagged"), {}, "explicitDeny"],
  [
    "staging-deploy",
    "cloudformation:DeleteStack",
    stack("x"),
    { "aws:ResourceTag/Environment": "production" },
    "explicitDeny",
  ],
  [
    "staging-deploy",
    "cloudformation:DeleteStack",
    stack("x"),
    { "aws:ResourceTag/env": "staging" },
    "explicitDeny",
  ],
  [
    "staging-deploy",
    "cloudformation:UpdateStack",
    stack("orders-staging"),
    { ...tag("staging"), ...PINNED },
    "allowed",
  ],
  ["staging-deploy", "cloudformation:UpdateStack", stack("orders-staging"), tag("staging"), "explicitDeny"],
  [
    "staging-deploy",
    "cloudformation:UpdateStack",
    stack("orders-staging"),
    { ...tag("staging"), ...PRODUCTION_ROLE },
    "explicitDeny",
  ],
  ["staging-deploy", "cloudformation:RollbackStack", stack("orders-staging"), tag("staging"), "explicitDeny"],
  [
    "staging-deploy",
    "cloudformation:ContinueUpdateRollback",
    stack("orders-staging"),
    { ...tag("staging"), ...PRODUCTION_ROLE },
    "explicitDeny",
  ],
  [
    "staging-deploy",
    "cloudformation:CreateStack",
    stack("new"),
    { ...PINNED, "aws:RequestTag/environment": "staging", "aws:TagKeys": ["environment"] },
    "allowed",
  ],
  ["staging-deploy", "cloudformation:CreateStack", stack("new"), PINNED, "explicitDeny"],
  [
    "staging-deploy",
    "cloudformation:CreateStack",
    stack("new"),
    { ...PINNED, "aws:RequestTag/environment": "production", "aws:TagKeys": ["environment"] },
    "explicitDeny",
  ],
  [
    "staging-deploy",
    "cloudformation:TagResource",
    stack("new"),
    {
      "cloudformation:CreateAction": "CreateStack",
      "aws:RequestTag/environment": "staging",
      "aws:TagKeys": ["environment"],
    },
    "allowed",
  ],
  [
    "staging-deploy",
    "cloudformation:TagResource",
    stack("orders-production"),
    { ...tag("production"), "aws:RequestTag/environment": "staging", "aws:TagKeys": ["environment"] },
    "explicitDeny",
  ],
  // Re-sending the tag is fine; making a stack production, or removing the tag, is not.
  [
    "staging-deploy",
    "cloudformation:UpdateStack",
    stack("orders-staging"),
    { ...tag("staging"), ...PINNED, "aws:RequestTag/environment": "staging", "aws:TagKeys": ["environment"] },
    "allowed",
  ],
  [
    "staging-deploy",
    "cloudformation:UpdateStack",
    stack("orders-staging"),
    {
      ...tag("staging"),
      ...PINNED,
      "aws:RequestTag/environment": "production",
      "aws:TagKeys": ["environment"],
    },
    "explicitDeny",
  ],
  [
    "staging-deploy",
    "cloudformation:UpdateStack",
    stack("orders-staging"),
    { ...tag("staging"), ...PINNED, "aws:TagKeys": ["team", "ENVIRONMENT"] },
    "explicitDeny",
  ],
  [
    "staging-deploy",
    "iam:PassRole",
    role("ai-stack-service"),
    { "iam:PassedToService": "cloudformation.amazonaws.com" },
    "allowed",
  ],
  [
    "staging-deploy",
    "iam:PassRole",
    role("ai-stack-service"),
    { "iam:PassedToService": "lambda.amazonaws.com" },
    "explicitDeny",
  ],
  [
    "staging-deploy",
    "iam:PassRole",
    role("production-stack-service"),
    { "iam:PassedToService": "cloudformation.amazonaws.com" },
    "explicitDeny",
  ],
  [
    "staging-deploy",
    "cloudformation:ExecuteChangeSet",
    stack("orders-staging"),
    { ...tag("staging"), ...NAMED },
    "explicitDeny",
  ],
  [
    "propose-change",
    "cloudformation:CreateChangeSet",
    stack("orders-production"),
    { ...tag("production"), ...NAMED, ...PRODUCTION_ROLE },
    "allowed",
  ],
  [
    "propose-change",
    "cloudformation:CreateChangeSet",
    stack("orders-untagged"),
    { ...NAMED, ...PRODUCTION_ROLE },
    "allowed",
  ],
  [
    "propose-change",
    "cloudformation:CreateChangeSet",
    stack("orders-staging"),
    { ...tag("staging"), ...NAMED, ...PINNED },
    "allowed",
  ],
  [
    "propose-change",
    "cloudformation:CreateChangeSet",
    stack("orders-staging"),
    { ...tag("staging"), ...NAMED, ...PRODUCTION_ROLE },
    "explicitDeny",
  ],
  [
    "propose-change",
    "cloudformation:CreateChangeSet",
    stack("orders-production"),
    { ...tag("production"), ...NAMED, ...PINNED },
    "explicitDeny",
  ],
  [
    "propose-change",
    "cloudformation:CreateChangeSet",
    stack("orders-production"),
    { ...tag("production"), ...NAMED },
    "explicitDeny",
  ],
  [
    "propose-change",
    "cloudformation:CreateChangeSet",
    stack("orders-production"),
    { ...tag("production"), ...PRODUCTION_ROLE, "cloudformation:ChangeSetName": "release" },
    "explicitDeny",
  ],
  [
    "propose-change",
    "cloudformation:CreateChangeSet",
    stack("orders-production"),
    {
      ...tag("production"),
      ...NAMED,
      ...PRODUCTION_ROLE,
      "cloudformation:ImportResourceTypes": ["AWS::S3::Bucket"],
    },
    "explicitDeny",
  ],
  [
    "propose-change",
    "cloudformation:ExecuteChangeSet",
    stack("orders-production"),
    { ...tag("production"), ...NAMED },
    "explicitDeny",
  ],
  // A change set that relabels production would, once executed, open it to every standing template.
  [
    "propose-change",
    "cloudformation:CreateChangeSet",
    stack("orders-production"),
    {
      ...tag("production"),
      ...NAMED,
      ...PRODUCTION_ROLE,
      "aws:RequestTag/environment": "staging",
      "aws:TagKeys": ["environment"],
    },
    "explicitDeny",
  ],
  [
    "propose-change",
    "cloudformation:CreateChangeSet",
    stack("orders-production"),
    {
      ...tag("production"),
      ...NAMED,
      ...PRODUCTION_ROLE,
      "aws:RequestTag/team": "orders",
      "aws:TagKeys": ["team"],
    },
    "allowed",
  ],
  [
    "staging-deploy",
    "cloudformation:TagResource",
    stack("orders-production"),
    {
      ...tag("production"),
      "cloudformation:CreateAction": "UpdateStack",
      "aws:RequestTag/environment": "staging",
      "aws:TagKeys": ["environment"],
    },
    "explicitDeny",
  ],
  [
    "data-repair",
    "dynamodb:DeleteItem",
    `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/orders`,
    tag("staging"),
    "allowed",
  ],
  [
    "data-repair",
    "dynamodb:DeleteItem",
    `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/orders`,
    tag("production"),
    "explicitDeny",
  ],
  [
    "data-repair",
    "dynamodb:DeleteItem",
    `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/orders`,
    {},
    "explicitDeny",
  ],
  [
    "data-repair",
    "dynamodb:GetItem",
    `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/orders`,
    tag("production"),
    "explicitDeny",
  ],
  [
    "data-repair",
    "dynamodb:DeleteItem",
    `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/customers`,
    tag("staging"),
    "explicitDeny",
  ],
  [
    "data-repair",
    "dynamodb:DeleteTable",
    `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/orders`,
    tag("staging"),
    "explicitDeny",
  ],
  ["data-repair", "s3:PutObject", "arn:aws:s3:::orders-staging/a", {}, "allowed"],
  ["data-repair", "s3:PutObject", "arn:aws:s3:::orders/a", {}, "explicitDeny"],
  ["data-repair", "s3:PutBucketPolicy", "arn:aws:s3:::orders-staging", {}, "explicitDeny"],
  [
    "production-stack-change",
    "cloudformation:ExecuteChangeSet",
    stack("orders-production"),
    {
      ...tag("production"),
      "cloudformation:ChangeSetName": `arn:aws:cloudformation:us-east-1:${ACCOUNT}:changeSet/twokey-fix/2`,
    },
    "allowed",
  ],
  [
    "production-stack-change",
    "cloudformation:ExecuteChangeSet",
    stack("orders-production"),
    {
      ...tag("production"),
      "cloudformation:ChangeSetName": `arn:aws:cloudformation:us-east-1:${ACCOUNT}:changeSet/twokey-other/2`,
    },
    "explicitDeny",
  ],
  [
    "production-stack-change",
    "cloudformation:ExecuteChangeSet",
    stack("other"),
    {
      ...tag("production"),
      "cloudformation:ChangeSetName": `arn:aws:cloudformation:us-east-1:${ACCOUNT}:changeSet/twokey-fix/2`,
    },
    "explicitDeny",
  ],
  [
    "production-stack-change",
    "cloudformation:DeleteStack",
    stack("orders-production"),
    tag("production"),
    "explicitDeny",
  ],
];

describe("a compiled session", () => {
  for (const [template, action, resource, context, decision] of ROWS) {
    const facts = Object.entries(context).map(([key, value]) => `${key}=${String(value)}`);
    test(`${template}: ${action} on ${resource} [${facts.join(" ")}] is ${decision}`, () => {
      const session = parsed(compiled(template, PARAMETERS[template]));
      expect(ask(session, action, resource, context)).toBe(decision);
    });
  }

  for (const template of served.templates.keys()) {
    const session = parsed(compiled(template, PARAMETERS[template]));

    test(`case 23: ${template} denies look-alikes of an action and of a resource`, () => {
      for (const [action, resource] of [
        ["S3:deletebucket", "arn:aws:s3:::orders"],
        ["s3:DeleteBucket", "arn:aws:s3:::orders/"],
        ["s3:DeleteBucket ", "arn:aws:s3:::orders"],
        ["s3:Delet\u0435Bucket", "arn:aws:s3:::orders"],
        ["CLOUDFORMATION:DELETESTACK", stack("orders-production")],
        ["cloudformation:deletestack", `${stack("orders-production")}/`],
      ] as const) {
        expect(ask(session, action, resource, tag("production")), action).not.toBe("allowed");
      }
    });

    test(`case 24: ${template} cannot hop to another role or mint credentials`, () => {
      for (const action of [
        "sts:AssumeRole",
        "sts:AssumeRoot",
        "sts:GetFederationToken",
        "sts:GetSessionToken",
      ]) {
        expect(
          ask(session, action, `arn:aws:iam::${ACCOUNT}:role/deploy-admin`, tag("staging")),
          action,
        ).toBe("explicitDeny");
      }
    });

    // What CloudFormation may do stands in a managed policy, which IAM lets be 6,144.
    const most = template === "stack-service" ? 6144 : 2048;
    test(`${template} fits ${most} characters and holds no policy variable`, () => {
      const text = JSON.stringify(compiled(template, PARAMETERS[template]));
      expect(text.length).toBeLessThanOrEqual(most);
      expect(text).not.toContain("${");
    });
  }
});

/** States of a resource's environment tag that are all production. */
const PRODUCTION_STATES: readonly Readonly<Record<string, string>>[] = [
  tag("production"),
  tag("Production"),
  tag("PROD"),
  {},
  { "aws:ResourceTag/Environment": "production" },
  { "aws:ResourceTag/env": "staging" },
];

/** Each ARN pattern of the action data as a real ARN of the demo account. */
function arnOf(pattern: string): string {
  const [, , service, region, owner, ...rest] = pattern.split(":");
  if (service === undefined) return pattern;
  const place = [region === "" ? "" : "us-east-1", owner === "" ? "" : ACCOUNT].join(":");
  return `arn:aws:${service}:${place}:${rest.join(":").replaceAll("*", "x")}`;
}

describe("every published action, on production", () => {
  /** What a template may do there beyond safe reads; stated by name in its `exceptions`. */
  const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
    observe: [],
    "staging-deploy": [],
    "data-repair": [],
    "propose-change": ["cloudformation:CreateChangeSet"],
  };

  for (const [template, exceptions] of Object.entries(EXCEPTIONS)) {
    test(`${template} allows nothing but reads and ${exceptions.join() || "no exception"}`, () => {
      const session = parsed(compiled(template, template === "data-repair" ? { table: ["orders"] } : {}));
      const allowed = new Set<string>();
      const notDenied: string[] = [];
      let asked = 0;
      for (const action of table.services.flatMap((service) => table.actions(service))) {
        const resources = action.resources.length > 0 ? action.resources.map(({ arn }) => arnOf(arn)) : ["*"];
        for (const resource of resources) {
          for (const state of PRODUCTION_STATES) {
            asked++;
            const context = { ...state, ...NAMED, ...PRODUCTION_ROLE };
            const decision = ask(session, action.name, resource, context);
            if (decision === "allowed") allowed.add(action.name);
            else if (decision !== "explicitDeny") notDenied.push(`${action.name} ${resource}`);
          }
        }
      }
      expect(asked).toBeGreaterThan(22_091 * PRODUCTION_STATES.length);
      expect(notDenied).toEqual([]);
      const levels = (name: string): readonly string[] => table.action(name)?.accessLevels ?? [];
      const changes = [...allowed].filter((name) => levels(name).some((l) => l !== "List" && l !== "Read"));
      expect(changes).toEqual(exceptions);
      for (const secret of [
        "secretsmanager:GetSecretValue",
        "s3:GetObject",
        "ssm:GetParameter",
        "lambda:GetFunction",
      ]) {
        expect(allowed).not.toContain(secret);
      }
    });
  }
});

describe("an escalation on a stack, where non-production has two service roles", () => {
  const two = {
    ...account(),
    serviceRoles: { ...account().serviceRoles, test: role("ai-test-service") },
  };
  const update: Template = {
    ...prepared("production-stack-change").template,
    name: "update",
    parameters: {
      stack: {
        description: "stack",
        like: ["arn:aws:cloudformation:*:*:stack/*/*"],
        optional: false,
        max: 1,
      },
    },
    allow: [{ sid: null, action: ["cloudformation:UpdateStack"], resource: ["${stack}"], condition: {} }],
  };
  const ready = prepareTemplate(update, served.set.guardrails, table);
  if (!ready.ok) throw new Error(JSON.stringify(ready.error));
  const result = compile(ready.value, { account: two, parameters: { stack: [stack("orders-production")] } });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  const session = parsed(result.value.document);

  test.each([
    ["production's own role", tag("production"), PRODUCTION_ROLE, "allowed"],
    ["no role", tag("production"), {}, "explicitDeny"],
    [
      "an administrator's role",
      tag("production"),
      { "cloudformation:RoleArn": role("deploy-admin") },
      "explicitDeny",
    ],
    ["another environment's role", tag("production"), PINNED, "explicitDeny"],
    ["no role, on an untagged stack", {}, {}, "explicitDeny"],
    ["staging's role, on the same stack were it staging", tag("staging"), PINNED, "allowed"],
    [
      "test's role, on the same stack were it staging",
      tag("staging"),
      { "cloudformation:RoleArn": role("ai-test-service") },
      "explicitDeny",
    ],
  ] as const)("acts only with the role of the stack's environment: %s", (_title, tags, passed, decision) => {
    expect(
      ask(session, "cloudformation:UpdateStack", stack("orders-production"), { ...tags, ...passed }),
    ).toBe(decision);
  });
});

describe("fitting to size", () => {
  const actions = fc.constantFrom(
    ...["cloudformation", "dynamodb", "iam", "sts", "s3"].flatMap((service) =>
      table.actions(service).map(({ name }) => name),
    ),
    "cloudformation:PublishedTomorrow",
    "kms:Decrypt",
  );
  const resources = fc.constantFrom(
    "*",
    stack("orders-staging"),
    role("ai-stack-service"),
    role("production-stack-service"),
    "arn:aws:s3:::orders-staging/a",
    `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/orders`,
  );
  const contexts = fc.record(
    {
      "aws:ResourceTag/environment": fc.constantFrom("staging", "production", "TEST"),
      "aws:RequestTag/environment": fc.constantFrom("staging", "production"),
      "aws:TagKeys": fc.constantFrom(["environment"], ["team"], ["Environment", "team"]),
      "cloudformation:RoleArn": fc.constantFrom(role("ai-stack-service"), role("production-stack-service")),
      "cloudformation:ChangeSetName": fc.constantFrom("twokey-fix", "release"),
      "cloudformation:CreateAction": fc.constantFrom("CreateStack", "DeleteStack"),
      "iam:PassedToService": fc.constantFrom("cloudformation.amazonaws.com", "lambda.amazonaws.com"),
    },
    { requiredKeys: [] },
  );

  test.each([...served.templates.keys()])("%s decides every request alike in every form", (name) => {
    const plain = fit(unfitted(name), Number.MAX_SAFE_INTEGER, new Map()).document;
    const smallest = fit(unfitted(name), 0, new Map()).document;
    const [before, after] = [parsed(plain), parsed(smallest)];
    fc.assert(
      fc.property(actions, resources, contexts, fc.boolean(), (action, resource, context, named) => {
        expect(ask(after, action, resource, context, named) === "allowed").toBe(
          ask(before, action, resource, context, named) === "allowed",
        );
      }),
      { numRuns: 3_000 },
    );
  });

  test("every Deny of the policy is still there, and the ceiling is untouched", () => {
    for (const name of served.templates.keys()) {
      const plain = unfitted(name);
      const smallest = fit(plain, 0, new Map()).document;
      const denies = (document: typeof plain): number =>
        document.Statement.filter((s) => s.Effect === "Deny").length;
      expect(denies(smallest)).toBe(denies(plain));
      const ceiling = plain.Statement.find((s) => s.NotAction !== undefined);
      expect(smallest.Statement).toContainEqual(ceiling);
    }
  });

  /** The compiler's own document before it is fitted: compiled with a limit nothing reaches. */
  function unfitted(name: string) {
    const result = compile(
      prepared(name),
      { account: account(), parameters: PARAMETERS[name] ?? {} },
      Number.MAX_SAFE_INTEGER,
    );
    if (!result.ok) throw new Error(JSON.stringify(result.error));
    return result.value.document;
  }
});
