/** Shortest way to ask the evaluator in a test: a statement list becomes a parsed policy, a request is filled up. */
import { evaluate, type PolicyLayers } from "../../src/policy/iam/evaluate.ts";
import { parsePolicy, type ParsedPolicy } from "../../src/policy/iam/parse.ts";
import type { Evaluation, EvaluationRequest, Statement } from "../../src/policy/iam/types.ts";

export const ACCOUNT = "111122223333";
export const OTHER_ACCOUNT = "444455556666";
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/twokey/operator`;
export const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/operator/deploy-agent-1`;
export const USER = `arn:aws:iam::${ACCOUNT}:user/orders-lead`;

export type Question = Partial<Omit<EvaluationRequest, "principal">> & {
  readonly by?: string;
  /** The caller's account, where its ARN does not say it. */
  readonly account?: string;
  readonly roleArn?: string;
};

export interface Asked {
  readonly identity?: readonly Statement[];
  readonly session?: readonly Statement[];
  readonly boundary?: readonly Statement[];
  readonly scp?: readonly (readonly Statement[])[];
  readonly resource?: readonly Statement[];
  readonly trust?: readonly Statement[];
}

export function parsed(
  statements: readonly Statement[],
  kind: ParsedPolicy["kind"] = "identity",
  version = "2012-10-17",
): ParsedPolicy {
  const policy = parsePolicy(
    { Version: version, Statement: statements },
    { resourcePolicy: kind !== "identity", allowMissingResource: kind === "trust" },
  );
  if (!policy.ok) throw new Error(policy.error.join("; "));
  return policy.value;
}

export function layers(asked: Asked): PolicyLayers {
  const maybe = (statements: readonly Statement[] | undefined) =>
    statements === undefined ? null : [parsed(statements)];
  const resource = asked.resource === undefined ? null : parsed(asked.resource, "resource");
  return {
    identity: asked.identity === undefined ? [] : [parsed(asked.identity)],
    session: maybe(asked.session),
    boundary: maybe(asked.boundary),
    scp: asked.scp?.map((level) => [parsed(level)]) ?? null,
    resource: asked.trust === undefined ? resource : parsed(asked.trust, "trust"),
  };
}

const accountOf = (arn: string): string => /^arn:[^:]*:[^:]*:[^:]*:(\d{12}):/.exec(arn)?.[1] ?? "";

export function question({
  by = SESSION,
  roleArn,
  account = accountOf(by),
  ...rest
}: Question): EvaluationRequest {
  const role = roleArn ?? (by === SESSION ? ROLE : undefined);
  return {
    principal: { arn: by, account, ...(role === undefined ? {} : { roleArn: role }) },
    action: "s3:GetObject",
    resource: "arn:aws:s3:::orders/2026.csv",
    resourceAccount: ACCOUNT,
    context: {},
    ...rest,
  };
}

export const ask = (asked: Asked, request: Question = {}): Evaluation =>
  evaluate(question(request), layers(asked));

export const ALLOW_ALL: Statement = { Effect: "Allow", Action: "*", Resource: "*" };
