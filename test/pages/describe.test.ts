/** What sessions of the shipped templates can do, in words written by hand. */
import { expect, test } from "vitest";
import { compile } from "../../src/policy/compile.ts";
import { documentsOf } from "../../src/policy/compiled.ts";
import { additions } from "../../src/policy/describe-adds.ts";
import { mayDestroy } from "../../src/policy/describe-allowed.ts";
import { describe as inWords } from "../../src/policy/describe.ts";
import type { PolicyDocument } from "../../src/policy/iam/types.ts";
import { account, prepared, served, table } from "../policy/served.ts";

const ground = { account: account(), guardrails: served.set.guardrails, table };
const STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/orders-production/1";
const CHANGE_SET = "arn:aws:cloudformation:us-east-1:111122223333:changeSet/twokey-fix/2";
const PRODUCTION_CHANGE = { stack: [STACK], change_set: [CHANGE_SET] };

function documents(
  template: string,
  parameters: Readonly<Record<string, readonly string[]>>,
  limit?: number,
): readonly PolicyDocument[] {
  const compiled = compile(prepared(template), { account: account(), parameters }, limit);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return documentsOf(compiled.value);
}

const words = (template: string, parameters: Readonly<Record<string, readonly string[]>> = {}) =>
  inWords(documents(template, parameters), ground).map(({ effect, text }) => `${effect}: ${text}`);

const TAGGED = "tagged environment=staging|development|test|sandbox";

test("an escalation names its change set and its stack, and what destroys stands first", () => {
  expect(words("production-stack-change", PRODUCTION_CHANGE)).toEqual([
    "destroys: execute the change set twokey-fix on the stack orders-production",
    "reads: see CloudFormation change sets, stack events, stack resources and stacks, anywhere in the account",
  ]);
});

test("an ability holds its actions and its resources in full", () => {
  expect(inWords(documents("production-stack-change", PRODUCTION_CHANGE), ground)[0]).toEqual({
    effect: "destroys",
    text: "execute the change set twokey-fix on the stack orders-production",
    actions: ["cloudformation:ExecuteChangeSet"],
    resources: [STACK],
  });
});

test("a repair of data says which table and bucket, and that the table must not be production's", () => {
  expect(words("data-repair", { table: ["orders"], bucket: ["orders-staging"] })).toEqual([
    `destroys: delete, overwrite and change items in the DynamoDB table orders, only if ${TAGGED}`,
    "destroys: delete and overwrite objects in the S3 bucket orders-staging",
    `reads: read items in the DynamoDB table orders, only if ${TAGGED}`,
    "reads: see the DynamoDB table orders",
    "reads: read objects in the S3 bucket orders-staging",
    "reads: list the objects in the S3 bucket orders-staging",
  ]);
});

test("preparing a change set is said to reach production, and which roles it hands over", () => {
  expect(words("propose-change")).toEqual([
    "changes: prepare change sets named twokey-* for any stack, production included",
    "changes: hand the role ai-stack-service and the role production-stack-service to CloudFormation",
    "reads: see CloudFormation change sets, stack events, stack resources, stacks, template summaries and templates, anywhere in the account",
  ]);
});

test("a deployment outside production says so with each thing it may do", () => {
  expect(words("staging-deploy")).toEqual([
    `destroys: delete any stack, only if ${TAGGED}`,
    `destroys: roll back and update any stack, only if ${TAGGED}, only through the role ai-stack-service`,
    `changes: roll back any stack, only if ${TAGGED}, only through the role ai-stack-service`,
    "changes: tag any stack, production included, only as part of CreateStack or UpdateStack",
    "changes: hand the role ai-stack-service to CloudFormation",
    `creates: create any stack, only ${TAGGED} as it is made, only through the role ai-stack-service`,
    "reads: see CloudFormation stack events, stack resources and stacks, anywhere in the account",
  ]);
});

test("looking around reads, by service, and does nothing else", () => {
  const said = words("observe");
  expect(said.filter((line) => !line.startsWith("reads: see "))).toEqual([]);
  expect(said).toContain("reads: see DynamoDB tables, anywhere in the account");
  expect(said).toContain("reads: see S3 buckets, anywhere in the account");
});

test("the reader of change sets reads one stack", () => {
  expect(words("read-change-set", PRODUCTION_CHANGE)).toEqual([
    "reads: see the stack orders-production, only of the change set twokey-fix",
    "reads: see stacks and templates of the stack orders-production",
  ]);
});

test("a policy that was made smaller, its Allows widened to whole services, says the same", () => {
  const small = documents("production-stack-change", PRODUCTION_CHANGE, 1350);
  expect(JSON.stringify(small)).toContain("cloudformation:*");
  expect(inWords(small, ground)).toEqual(
    inWords(documents("production-stack-change", PRODUCTION_CHANGE), ground),
  );
});

test("a session that only looks around destroys nothing, though its Allows were widened to whole services", () => {
  const small = documents("observe", {}, 1600);
  expect(JSON.stringify(small)).toContain("ec2:*");
  expect(mayDestroy(small, table)).toBe(false);
  expect(mayDestroy(documents("production-stack-change", PRODUCTION_CHANGE), table)).toBe(true);
});

test("what is denied whatever the request brings is not listed, though an Allow names it", () => {
  const [kept, taken] = ["orders", "customers"].map(
    (name) => `arn:aws:dynamodb:us-east-1:111122223333:table/${name}`,
  );
  const document: PolicyDocument = {
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: "dynamodb:DeleteItem", Resource: [kept ?? "", taken ?? ""] },
      { Effect: "Deny", Action: "dynamodb:*", Resource: taken ?? "" },
    ],
  };
  expect(inWords([document], ground).map(({ resources }) => resources)).toEqual([[kept]]);
});

test("an action without words keeps its AWS name, and another account's resource is said to be one", () => {
  const document: PolicyDocument = {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["ec2:DeprovisionIpamPoolCidr", "dynamodb:DeleteItem"],
        Resource: [
          "arn:aws:ec2::999999999990:ipam-pool/x",
          "arn:aws:dynamodb:us-east-1:999999999990:table/y",
        ],
      },
    ],
  };
  expect(inWords([document], ground).map(({ text }) => text)).toEqual([
    "delete items in the DynamoDB table y of account 999999999990",
    "call ec2:DeprovisionIpamPoolCidr on the EC2 ipam-pool x of account 999999999990",
  ]);
});

test("an action that the action data does not know is named all the same", () => {
  const document: PolicyDocument = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: ["later:DeleteThing"], Resource: "*" }],
  };
  expect(inWords([document], ground)).toEqual([
    {
      effect: "destroys",
      text: "call later:DeleteThing on any later resource, production included",
      actions: ["later:DeleteThing"],
      resources: ["*"],
    },
  ]);
});

test("a read that hands out secrets says so", () => {
  const document: PolicyDocument = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: ["ssm:GetParameter"], Resource: "*" }],
  };
  expect(inWords([document], ground).map(({ text }) => text)).toEqual([
    "read secrets with ssm:GetParameter on any Systems Manager resource",
  ]);
});

const standing = (...names: string[]) => names.map(prepared);

test("what an escalation adds is what no standing template of the agent allows", () => {
  const asked = documents("production-stack-change", PRODUCTION_CHANGE);
  const all = standing("observe", "data-repair", "propose-change", "staging-deploy");
  expect(additions(asked, all, ground)).toEqual([
    "It may execute the change set twokey-fix on the stack orders-production; no standing template of this agent allows that.",
  ]);
});

test("an agent without any standing template gains everything", () => {
  expect(additions(documents("production-stack-change", PRODUCTION_CHANGE), [], ground)).toHaveLength(2);
});

test("what a standing template allows outside production alone is an addition, and said to be that", () => {
  const document: PolicyDocument = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: ["cloudformation:DeleteStack"], Resource: STACK }],
  };
  expect(additions([document], standing("staging-deploy"), ground)).toEqual([
    `It may delete the stack orders-production; its standing templates allow that only outside production: what is ${TAGGED}.`,
  ]);
});

test("what a standing template allows on other resources alone is an addition, and said to be that", () => {
  const document: PolicyDocument = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: ["s3:DeleteObject"], Resource: "arn:aws:s3:::orders/*" }],
  };
  expect(additions([document], standing("data-repair"), ground)).toEqual([
    "It may delete objects in the S3 bucket orders; its standing templates allow that on other resources or under other conditions only.",
  ]);
});

test("what a standing template allows anyway is no addition", () => {
  expect(additions(documents("observe", {}), standing("observe"), ground)).toEqual([]);
});
