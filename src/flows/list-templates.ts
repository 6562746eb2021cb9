/** What an agent may ask for: token → agent → the templates open to it. Never shows a template of another agent. */
import type { Failure } from "../failure.ts";
import type { Agent } from "../identity/agent.ts";
import type { Account, Template } from "../policy/set.ts";
import { ok, type Result } from "../result.ts";
import { admit, type Broker, type Call } from "./admit.ts";

export interface OpenTemplates {
  readonly agent: Agent;
  readonly templates: readonly Template[];
  /** Every account of the policy set, for templates that are not bound to some. */
  readonly accounts: readonly Account[];
}

export async function listTemplates(broker: Broker, call: Call): Promise<Result<OpenTemplates, Failure>> {
  const agent = await admit(broker, call);
  if (!agent.ok) return agent;
  const { templates, accounts } = broker.policy.set;
  const open = templates.filter((template) => agent.value.templates.includes(template.name));
  return ok({ agent: agent.value, templates: open, accounts });
}
