/**
 * What can vary about a request beyond its action and resource: the resource's environment tag, the tags the request
 * brings, and the condition keys that matter for one action. Lists only; must not know which of them are harmless.
 */
import type { ConditionBlock, ContextValue } from "../iam/types.ts";
import type { ActionFacts } from "../knowledge.ts";
import type { Account, Guardrails } from "../set.ts";
import type { Context } from "./question.ts";
import { concreteArn, type Place } from "./resources.ts";

/** Every state of the resource's tag that must count as production, and every one that need not. */
export function resourceTags({ environmentTag, nonProduction }: Guardrails): readonly Context[] {
  const key = `aws:ResourceTag/${environmentTag}`;
  const [known = ""] = nonProduction;
  return [
    { [key]: "production" },
    { [key]: "Production" },
    { [key]: "PROD" },
    {},
    { [`aws:ResourceTag/${environmentTag.toUpperCase()}`]: "production" },
    { [key]: "blue" },
    { [key]: `${known} ` },
    { [key]: `x${known}` },
    { [key]: "" },
    { [`aws:ResourceTag/${environmentTag}x`]: known },
    ...nonProduction.map((value) => ({ [key]: value })),
    { [key]: known.toUpperCase() },
  ];
}

/** Tags the request brings, as AWS shows them: `aws:TagKeys` names every key, removed ones too. */
export function requestTags({ environmentTag, nonProduction }: Guardrails): readonly Context[] {
  const key = `aws:RequestTag/${environmentTag}`;
  const upper = environmentTag.toUpperCase();
  const [known = ""] = nonProduction;
  return [
    {},
    { [key]: "production", "aws:TagKeys": [environmentTag] },
    { [`aws:RequestTag/${upper}`]: "Production", "aws:TagKeys": ["team", upper], "aws:RequestTag/team": "x" },
    ...nonProduction.slice(-2).map((value) => ({ [key]: value, "aws:TagKeys": [environmentTag] })),
    { [key]: known.toUpperCase(), "aws:TagKeys": [environmentTag, "team"], "aws:RequestTag/team": "x" },
    { "aws:TagKeys": [environmentTag] },
    { "aws:TagKeys": ["team", upper] },
    { "aws:RequestTag/team": "x", "aws:TagKeys": ["team"] },
  ];
}

type Choices = Map<string, { readonly key: string; readonly values: Set<ContextValue> }>;

const ABSENT = "";
/** Values taken of each key a template names; the rest of its list is assumed to be treated alike. */
const MOST_NAMED = 2;

/** Every combination of the condition keys that matter for the action: good values, other values, absent. */
export function conditionKeys(
  facts: ActionFacts,
  stated: readonly ConditionBlock[],
  {
    account,
    place,
    nonProduction,
  }: { readonly account: Account; readonly place: Place; readonly nonProduction: readonly string[] },
): readonly Context[] {
  const choices: Choices = new Map();
  const offer = (key: string, values: readonly ContextValue[]): void => {
    const name = key.toLowerCase();
    const known = choices.get(name) ?? { key, values: new Set<ContextValue>([ABSENT]) };
    for (const value of values) known.values.add(value);
    choices.set(name, known);
  };
  const carries = (key: string): boolean => facts.conditionKeys.includes(key.toLowerCase());
  const roles = account.serviceRoles;
  if (carries("cloudformation:RoleArn")) {
    const pinned = ["production", ...nonProduction].flatMap((name) => roles[name] ?? []);
    offer("cloudformation:RoleArn", [...pinned, `arn:aws:iam::${account.id}:role/deploy-admin`]);
  }
  if (carries("cloudformation:ChangeSetName"))
    offer("cloudformation:ChangeSetName", ["twokey-fix", "release"]);
  if (carries("cloudformation:ImportResourceTypes")) {
    offer("cloudformation:ImportResourceTypes", [IMPORTED]);
  }
  if (carries("iam:PassedToService")) {
    offer("iam:PassedToService", ["cloudformation.amazonaws.com", "lambda.amazonaws.com"]);
  }
  if (carries("kms:ViaService")) offer("kms:ViaService", [`dynamodb.${place.region}.amazonaws.com`]);
  const service = facts.name.slice(0, facts.name.indexOf(":"));
  if (carries(`${service}:CreateAction`))
    offer(`${service}:CreateAction`, ["CreateStack", "PublishedTomorrow"]);
  for (const block of stated) {
    for (const [key, wanted] of Object.values(block).flatMap((keys) => Object.entries(keys))) {
      const values = typeof wanted === "string" ? [wanted] : wanted.slice(0, MOST_NAMED);
      offer(key, [...values.map((value) => concreteArn(value, place, "x1")), "other"]);
    }
  }
  return combinations([...choices.values()]);
}

const IMPORTED: readonly string[] = ["AWS::S3::Bucket"];

function combinations(
  choices: readonly { readonly key: string; readonly values: ReadonlySet<ContextValue> }[],
): readonly Context[] {
  return choices.reduce<readonly Context[]>(
    (all, { key, values }) =>
      all.flatMap((context) =>
        [...values].map((value) => (value === ABSENT ? context : { ...context, [key]: value })),
      ),
    [{}],
  );
}
