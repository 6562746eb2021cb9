/**
 * The policy decision on an escalation: may this agent ask people for this, what exactly would they decide, and is
 * that, to the byte, still what would be minted now? Pure. A missing template, account, owner or rule refuses.
 */
import { createHash } from "node:crypto";
import type { ChangeSet, FrozenRule, SessionContent } from "../escalation/escalation.ts";
import type { Failure } from "../failure.ts";
import type { Agent } from "../identity/agent.ts";
import { personById } from "../identity/approver.ts";
import type { Task } from "../identity/task.ts";
import { err, ok, type Result } from "../result.ts";
import {
  maySentence,
  openTemplate,
  planSession,
  servesIntent,
  type IssuePlan,
  type SessionWish,
} from "./decide.ts";
import { canonicalJson } from "./digest.ts";
import type { ServedPolicy } from "./serve.ts";

export interface EscalationPlan {
  readonly plan: IssuePlan;
  readonly rule: FrozenRule;
  /** See SessionContent. */
  readonly templateVersion: string;
}

export function decideEscalation(
  agent: Agent,
  wish: SessionWish,
  policy: ServedPolicy,
): Result<EscalationPlan, Failure> {
  const prepared = openTemplate(agent, wish.template, policy);
  if (!prepared.ok) return prepared;
  const { template } = prepared.value;
  if (template.kind === "standing") return err({ code: "template_is_standing", template: template.name });
  const intent = servesIntent(agent, wish, template, policy);
  if (!intent.ok) return intent;
  // Without a known owner nobody would be excluded from deciding.
  if (personById(agent.owner, policy.set.people) === null) {
    return err({ code: "owner_not_resolved", owner: agent.owner });
  }
  const plan = planSession(prepared.value, wish, policy);
  if (!plan.ok) return plan;
  const rule = ruleFor(plan.value, policy);
  if (rule === null) {
    return err({ code: "no_approval_rule", template: template.name, account: plan.value.account.id });
  }
  return ok({ plan: plan.value, rule, templateVersion: templateVersion(plan.value, policy) });
}

/** The first rule that fits decides. */
function ruleFor({ template, account }: IssuePlan, policy: ServedPolicy): FrozenRule | null {
  const found = policy.set.approvals.find(
    ({ templates, accounts }) =>
      templates.includes(template.name) && (accounts === null || accounts.includes(account.id)),
  );
  if (found === undefined) return null;
  const { quorum, groups, evidence, pendingSeconds, usableSeconds } = found;
  return { quorum, groups, evidence, pendingSeconds, usableSeconds };
}

/** SHA-256, hex, of the template, the guardrails and the account's entry. */
function templateVersion({ template, account }: IssuePlan, policy: ServedPolicy): string {
  const version = canonicalJson({ template, account, guardrails: policy.set.guardrails });
  return createHash("sha256").update(`twokey-template-v1\n${version}`, "utf8").digest("hex");
}

/** What an escalation's content has besides the plan. */
export interface Asked {
  readonly id: string;
  readonly agent: Pick<Agent, "name" | "owner" | "proof">;
  readonly reason: string;
  readonly task: Task;
  /** Every session tag but `twokey:session`. */
  readonly tags: SessionContent["tags"];
  readonly changeSets: readonly ChangeSet[];
}

export function sessionContent(
  { plan, rule, templateVersion }: EscalationPlan,
  { id, agent, reason, task, tags, changeSets }: Asked,
): SessionContent {
  return {
    kind: "session",
    id,
    agent: agent.name,
    owner: agent.owner,
    proof: agent.proof,
    account: plan.account.id,
    roleArn: plan.roleArn,
    template: plan.template.name,
    templateVersion,
    parameters: plan.parameters,
    policy: plan.compiled.policy,
    policyArns: plan.compiled.policyArns,
    tags,
    durationSeconds: plan.durationSeconds,
    reason,
    task,
    rule,
    changeSets,
  };
}

/**
 * The plan of a grant, decided and compiled again from the policy served now. Refuses where that is not, to the byte,
 * what was approved (security case 35). `agent`: as registered now; `tags`: as the mint would send them.
 */
export function replan(
  { content, canonical }: { readonly content: SessionContent; readonly canonical: string },
  agent: Pick<Agent, "name" | "owner" | "templates">,
  tags: SessionContent["tags"],
  policy: ServedPolicy,
): Result<IssuePlan, Failure> {
  const { id, reason, task, proof, changeSets, template, parameters, account, durationSeconds } = content;
  const asking = { ...agent, proof };
  const wish = { template, parameters, account, durationSeconds, task };
  const decided = decideEscalation(asking, wish, policy);
  if (!decided.ok) return decided;
  const now = sessionContent(decided.value, { id, agent: asking, reason, task, tags, changeSets });
  if (canonicalJson(now) === canonical) return ok(decided.value.plan);
  return err({ code: "policy_changed", escalation: id, field: firstDifference(now, content) });
}

function firstDifference(now: SessionContent, then: SessionContent): string {
  const fields = Object.keys(now) as (keyof SessionContent)[];
  return fields.find((field) => canonicalJson(now[field]) !== canonicalJson(then[field])) ?? "canonical form";
}

/** What the session could do, in one sentence, as far as the policy served now knows its template and account. */
export function mayOf(
  { template, account, parameters }: Pick<SessionContent, "template" | "account" | "parameters">,
  policy: ServedPolicy,
): string {
  const prepared = policy.templates.get(template);
  const known = policy.set.accounts.find(({ id }) => id === account);
  return prepared === undefined || known === undefined
    ? `${template}, in account ${account}; the policy served now does not have it.`
    : maySentence(prepared, known, parameters);
}

/** A request for the session of a grant, syntax checked. What is null was not said. */
export interface GrantWish {
  readonly escalation: string;
  readonly template: string | null;
  readonly parameters: Readonly<Record<string, readonly string[]>> | null;
  readonly account: string | null;
  readonly durationSeconds: number | null;
}

/** The first field that says something else than what was approved (security case 34), or null. */
export function mismatch(content: SessionContent, wish: GrantWish): string | null {
  if (wish.template !== null && wish.template !== content.template) return "template";
  if (wish.account !== null && wish.account !== content.account) return "account";
  if (wish.durationSeconds !== null && wish.durationSeconds !== content.durationSeconds) return "duration";
  if (wish.parameters === null) return null;
  const [wanted, approved] = [
    new Map(Object.entries(wish.parameters)),
    new Map(Object.entries(content.parameters)),
  ];
  const other = [...new Set([...wanted.keys(), ...approved.keys()])].find(
    (name) => JSON.stringify(wanted.get(name)) !== JSON.stringify(approved.get(name)),
  );
  return other === undefined ? null : `parameters.${other}`;
}
