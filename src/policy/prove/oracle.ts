/**
 * What a session of a template may do at most, said a second time and independently of the compiler: the proof holds
 * every decision of the compiled policy against it. Whatever is not permitted here must be an explicit deny.
 *
 * Taken as given: the list of safe reads, the guardrails (tag, non-production values, non-production ARNs, floor),
 * accounts.yaml's pinned roles, the published action data, and the template's own statements as its author wrote
 * them. Not taken from the compiler: how pairs are sorted, which are fenced, what is exempt; see made-and-used.ts.
 */
import { accountValues, fillStatement, type FilledStatement } from "../fill.ts";
import { globMatch } from "../iam/match.ts";
import type { ConditionBlock, ContextValue } from "../iam/types.ts";
import type { ActionFacts } from "../knowledge.ts";
import { isSafeRead } from "../safe-reads.ts";
import type { Guardrails, Template } from "../set.ts";
import type { ProofCase } from "./cases.ts";
import { isMade, isMerelyUsed, makesSomething } from "./made-and-used.ts";
import type { Context, Question } from "./question.ts";

/** Why a request may be allowed. `used`: named by the template and left as it was, such as a role passed on. */
export type Permission = "safeRead" | "nonProduction" | "exception" | "approved" | "used";

export type Oracle = (question: Question) => Permission | null;

interface Stated extends FilledStatement {
  readonly action: readonly string[];
}

interface Rules {
  readonly template: Template;
  readonly guardrails: Guardrails;
  readonly stated: readonly Stated[];
  readonly nonProduction: ReadonlySet<string>;
  readonly nonProductionArns: readonly RegExp[];
  /** The pinned role by environment, lower case. */
  readonly roles: ReadonlyMap<string, string>;
}

export function oracleFor(
  template: Template,
  guardrails: Guardrails,
  { account, parameters }: ProofCase,
): Oracle {
  const values = new Map([
    ...Object.entries(parameters),
    ...accountValues(account, guardrails.nonProduction),
  ]);
  const rules: Rules = {
    template,
    guardrails,
    stated: template.allow.flatMap((statement) => {
      const filled = fillStatement(statement, values);
      return filled === null ? [] : [{ action: statement.action, ...filled }];
    }),
    nonProduction: new Set(guardrails.nonProduction.map((value) => value.toLowerCase())),
    nonProductionArns: guardrails.nonProductionArns.map(byParts),
    roles: new Map(Object.entries(account.serviceRoles).map(([name, arn]) => [name.toLowerCase(), arn])),
  };
  return (question) => permission(rules, question);
}

function permission(rules: Rules, question: Question): Permission | null {
  const { facts, request } = question;
  const stated = rules.stated.filter((statement) => states(statement, question));
  if (stated.length === 0) return null;
  if (isSafeRead(facts)) return "safeRead";
  if (facts.accessLevels.includes("Permissions management") || onFloor(rules, facts)) return null;
  if (!hasRightRole(rules, question) || !hasRightCompany(question)) return null;
  if (rules.template.kind === "escalation") {
    return stated.some(({ resource }) => resource.includes(request.resource)) && request.resource !== "*"
      ? "approved"
      : null;
  }
  if (marksAsProduction(rules, request.context)) return null;
  if (isNonProduction(rules, question)) return "nonProduction";
  if (isUsed(question, stated)) return "used";
  return isStatedException(rules, question) ? "exception" : null;
}

/** A change set may be prepared on production, but for one that would change what production is. */
function isStatedException(rules: Rules, question: Question): boolean {
  const { template, guardrails } = rules;
  const { facts, request } = question;
  const { context } = request;
  if (template.exceptions.includes("tag-new-resources") && tagsWhatHasNone(rules, question)) return true;
  return (
    facts.name === "cloudformation:CreateChangeSet" &&
    template.exceptions.includes("prepare-change-set") &&
    !touchesTag(guardrails, context)
  );
}

/** The template's author wrote this down. */
function states(statement: Stated, { request }: Question): boolean {
  return (
    statement.action.some((pattern) => globMatch(pattern, request.action, { ignoreCase: true })) &&
    statement.resource.some((pattern) => globMatch(pattern, request.resource)) &&
    conditionsHold(statement.condition, request.context)
  );
}

function conditionsHold(block: ConditionBlock, context: Context): boolean {
  return Object.entries(block).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const value = textOf(valueIn(context, key));
      const list = typeof wanted === "string" ? [wanted] : wanted;
      return value !== null && list.some((one) => textHolds(operator, one, value));
    }),
  );
}

/** An operator that is not known here holds for nothing, so that the session must deny. */
function textHolds(operator: string, wanted: string, value: string): boolean {
  switch (operator) {
    case "StringEquals":
      return wanted === value;
    case "StringEqualsIgnoreCase":
      return wanted.toLowerCase() === value.toLowerCase();
    case "StringLike":
      return globMatch(wanted, value);
    case "ArnEquals":
    case "ArnLike": {
      const [patterns, parts] = [wanted, value].map((arn) => [
        ...arn.split(":").slice(0, 5),
        arn.split(":").slice(5).join(":"),
      ]);
      return patterns?.every((pattern, index) => globMatch(pattern, parts?.[index] ?? "")) ?? false;
    }
    default:
      return false;
  }
}

const onFloor = ({ guardrails }: Rules, { name }: ActionFacts): boolean =>
  guardrails.floor.some((pattern) => globMatch(pattern, name, { ignoreCase: true }));

/** Calls that put a role to work for a stack and all its later callers. */
const LENDS_A_ROLE =
  /^cloudformation:(?:Create(?:Stack|ChangeSet|StackSet)|Update(?:Stack|StackSet)|RollbackStack|ContinueUpdateRollback)$/;

/** The role pinned for the environment: that of the resource, or, for a new one outside production, of the request. */
function hasRightRole(rules: Rules, { facts, type, request: { context } }: Question): boolean {
  if (!LENDS_A_ROLE.test(facts.name)) return true;
  const isNew = type !== null && isMade(facts, type) && rules.template.kind === "standing";
  const key = `aws:${isNew ? "Request" : "Resource"}Tag/${rules.guardrails.environmentTag}`;
  const value = textOf(valueIn(context, key))?.toLowerCase();
  const environment = value !== undefined && rules.nonProduction.has(value) ? value : "production";
  return textOf(valueIn(context, "cloudformation:RoleArn")) === rules.roles.get(environment);
}

/** Conditions AWS gives some actions, without which no fence around them means anything. */
function hasRightCompany({ facts, request: { context } }: Question): boolean {
  const [service] = facts.name.split(":");
  if (service === "kms") return valueIn(context, "kms:ViaService") !== undefined;
  if (facts.name === "iam:PassRole") return valueIn(context, "iam:PassedToService") !== undefined;
  if (!/^cloudformation:(?:Create|Delete|Execute)ChangeSet$/.test(facts.name)) return true;
  const name = textOf(valueIn(context, "cloudformation:ChangeSetName"));
  return (
    name !== null &&
    /^(?:arn:[^/]*:changeSet\/)?twokey-/.test(name) &&
    valueIn(context, "cloudformation:ImportResourceTypes") === undefined
  );
}

/** CloudFormation's own role gives a resource without an environment the first one, not production. */
function tagsWhatHasNone(
  { template, guardrails, nonProduction }: Rules,
  { facts, request: { context } }: Question,
): boolean {
  const said = textOf(valueIn(context, `aws:RequestTag/${guardrails.environmentTag}`));
  return (
    template.role === "stack_service" &&
    facts.accessLevels.includes("Tagging") &&
    !/:Untag/.test(facts.name) &&
    valueIn(context, `aws:ResourceTag/${guardrails.environmentTag}`) === undefined &&
    said !== null &&
    nonProduction.has(said.toLowerCase())
  );
}

/** The request removes the environment tag, or sets it to what is not known to be harmless. */
function marksAsProduction({ guardrails, nonProduction }: Rules, context: Context): boolean {
  const value = textOf(valueIn(context, `aws:RequestTag/${guardrails.environmentTag}`));
  return touchesTag(guardrails, context) && (value === null || !nonProduction.has(value.toLowerCase()));
}

function touchesTag({ environmentTag }: Guardrails, context: Context): boolean {
  const keys = valueIn(context, "aws:TagKeys");
  const tag = environmentTag.toLowerCase();
  return Array.isArray(keys) && keys.some((key: string) => key.toLowerCase() === tag);
}

function isNonProduction(rules: Rules, question: Question): boolean {
  const { resource } = question.request;
  if (resource !== "*" && rules.nonProductionArns.some((arn) => arn.test(resource))) return true;
  const value = environmentOf(rules, question);
  return value !== null && rules.nonProduction.has(value.toLowerCase());
}

/** What AWS will know of the resource's environment: for a new one the request says, for others their tag. */
function environmentOf(
  { guardrails }: Rules,
  { facts, type, request: { context } }: Question,
): string | null {
  if (type !== null && isMade(facts, type))
    return textOf(valueIn(context, `aws:RequestTag/${guardrails.environmentTag}`));
  if (type?.tagged !== true || /^(?:s3:|iam:PassRole$)/.test(facts.name)) return null;
  return textOf(valueIn(context, `aws:ResourceTag/${guardrails.environmentTag}`));
}

/** Referred to and left as it was: also a role that the template passes on by its exact ARN to a named service. */
function isUsed({ facts, type, request }: Question, stated: readonly Stated[]): boolean {
  if (facts.name === "iam:PassRole")
    return stated.some(({ resource }) => resource.includes(request.resource));
  // Asked only as a part of the creating call, which is proved for itself; no caller can set this key.
  const [service = ""] = facts.name.split(":");
  const call = textOf(valueIn(request.context, `${service}:CreateAction`));
  if (facts.accessLevels.includes("Tagging") && call !== null && makesSomething(`${service}:${call}`))
    return true;
  return type !== null && isMerelyUsed(facts, type);
}

function valueIn(context: Context, key: string): ContextValue | undefined {
  const name = key.toLowerCase();
  const found = Object.keys(context).find((candidate) => candidate.toLowerCase() === name);
  return found === undefined ? undefined : context[found];
}

const textOf = (value: ContextValue | undefined): string | null => (typeof value === "string" ? value : null);

/** `*` stays within one part of the ARN, though in IAM it crosses `/` and `:`; only at the end it means all below. */
function byParts(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("?", "[^/:]")
    .replace(/\*(?=.)/g, "[^/:]*")
    .replace(/\*$/, ".*");
  return new RegExp(`^${source}$`);
}
