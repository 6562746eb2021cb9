/**
 * The policy decision: may this agent have this session, and what exactly would it be? Pure. A missing template,
 * account or rule refuses.
 */
import type { Failure } from "../failure.ts";
import type { Agent } from "../identity/agent.ts";
import type { Task } from "../identity/task.ts";
import { err, type Result } from "../result.ts";
import type { CompiledSession } from "./compiled.ts";
import type { ServedPolicy } from "./serve.ts";
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
}

export function decide(_agent: Agent, wish: SessionWish, _policy: ServedPolicy): Result<IssuePlan, Failure> {
  return err({ code: "template_not_open", template: wish.template, open: [] });
}
