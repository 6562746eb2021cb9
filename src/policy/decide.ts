/**
 * The policy decision: may this agent have this session, and what exactly would it be? Pure. A missing template,
 * account, role or rule refuses.
 */
import type { Failure } from "../failure.ts";
import type { Agent } from "../identity/agent.ts";
import { INTENTS, type Intent, type Task } from "../identity/task.ts";
import { err, ok, type Result } from "../result.ts";
import { compile, compileSplit, type CompileFault, type CompileInput } from "./compile.ts";
import type { CompiledSession } from "./compiled.ts";
import { escalateCommand } from "./escalate-command.ts";
import { acceptParameters } from "./parameters.ts";
import type { PreparedTemplate } from "./prepare.ts";
import type { ServedPolicy } from "./serve.ts";
import { roleArnOf } from "./role-arn.ts";
import type { Account, Template } from "./set.ts";

/** A request for a session as the agent made it, syntax already checked. */
export interface SessionWish {
  readonly template: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly account: string | null;
  /** Seconds; null takes the template's default. */
  readonly durationSeconds: number | null;
  readonly task: Task;
}

export interface IssuePlan {
  readonly template: Template;
  readonly account: Account;
  readonly roleArn: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly durationSeconds: number;
  readonly compiled: CompiledSession;
  /** What the session may do, in one sentence, for the agent and its operator. */
  readonly may: string;
}

export function decide(agent: Agent, wish: SessionWish, policy: ServedPolicy): Result<IssuePlan, Failure> {
  const prepared = openTemplate(agent, wish.template, policy);
  if (!prepared.ok) return prepared;
  const { template } = prepared.value;
  if (template.kind === "escalation") {
    const command = escalateCommand(template, wish);
    return err({ code: "escalation_required", template: template.name, command });
  }
  const intent = servesIntent(agent, wish, template, policy);
  return intent.ok ? planSession(prepared.value, wish, policy) : intent;
}

/** A template that does not exist and one that is not open to this agent are answered alike. */
export function openTemplate(
  agent: Agent,
  name: string,
  policy: ServedPolicy,
): Result<PreparedTemplate, Failure> {
  const prepared = agent.templates.includes(name) ? policy.templates.get(name) : undefined;
  // What CloudFormation may do for a stack is nobody's session, whatever agents.yaml says.
  if (prepared !== undefined && prepared.template.role !== "stack_service") return ok(prepared);
  const open = agent.templates;
  return err({ code: "template_not_open", template: name, open, escalate: escalations(open, policy) });
}

const kindOf = (name: string, policy: ServedPolicy): Template["kind"] | undefined =>
  policy.templates.get(name)?.template.kind;

const escalations = (names: readonly string[], policy: ServedPolicy): readonly string[] =>
  names.filter((name) => kindOf(name, policy) === "escalation");

/** Why a template gives no session for these values, whoever asks. */
export type PlanFailure = Extract<
  Failure,
  { code: "account_not_open" | "invalid_parameters" | "policy_too_large" | "policy_refused" }
>;

/** The session a template gives for these values, whoever asks for it: what `twokey policy compile` shows too. */
export function planSession(
  prepared: PreparedTemplate,
  wish: Pick<SessionWish, "account" | "parameters" | "durationSeconds">,
  policy: ServedPolicy,
): Result<IssuePlan, PlanFailure> {
  const { template } = prepared;
  const account = chooseAccount(template, wish.account, policy);
  if (!account.ok) return account;

  const parameters = acceptParameters(template, wish.parameters);
  if (!parameters.ok) {
    return err({ code: "invalid_parameters", template: template.name, faults: parameters.error });
  }
  const compiled = compileOnce(prepared, { account: account.value, parameters: parameters.value });
  if (!compiled.ok) return err(compileFailure(template, compiled.error));

  const durationSeconds = Math.min(
    wish.durationSeconds ?? template.duration.defaultSeconds,
    template.duration.maxSeconds,
    LONGEST_SESSION_SECONDS,
  );
  return ok({
    template,
    account: account.value,
    roleArn: roleArnOf(account.value, template.role),
    parameters: parameters.value,
    durationSeconds,
    compiled: compiled.value,
    may: maySentence(prepared, account.value, parameters.value),
  });
}

/**
 * The same session in the split form, for when STS finds the whole one too large. Null where it is in that form
 * already, or nothing of it can stand in a published policy.
 */
export function splitForm(plan: IssuePlan, policy: ServedPolicy): IssuePlan | null {
  const prepared = policy.templates.get(plan.template.name);
  if (prepared === undefined || plan.compiled.policyArns.length > 0) return null;
  const split = compileSplit(prepared, plan);
  return split.ok ? { ...plan, compiled: split.value } : null;
}

/** Sessions remembered for each template; agents ask for the same few again and again. */
const REMEMBERED = 256;

/** Compiling is pure and a prepared template never changes, so the same input has the same session. */
function compileOnce(prepared: PreparedTemplate, input: CompileInput): Result<CompiledSession, CompileFault> {
  const key = JSON.stringify([input.account, input.parameters]);
  const known = prepared.compiled.get(key);
  if (known !== undefined) return ok(known);
  const compiled = compile(prepared, input);
  if (!compiled.ok) return compiled;
  const oldest = prepared.compiled.keys().next();
  if (prepared.compiled.size >= REMEMBERED && oldest.done !== true) prepared.compiled.delete(oldest.value);
  prepared.compiled.set(key, compiled.value);
  return compiled;
}

/** The broker may itself run on a role, and a chained session lasts an hour at most. */
export const LONGEST_SESSION_SECONDS = 3600;

function exceeds(wanted: Intent, offered: Intent): boolean {
  return INTENTS.indexOf(wanted) > INTENTS.indexOf(offered);
}

export function servesIntent(
  agent: Agent,
  { task }: Pick<SessionWish, "task">,
  template: Template,
  policy: ServedPolicy,
): Result<null, Failure> {
  if (!exceeds(task.intent, template.intent)) return ok(null);
  const serving = agent.templates.filter((name) => {
    const other = policy.templates.get(name)?.template;
    return other !== undefined && !exceeds(task.intent, other.intent);
  });
  return err({
    code: "intent_exceeds_template",
    template: template.name,
    intent: task.intent,
    allowed: template.intent,
    instead: serving.filter((name) => kindOf(name, policy) === "standing"),
    escalate: escalations(serving, policy),
  });
}

function chooseAccount(
  template: Template,
  wanted: string | null,
  policy: ServedPolicy,
): Result<Account, PlanFailure> {
  const open = policy.set.accounts.filter(
    ({ id }) => template.accounts === null || template.accounts.includes(id),
  );
  const chosen = wanted === null && open.length === 1 ? open[0] : open.find(({ id }) => id === wanted);
  return chosen === undefined
    ? err({
        code: "account_not_open",
        template: template.name,
        account: wanted,
        open: open.map(({ id }) => id),
      })
    : ok(chosen);
}

function compileFailure(template: Template, fault: CompileFault): PlanFailure {
  switch (fault.reason) {
    case "nothing_allowed":
      return {
        code: "invalid_parameters",
        template: template.name,
        faults: [
          {
            at: "parameters",
            problem: `name at least one of ${Object.keys(template.parameters).join(", ")}`,
          },
        ],
      };
    case "too_large":
      return { code: "policy_too_large", template: template.name, size: fault.size, limit: fault.limit };
    case "no_service_role":
      return {
        code: "policy_refused",
        template: template.name,
        faults: [`accounts.yaml pins no service role for environment ${fault.environment}`],
      };
    case "cannot_split":
      return { code: "policy_refused", template: template.name, faults: ["the session cannot be split"] };
  }
}

/** What a session may do, in one sentence, for the agent and its operator. */
export function maySentence(
  { template, guardrails }: Pick<PreparedTemplate, "template" | "guardrails">,
  account: Pick<Account, "id" | "name">,
  parameters: Readonly<Record<string, readonly string[]>>,
): string {
  const named = Object.entries(parameters).map(([name, values]) => `${name} ${values.join(", ")}`);
  const where = named.length > 0 ? ` (${named.join("; ")})` : "";
  // What people approved may be production's, and that alone.
  const rest = template.kind === "escalation" ? "whatever else" : "whatever";
  return (
    `${template.title}${where}, in account ${account.id} (${account.name}); ` +
    `${rest} is not tagged ${guardrails.environmentTag}=${guardrails.nonProduction.join("|")} is read-only.`
  );
}
