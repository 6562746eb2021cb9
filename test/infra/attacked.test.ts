/** Requests that an attack on the boundary and the control policies got through, and must never again. */
import { expect, test } from "vitest";
import { boundaryOf } from "../../src/policy/boundary.ts";
import { evaluate } from "../../src/policy/iam/evaluate.ts";
import { parsePolicy, type ParsedPolicy } from "../../src/policy/iam/parse.ts";
import type { ContextValue, Decision, PolicyDocument } from "../../src/policy/iam/types.ts";
import { organizationGuard } from "../../src/policy/organization-guard.ts";
import type { PreparedTemplate } from "../../src/policy/prepare.ts";
import { EVERYTHING, namesTheSession, sessionArn } from "../../src/policy/prove/question.ts";
import { guardrails, prepare, served, template } from "../prove/set.ts";
import { account, BROKER, DEPLOYER, FULL_ACCESS } from "./deployed.ts";

const WHO = { brokers: [BROKER], deployers: [DEPLOYER] };

const parsed = (document: PolicyDocument, resourcePolicy = false): ParsedPolicy => {
  const result = parsePolicy(document, { resourcePolicy });
  if (!result.ok) throw new Error(result.error.join("; "));
  return result.value;
};

const made = (...args: Parameters<typeof prepare>): PreparedTemplate => {
  const result = prepare(...args);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
};

interface Asked {
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, ContextValue>>;
}

/** The shipped templates and these, in both layers: what the boundary says, and what the control policies say. */
function outcome(
  extra: readonly PreparedTemplate[],
  { action, resource, context }: Asked,
): readonly Decision[] {
  const templates = new Map([
    ...served.templates,
    ...extra.map((one, index) => [`extra-${index}`, one] as const),
  ]);
  const operator = [...templates.values()].filter((one) => one.template.role === "operator");
  const boundary = boundaryOf(operator, account);
  const guard = organizationGuard({ ...served, templates }, WHO);
  if (!boundary.ok || !guard.ok) throw new Error(JSON.stringify([boundary, guard]));
  const arn = sessionArn(account, account.roles.operator);
  const scps = [FULL_ACCESS, ...guard.value.scps.map(({ document }) => document)].map((one) => parsed(one));
  return [
    { boundary: [parsed(boundary.value.document)], scp: null },
    { boundary: null, scp: [scps] },
  ].map(
    (layer) =>
      evaluate(
        {
          principal: { arn, account: account.id },
          action,
          resource,
          resourceAccount: account.id,
          context: {
            "aws:PrincipalTag/twokey:principal": "ai-agent",
            "aws:PrincipalTag/twokey:session": "tks-x",
            ...context,
          },
        },
        {
          identity: [parsed(EVERYTHING)],
          session: null,
          resource: parsed(namesTheSession(arn), true),
          ...layer,
        },
      ).decision,
  );
}

const stack = `arn:aws:cloudformation:us-east-1:${account.id}:stack/orders/1`;
const production = account.serviceRoles["production"] ?? "";
const refused = ["explicitDeny", "explicitDeny"];

const tagging = (key: string): PreparedTemplate =>
  made(template([{ action: ["ec2:CreateTags"], condition: { StringEquals: { [key]: "RunInstances" } } }]));
const relabel: Asked = {
  action: "ec2:CreateTags",
  resource: `arn:aws:ec2:us-east-1:${account.id}:instance/i-1`,
  context: {
    "aws:ResourceTag/environment": "production",
    "aws:RequestTag/environment": "staging",
    "aws:TagKeys": ["environment"],
  },
};

test("what may be tagged at creation alone cannot be used to relabel production", () => {
  expect(outcome([tagging("ec2:CreateAction")], relabel)).toEqual(refused);
});

test("the same condition in two spellings is one condition", () => {
  expect(outcome([tagging("ec2:CreateAction"), tagging("ec2:createaction")], relabel)).toEqual(refused);
});

test("a stack outside production is not deleted with production's role, though one template deletes and another passes it", () => {
  const context = { "aws:ResourceTag/environment": "staging", "cloudformation:RoleArn": production };
  expect(outcome([], { action: "cloudformation:DeleteStack", resource: stack, context })).toEqual(refused);
});

test("production's role is not prepared for a stack outside production", () => {
  const context = {
    "aws:ResourceTag/environment": "staging",
    "cloudformation:RoleArn": production,
    "cloudformation:ChangeSetName": "twokey-fix",
  };
  expect(outcome([], { action: "cloudformation:CreateChangeSet", resource: stack, context })).toEqual(
    refused,
  );
});

test("beside a template that prepares change sets outside production, production's tag is still not prepared away", () => {
  const beside = made(
    template([
      {
        action: ["cloudformation:CreateChangeSet"],
        condition: { StringLike: { "cloudformation:ChangeSetName": "twokey-*" } },
      },
    ]),
  );
  const context = {
    "aws:ResourceTag/environment": "production",
    "aws:RequestTag/environment": "staging",
    "aws:TagKeys": ["environment"],
    "cloudformation:RoleArn": production,
    "cloudformation:ChangeSetName": "twokey-fix",
  };
  expect(outcome([beside], { action: "cloudformation:CreateChangeSet", resource: stack, context })).toEqual(
    refused,
  );
});

test("a `?` in a bucket's pattern reaches no further than a `*`", () => {
  const pattern = "app-???-staging";
  const rails = { ...guardrails, nonProductionArns: [`arn:aws:s3:::${pattern}/*`] };
  const buckets = made(
    template([{ action: ["s3:DeleteObject"], resource: ["arn:aws:s3:::${bucket}/*"] }], {
      parameters: { bucket: { description: "b", like: [pattern], optional: false, max: 1 } },
    }),
    rails,
  );
  const asked = (resource: string) =>
    outcome([buckets], { action: "s3:DeleteObject", resource, context: {} });
  expect(asked("arn:aws:s3:::app-1/x-staging/1")).toEqual(refused);
  expect(asked("arn:aws:s3:::app-123-staging/1")).toEqual(["allowed", "allowed"]);
});

test("accounts that give one name to production's role and to another's cannot be told apart, and are refused", () => {
  const other = {
    ...account,
    id: "444455556666",
    serviceRoles: { ...account.serviceRoles, staging: production.replace(account.id, "444455556666") },
  };
  const guard = organizationGuard({ ...served, set: { ...served.set, accounts: [account, other] } }, WHO);
  expect(guard).toMatchObject({ ok: false, error: { reason: "roles_cross" } });
});
