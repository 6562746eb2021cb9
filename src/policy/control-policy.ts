/**
 * Service and resource control policies as documents of Organizations: 5,120 characters each, five on one target with
 * AWS's own. All of ours are attached to the same targets, so a Deny is as good in any of them.
 */
import { err, ok, type Result } from "../result.ts";
import type { PolicyDocument, Statement } from "./iam/types.ts";

/** Organizations: characters of a service or resource control policy. */
export const CONTROL_POLICY_LIMIT = 5120;
/** Service control policies on one target, beside FullAWSAccess. */
export const MOST_POLICIES = 4;

export interface ControlPolicy {
  readonly name: string;
  readonly description: string;
  readonly document: PolicyDocument;
  /** Its JSON without white space: what Organizations counts. */
  readonly text: string;
}

export interface Contents {
  readonly name: string;
  readonly description: string;
  readonly statements: readonly Statement[];
}

export type PackFault =
  | { readonly reason: "statement_too_large"; readonly policy: string; readonly size: number }
  | { readonly reason: "too_many_policies"; readonly policies: number; readonly limit: number };

/** Each in a policy of its own name; what has no room there goes to another's. A Deny is never dropped. */
export function packed(contents: readonly Contents[]): Result<readonly ControlPolicy[], PackFault> {
  const filled = contents.map(({ name, description }) => ({
    name,
    description,
    statements: [] as Statement[],
  }));
  const left: { readonly name: string; readonly statement: Statement }[] = [];
  for (const [index, { name, statements }] of contents.entries()) {
    for (const statement of statements) {
      const size = textOf([statement]).length;
      if (size > CONTROL_POLICY_LIMIT) return err({ reason: "statement_too_large", policy: name, size });
      if (!put(filled[index], statement)) left.push({ name, statement });
    }
  }
  for (const { name, statement } of left) {
    if (filled.some((policy) => put(policy, statement))) continue;
    const more = contents.find((content) => content.name === name);
    filled.push({
      name: `${name}-${filled.length + 1}`,
      description: more?.description ?? "",
      statements: [statement],
    });
  }
  if (filled.length > MOST_POLICIES)
    return err({ reason: "too_many_policies", policies: filled.length, limit: MOST_POLICIES });
  return ok(
    filled.map(({ statements, ...rest }) => ({
      ...rest,
      document: documentOf(statements),
      text: textOf(statements),
    })),
  );
}

function put(policy: { readonly statements: Statement[] } | undefined, statement: Statement): boolean {
  if (policy === undefined || textOf([...policy.statements, statement]).length > CONTROL_POLICY_LIMIT)
    return false;
  policy.statements.push(statement);
  return true;
}

export const documentOf = (statements: readonly Statement[]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: statements,
});

const textOf = (statements: readonly Statement[]): string => JSON.stringify(documentOf(statements));
