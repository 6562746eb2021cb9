/**
 * The policy set: everything in `policies/`, parsed, immutable. Its digest is the policy version in every audit
 * entry. parse-set.ts makes it from text; nothing else does.
 */
import type { FrozenRule } from "../escalation/escalation.ts";
import type { AgentRegistry, Person } from "../identity/registry.ts";
import type { Intent } from "../identity/task.ts";
import type { ConditionBlock } from "./iam/types.ts";

/** guardrails.yaml: what is production, and what no AI session may ever do. */
export interface Guardrails {
  /** The tag key that says which environment a resource belongs to, e.g. `environment`. */
  readonly environmentTag: string;
  /** Tag values known not to be production. Everything else, and no tag at all, is production. */
  readonly nonProduction: readonly string[];
  /** ARN patterns known not to be production, for resources whose tags AWS does not honour. */
  readonly nonProductionArns: readonly string[];
  /** Action patterns no template may reach, whoever approves. */
  readonly floor: readonly string[];
  readonly freezeRules: FreezeRules;
}

/** So many within so long: more is no honest work. */
export interface FreezeRule {
  readonly count: number;
  readonly seconds: number;
}

/** When an agent is frozen by itself; null: never for that. */
export interface FreezeRules {
  /** Its requests that were refused. */
  readonly refusals: FreezeRule | null;
  /** The sessions it asked STS for. */
  readonly sessions: FreezeRule | null;
  /** The same request, in a loop. */
  readonly repeats: FreezeRule | null;
}

/** The AI roles of an account. */
export const ROLE_NAMES = ["observer", "operator", "escalated"] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

/** What a template may be for: an AI role, or the role that CloudFormation acts with outside production. */
export const TEMPLATE_ROLES = [...ROLE_NAMES, "stack_service"] as const;
export type TemplateRole = (typeof TEMPLATE_ROLES)[number];

export interface Account {
  /** Twelve digits. */
  readonly id: string;
  readonly name: string;
  /** Region whose STS endpoint is used, e.g. `us-east-1`. */
  readonly region: string;
  /** The broker's own external id for this account. */
  readonly externalId: string;
  readonly roles: Readonly<Record<RoleName, string>>;
  /** Pinned CloudFormation service role by environment (tag value); `production` included. ARNs. */
  readonly serviceRoles: Readonly<Record<string, string>>;
}

/** One parameter of a template. Values are matched whole against one of the globs. */
export interface ParameterSpec {
  readonly description: string;
  /** Globs (`*`, `?`) of which a value must match one, case-sensitively. The worst case `check` reasons with. */
  readonly like: readonly string[];
  readonly optional: boolean;
  /** Most values at once; 1 for a single value. */
  readonly max: number;
  /** Most characters of a value; 512 where it is not said. Bounds how large the session policy can get. */
  readonly longest?: number | undefined;
}

/** An Allow statement of a template. Strings may hold `${parameter}`, `${account}` and `${region}`. */
export interface TemplateStatement {
  readonly sid: string | null;
  readonly action: readonly string[];
  readonly resource: readonly string[];
  readonly condition: ConditionBlock;
}

/** A case of a template's own `expect:`; the request is evaluated against the compiled session policy. */
export interface Expectation {
  readonly title: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string | readonly string[]>>;
  readonly decision: "allowed" | "explicitDeny" | "implicitDeny";
}

export interface Template {
  readonly name: string;
  readonly kind: "standing" | "escalation";
  readonly title: string;
  readonly description: string;
  /** `stack_service`: says what CloudFormation may do for a stack outside production; never vended to an agent. */
  readonly role: TemplateRole;
  /** The most this template serves. */
  readonly intent: Intent;
  /** Account ids it may be used in; null: every account of accounts.yaml. */
  readonly accounts: readonly string[] | null;
  readonly duration: { readonly defaultSeconds: number; readonly maxSeconds: number };
  readonly parameters: Readonly<Record<string, ParameterSpec>>;
  /** Exceptions from the fence this template states by name; see compile.ts. */
  readonly exceptions: readonly FenceException[];
  readonly allow: readonly TemplateStatement[];
  readonly expect: readonly Expectation[];
  /** For messages: the file's name inside the policy folder. */
  readonly file: string;
}

/**
 * `prepare-change-set`: CreateChangeSet of `twokey-*` names on production stacks, which changes nothing.
 * `tag-new-resources`, for `stack_service` alone: what has no environment tag yet may be given a non-production one.
 * CloudFormation tags what it creates, and most services cannot say that the resource is new.
 */
export const FENCE_EXCEPTIONS = ["prepare-change-set", "tag-new-resources"] as const;
export type FenceException = (typeof FENCE_EXCEPTIONS)[number];

/** approvals.yaml, one rule. The first rule that fits template and account decides. */
export interface ApprovalRule {
  readonly templates: readonly string[];
  /** Account ids; null: every account. */
  readonly accounts: readonly string[] | null;
  readonly quorum: number;
  readonly groups: readonly string[];
  readonly evidence: "passkey";
  readonly pendingSeconds: number;
  readonly usableSeconds: number;
}

export interface PolicySet {
  /** SHA-256, hex, over the canonical form of the whole set and the action data's version. */
  readonly digest: string;
  readonly guardrails: Guardrails;
  readonly accounts: readonly Account[];
  readonly registry: AgentRegistry;
  readonly people: readonly Person[];
  readonly approvals: readonly ApprovalRule[];
  /** Groups whose members may invite people and take passkeys away. Empty: nobody may. */
  readonly administrators: readonly string[];
  /** Who decides a change of this set; null: a changed folder is served at once (`activation: immediate`). */
  readonly activation: FrozenRule | null;
  readonly templates: readonly Template[];
}

/** One fault in the policy folder. `line` and `column` count from 1. */
export interface PolicyFault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** What to do, e.g. "did you mean `cloudformation:DescribeStacks`?"; null when there is no good guess. */
  readonly fix: string | null;
}
