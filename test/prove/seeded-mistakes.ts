/**
 * Mistakes a compiler, an author of templates, a keeper of guardrails or stale action data could make, each seeded
 * on its own. Data only: mistakes.test.ts shows that each is caught, and by what.
 */
import type { ConditionBlock, OneOrMany, Statement } from "../../src/policy/iam/types.ts";
import type { Written } from "./set.ts";

/** One statement as the mistaken compiler would have written it; nothing where it would have left it out. */
type Alter = (statement: Statement) => Statement | readonly Statement[] | null;

export interface CompilerMistake {
  readonly what: string;
  readonly template: string;
  readonly alter: Alter;
}

const list = (value: OneOrMany | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === "string" ? [value] : value;

const isCeiling = ({ NotAction, Condition }: Statement): boolean =>
  NotAction !== undefined && Condition === undefined;
const isConfine = ({ Effect, NotResource, Condition }: Statement): boolean =>
  Effect === "Deny" && NotResource !== undefined && Condition === undefined;
const names = (statement: Statement, operator: string, key: string): boolean =>
  statement.Effect === "Deny" && statement.Condition?.[operator]?.[key] !== undefined;

const RESOURCE_TAG = "aws:ResourceTag/environment";
const REQUEST_TAG = "aws:RequestTag/environment";
const NOT = "StringNotEqualsIgnoreCase";
const isFence = (statement: Statement): boolean =>
  names(statement, NOT, RESOURCE_TAG) && Object.keys(statement.Condition ?? {}).length === 1;
const isCreation = (statement: Statement): boolean =>
  names(statement, NOT, REQUEST_TAG) && Object.keys(statement.Condition ?? {}).length === 1;
const isTagFence = (statement: Statement): boolean =>
  statement.Condition?.["ForAnyValue:StringEqualsIgnoreCase"] !== undefined;
const isRolePin = (statement: Statement): boolean =>
  names(statement, "StringNotEquals", "cloudformation:RoleArn");

/** The kind of statement, and what becomes of it. */
const where =
  (applies: (statement: Statement) => boolean, change: Alter): Alter =>
  (statement) =>
    applies(statement) ? change(statement) : statement;
const dropped: Alter = () => null;
const under =
  (Condition: ConditionBlock): Alter =>
  (statement) => ({ ...statement, Condition });
const alsoUnder =
  (more: ConditionBlock): Alter =>
  (statement) => ({ ...statement, Condition: { ...statement.Condition, ...more } });
const outside =
  (...arns: readonly string[]): Alter =>
  ({ Effect, Action = "*", Condition }) => ({
    ...{ Effect, Action, NotResource: arns },
    ...(Condition === undefined ? {} : { Condition }),
  });
const valuesOf = (statement: Statement, key: string): readonly string[] =>
  list(statement.Condition?.[NOT]?.[key]);

export const COMPILER_MISTAKES: readonly CompilerMistake[] = [
  { what: "the ceiling left out", template: "observe", alter: where(isCeiling, dropped) },
  {
    what: "the ceiling with room for a whole service",
    template: "staging-deploy",
    alter: where(isCeiling, (s) => ({ ...s, NotAction: [...list(s.NotAction), "cloudformation:*"] })),
  },
  {
    what: "a pattern of the ceiling that reaches changes",
    template: "observe",
    alter: where(isCeiling, (s) => ({ ...s, NotAction: [...list(s.NotAction), "cloudformation:*Stack*"] })),
  },
  {
    what: "the ceiling with room for another session",
    template: "data-repair",
    alter: where(isCeiling, (s) => ({ ...s, NotAction: [...list(s.NotAction), "sts:*"] })),
  },
  {
    what: "the ceiling only in the session's own account",
    template: "observe",
    alter: where(isCeiling, (s) => ({ ...s, Resource: "arn:aws:*:*:111122223333:*" })),
  },
  {
    what: "the ceiling under a condition on a tag",
    template: "observe",
    alter: where(isCeiling, under({ [NOT]: { [RESOURCE_TAG]: ["staging"] } })),
  },
  {
    what: "the ceiling in two documents' worth of halves, each with an exit for the other",
    template: "staging-deploy",
    alter: where(isCeiling, (s) => [
      { ...s, Condition: { Null: { [RESOURCE_TAG]: "true" } } },
      { ...s, Condition: { StringNotEquals: { [RESOURCE_TAG]: "blue" } } },
    ]),
  },
  {
    what: "NotResource of an action's own resources left out",
    template: "data-repair",
    alter: where(isConfine, dropped),
  },
  {
    what: "NotResource drawn too wide",
    template: "data-repair",
    alter: where(isConfine, outside("arn:aws:s3:::*", "arn:aws:dynamodb:*:*:table/*")),
  },
  {
    what: "NotResource that lets in the neighbours of the one table, staging as well",
    template: "data-repair",
    alter: where(
      (s) => isConfine(s) && list(s.NotResource).some((arn) => arn.includes(":dynamodb:")),
      (s) => ({ ...s, NotResource: [...list(s.NotResource), "arn:aws:dynamodb:*:*:table/*"] }),
    ),
  },
  {
    what: "a condition of an Allow without its Deny (change set names)",
    template: "propose-change",
    alter: where((s) => names(s, "StringNotLike", "cloudformation:ChangeSetName"), dropped),
  },
  {
    what: "a condition of an Allow without its Deny (the service a role is passed to)",
    template: "staging-deploy",
    alter: where((s) => names(s, "StringNotEquals", "iam:PassedToService"), dropped),
  },
  { what: "the fence of changes left out", template: "staging-deploy", alter: where(isFence, dropped) },
  {
    what: "the fence of changes allowing what it should deny",
    template: "staging-deploy",
    alter: where(isFence, (s) => ({ ...s, Effect: "Allow" })),
  },
  {
    what: "the fence without one of its actions",
    template: "staging-deploy",
    alter: where(isFence, (s) => ({
      ...s,
      Action: list(s.Action).filter((name) => !name.endsWith(":DeleteStack")),
    })),
  },
  {
    what: "a positive fence: deny only what says production",
    template: "staging-deploy",
    alter: where(isFence, under({ StringEquals: { [RESOURCE_TAG]: "production" } })),
  },
  {
    what: "a positive fence that folds case",
    template: "staging-deploy",
    alter: where(isFence, under({ StringEqualsIgnoreCase: { [RESOURCE_TAG]: "production" } })),
  },
  {
    what: "a positive fence with IfExists, which denies the untagged but not the unknown",
    template: "staging-deploy",
    alter: where(isFence, under({ StringEqualsIgnoreCaseIfExists: { [RESOURCE_TAG]: "production" } })),
  },
  {
    what: "a fence that demands the tag to be there",
    template: "staging-deploy",
    alter: where(isFence, alsoUnder({ Null: { [RESOURCE_TAG]: "false" } })),
  },
  {
    what: "a fence for any value, which no absent tag has",
    template: "staging-deploy",
    alter: where(isFence, (s) =>
      under({ "ForAnyValue:StringNotEquals": { [RESOURCE_TAG]: valuesOf(s, RESOURCE_TAG) } })(s),
    ),
  },
  {
    what: "a fence with patterns for values",
    template: "staging-deploy",
    alter: where(isFence, under({ StringNotLike: { [RESOURCE_TAG]: ["*staging*", "test*"] } })),
  },
  {
    what: "a fence keyed on another tag",
    template: "staging-deploy",
    alter: where(isFence, (s) =>
      under({ [NOT]: { "aws:ResourceTag/environmentx": valuesOf(s, RESOURCE_TAG) } })(s),
    ),
  },
  {
    what: "a fence of changes that looks at the request's tags",
    template: "staging-deploy",
    alter: where(isFence, (s) => under({ [NOT]: { [REQUEST_TAG]: valuesOf(s, RESOURCE_TAG) } })(s)),
  },
  {
    what: "production among the values known not to be production",
    template: "staging-deploy",
    alter: where(isFence, (s) =>
      under({ [NOT]: { [RESOURCE_TAG]: [...valuesOf(s, RESOURCE_TAG), "production"] } })(s),
    ),
  },
  {
    what: "a value that the guardrails do not list among those known not to be production",
    template: "staging-deploy",
    alter: where(isFence, (s) =>
      under({ [NOT]: { [RESOURCE_TAG]: [...valuesOf(s, RESOURCE_TAG), "blue"] } })(s),
    ),
  },
  {
    what: "a list of exempt resources that takes in the fenced ones",
    template: "staging-deploy",
    alter: where(isFence, outside("arn:*:cloudformation:*:*:stack/*")),
  },
  {
    what: "a fence for the session's own account only",
    template: "staging-deploy",
    alter: where(isFence, alsoUnder({ StringEquals: { "aws:ResourceAccount": "111122223333" } })),
  },
  { what: "the fence of creations left out", template: "staging-deploy", alter: where(isCreation, dropped) },
  {
    what: "the fence of creations keyed on the resource's tag, which nothing new has",
    template: "staging-deploy",
    alter: where(isCreation, (s) => under({ [NOT]: { [RESOURCE_TAG]: valuesOf(s, REQUEST_TAG) } })(s)),
  },
  { what: "the service role not pinned", template: "staging-deploy", alter: where(isRolePin, dropped) },
  {
    what: "the service role pinned only where the call names one",
    template: "staging-deploy",
    alter: where(isRolePin, alsoUnder({ Null: { "cloudformation:RoleArn": "false" } })),
  },
  {
    what: "the service role pinned by a pattern",
    template: "staging-deploy",
    alter: where(isRolePin, under({ StringNotLike: { "cloudformation:RoleArn": "arn:aws:iam::*:role/*" } })),
  },
  {
    what: "the production role not pinned for change sets on production",
    template: "propose-change",
    alter: where((s) => isRolePin(s) && names(s, NOT, RESOURCE_TAG), dropped),
  },
  {
    what: "change sets that import what exists",
    template: "propose-change",
    alter: where((s) => names(s, "Null", "cloudformation:ImportResourceTypes"), dropped),
  },
  {
    what: "the fence of the tag itself left out",
    template: "staging-deploy",
    alter: where(isTagFence, dropped),
  },
  {
    what: "the fence of the tag positive: only saying production is denied, not removing the tag",
    template: "staging-deploy",
    alter: where(
      isTagFence,
      alsoUnder({ [NOT]: {}, StringEqualsIgnoreCase: { [REQUEST_TAG]: "production" } }),
    ),
  },
  {
    what: "the fence of the tag without folding the case of keys",
    template: "staging-deploy",
    alter: where(
      isTagFence,
      under({
        "ForAnyValue:StringEquals": { "aws:TagKeys": "environment" },
        [NOT]: { [REQUEST_TAG]: ["staging", "development", "test", "sandbox"] },
      }),
    ),
  },
  {
    what: "the fence of the tag only where every key is the tag",
    template: "staging-deploy",
    alter: where(
      isTagFence,
      under({
        "ForAllValues:StringEqualsIgnoreCase": { "aws:TagKeys": "environment" },
        [NOT]: { [REQUEST_TAG]: ["staging", "development", "test", "sandbox"] },
      }),
    ),
  },
  {
    what: "a change set for production that says it is staging",
    template: "propose-change",
    alter: where(
      isTagFence,
      alsoUnder({ [NOT]: { [REQUEST_TAG]: ["staging", "development", "test", "sandbox"] } }),
    ),
  },
  {
    what: "an escalation carved out for every stack",
    template: "production-stack-change",
    alter: where(isConfine, outside("arn:aws:cloudformation:*:*:stack/*")),
  },
  {
    what: "an escalation carved out for what begins as the approved stack",
    template: "production-stack-change",
    alter: where(isConfine, (s) => ({ ...s, NotResource: list(s.NotResource).map((arn) => `${arn}*`) })),
  },
  {
    what: "an escalation that executes any change set of the stack",
    template: "production-stack-change",
    alter: where((s) => names(s, "StringNotEquals", "cloudformation:ChangeSetName"), dropped),
  },
];

/** Each is refused by `twokey policy check`. */
export const TEMPLATE_MISTAKES: readonly {
  readonly what: string;
  readonly allow: Written;
  readonly says: RegExp;
}[] = [
  {
    what: "a wildcard that reaches changes",
    allow: { action: ["dynamodb:*Item"] },
    says: /more than safe reads/,
  },
  {
    what: "a wildcard that reaches secrets",
    allow: { action: ["secretsmanager:Get*"] },
    says: /more than safe reads/,
  },
  { what: "a hop to another role", allow: { action: ["sts:AssumeRole"] }, says: /floor/ },
  {
    what: "a role passed to any service",
    allow: { action: ["iam:PassRole"], resource: ["${service_roles}"] },
    says: /service/,
  },
  {
    what: "keys for any caller",
    allow: { action: ["kms:Decrypt"], resource: ["arn:aws:kms:*:*:key/*"] },
    says: /through which/,
  },
  {
    what: "objects of any bucket",
    allow: { action: ["s3:DeleteObject"], resource: ["arn:aws:s3:::*"] },
    says: /non_production_arns/,
  },
  {
    what: "objects of any bucket whose key looks like a staging bucket, since * crosses /",
    allow: { action: ["s3:DeleteObject"], resource: ["arn:aws:s3:::*-staging/*"] },
    says: /non_production_arns/,
  },
  { what: "change sets of any name", allow: { action: ["cloudformation:DeleteChangeSet"] }, says: /twokey-/ },
  {
    what: "code run as any function's role",
    allow: { action: ["lambda:InvokeFunction"] },
    says: /another role/,
  },
  { what: "a resource policy", allow: { action: ["sqs:AddPermission"] }, says: /who may do what|refused/ },
  {
    what: "a condition whose complement nobody can write",
    allow: { action: ["dynamodb:GetItem"], condition: { Null: { "dynamodb:Attributes": "false" } } },
    says: /not offered/,
  },
];

/** Each is a fault of guardrails.yaml: `find` is replaced by `put`. */
export const GUARDRAIL_MISTAKES: readonly {
  readonly what: string;
  readonly find: string;
  readonly put: string;
  readonly says: RegExp;
}[] = [
  {
    what: "production listed as harmless",
    find: "[staging,",
    put: "[production, staging,",
    says: /reads as production/,
  },
  {
    what: "a floor without sessions of other roles",
    find: "  - sts:AssumeRole*\n",
    put: "",
    says: /must hold `sts:AssumeRole\*`/,
  },
  {
    what: "every bucket listed as harmless",
    find: "arn:aws:s3:::*-staging\n",
    put: "arn:aws:s3:::*\n",
    says: /says too little/,
  },
];
