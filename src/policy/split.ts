/**
 * The split form: which statements of a session policy can stand in managed policies that are published before
 * anybody asks for a session. Those that depend on no parameter, and Denies only: what a session may do stays where
 * it can be read. A statement moves whole or stays.
 *
 * A published policy is named by the hash of its document and never changed: a session token holds the ARN alone,
 * so a new version would change what was approved.
 */
import { createHash } from "node:crypto";
import { canonicalJson } from "./digest.ts";
import type { PolicyDocument, Statement } from "./iam/types.ts";
import type { PreparedTemplate } from "./prepare.ts";
import { statementsOf, type CompileInput } from "./statements.ts";
import type { Account, Template } from "./set.ts";

/** IAM: characters of a managed policy, white space not counted. */
export const MANAGED_POLICY_LIMIT = 6144;
/** STS: managed policies of one session. */
const MOST_ARNS = 10;
/** IAM path of everything Twokey publishes. */
export const PUBLISHED_PATH = "/twokey/";
/** Of 24 hex digits, 96 bits: an ARN counts towards the packed size, so it is not longer than it must be. */
const HASH_LENGTH = 24;
/** Each optional parameter doubles the sessions a template stands for. One with more is not split. */
const MOST_OPTIONAL = 6;

/** A managed policy as it is, or should be, in IAM. */
export interface PublishedPolicy {
  /** Account id. */
  readonly account: string;
  readonly name: string;
  readonly arn: string;
  readonly document: PolicyDocument;
  /** The document's JSON without white space. */
  readonly text: string;
}

/** A published policy's name: whose it is, and the hash of its document. */
export const PUBLISHED_NAME = /^[a-z0-9-]+-[0-9a-f]{24}$/;

/** The statements as policies of `account`, filled in order. A statement too large for any is left out. */
export function publish(
  name: string,
  account: Account,
  statements: readonly Statement[],
): readonly PublishedPolicy[] {
  const groups: Statement[][] = [];
  for (const statement of statements) {
    if (sizeOf([statement]) > MANAGED_POLICY_LIMIT) continue;
    const last = groups.at(-1);
    if (last !== undefined && sizeOf([...last, statement]) <= MANAGED_POLICY_LIMIT) last.push(statement);
    else groups.push([statement]);
  }
  return groups.map((group) => published(name, account, documentOf(group)));
}

const documentOf = (statements: readonly Statement[]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: statements,
});

const sizeOf = (statements: readonly Statement[]): number => JSON.stringify(documentOf(statements)).length;

function published(name: string, account: Account, document: PolicyDocument): PublishedPolicy {
  const hash = createHash("sha256").update(canonicalJson(document), "utf8").digest("hex");
  const full = `${name}-${hash.slice(0, HASH_LENGTH)}`;
  // A role of the account knows its partition: `aws`, or one of those with borders of their own.
  const partition = account.roles.operator.split(":")[1] ?? "aws";
  return {
    account: account.id,
    name: full,
    arn: `arn:${partition}:iam::${account.id}:policy${PUBLISHED_PATH}${full}`,
    document,
    text: JSON.stringify(document),
  };
}

/**
 * The policies that stand behind a session with these parameters. Which optional parameters are given matters, their
 * values do not. Empty where the template cannot be split.
 */
export function publishedFor(prepared: PreparedTemplate, input: CompileInput): readonly PublishedPolicy[] {
  const { template } = prepared;
  if (template.role === "stack_service" || optionalOf(template).length > MOST_OPTIONAL) return [];
  const given = Object.entries(input.parameters).filter(([, values]) => values.length > 0);
  const marked = Object.fromEntries(given.map(([name]) => [name, [MARK]]));
  const statements = statementsOf(prepared, { account: input.account, parameters: marked });
  if (!statements.ok) return [];
  const movable = statements.value.filter(
    (statement) => statement.Effect === "Deny" && !JSON.stringify(statement).includes(MARK_IN_JSON),
  );
  const policies = publish(template.name, input.account, movable);
  return policies.length > MOST_ARNS ? [] : policies;
}

/** Stands for a parameter's value. No template and no value can hold it. */
const MARK = "\u0000";
const MARK_IN_JSON = "\\u0000";

/**
 * The statements that stay inline, or null where the session cannot be split. Every published statement must be one
 * of the session's own: if a value made one merge with another, the session is not what was published.
 */
export function withoutPublished(
  statements: readonly Statement[],
  policies: readonly PublishedPolicy[],
): readonly Statement[] | null {
  const moved = new Set(policies.flatMap(({ document }) => document.Statement.map(canonicalJson)));
  const left = statements.filter((statement) => !moved.has(canonicalJson(statement)));
  return moved.size > 0 && statements.length - left.length === moved.size ? left : null;
}

/** Everything that sessions of this template in this account may refer to, each once. */
export function everyPublished(prepared: PreparedTemplate, account: Account): readonly PublishedPolicy[] {
  const { template } = prepared;
  const optional = optionalOf(template);
  if (optional.length > MOST_OPTIONAL) return [];
  const required = Object.keys(template.parameters).filter((name) => !optional.includes(name));
  const found = new Map<string, PublishedPolicy>();
  for (let given = 0; given < 2 ** optional.length; given += 1) {
    const names = [...required, ...optional.filter((_, index) => (given & (1 << index)) !== 0)];
    const parameters = Object.fromEntries(names.map((name) => [name, [MARK]]));
    for (const policy of publishedFor(prepared, { account, parameters })) found.set(policy.arn, policy);
  }
  return [...found.values()];
}

const optionalOf = ({ parameters }: Template): readonly string[] =>
  Object.entries(parameters).flatMap(([name, { optional }]) => (optional ? [name] : []));
