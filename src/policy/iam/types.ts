/**
 * The words of the IAM policy language: a document as AWS writes it, the request it is asked about, and the
 * answer. Types only; parse.ts makes documents, evaluate.ts answers.
 */

/** IAM policy JSON as AWS publishes the grammar. What the compiler emits and what STS is sent. */
export interface PolicyDocument {
  readonly Version: "2012-10-17" | "2008-10-17";
  readonly Id?: string;
  readonly Statement: readonly Statement[];
}

export type OneOrMany = string | readonly string[];

export type ConditionBlock = Readonly<Record<string, Readonly<Record<string, OneOrMany>>>>;

export type PrincipalBlock = "*" | Readonly<Record<string, OneOrMany>>;

export interface Statement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: PrincipalBlock;
  readonly NotPrincipal?: PrincipalBlock;
  readonly Action?: OneOrMany;
  readonly NotAction?: OneOrMany;
  readonly Resource?: OneOrMany;
  readonly NotResource?: OneOrMany;
  readonly Condition?: ConditionBlock;
}

/** A context value as AWS carries it: absent keys are absent, never empty strings. */
export type ContextValue = string | number | boolean | readonly string[];

/**
 * One action on one resource by one principal: the unit AWS authorises.
 * `principal.arn` is a user, root, service, or role-session ARN
 * (`arn:aws:sts::<account>:assumed-role/<role name>/<session name>`); a role session's own role, whose path the
 * session ARN drops, is `principal.roleArn` or, failing that, the context's `aws:PrincipalArn`.
 */
export interface EvaluationRequest {
  readonly principal: { readonly arn: string; readonly account: string; readonly roleArn?: string };
  /** `service:Action`, any case. */
  readonly action: string;
  /** An ARN, or `*` for actions that touch no resource. */
  readonly resource: string;
  readonly resourceAccount: string;
  /** Condition keys in any case, e.g. `aws:ResourceTag/environment`. */
  readonly context: Readonly<Record<string, ContextValue>>;
}

export type Layer = "identity" | "resource" | "boundary" | "session" | "scp";

export type Decision = "allowed" | "explicitDeny" | "implicitDeny";

/** One statement that matched. `policy` is the index of its document in the layer; for SCPs, `level.index`. */
export interface MatchedStatement {
  readonly layer: Layer;
  readonly policy: string;
  /** The Sid, or the statement's index in its document. */
  readonly statement: string;
  readonly effect: "Allow" | "Deny";
}

export interface Evaluation {
  readonly decision: Decision;
  /** Every Deny that matched, or, where none did, the Allows that matched, by layer. */
  readonly matched: readonly MatchedStatement[];
  /** One sentence for a person: which statement or missing layer decided. */
  readonly reason: string;
}
