/**
 * The session of an escalation for `twokey exec`: ask or join, wait, collect once. Speaks on standard error alone:
 * standard output is the command's.
 */
import type { Command } from "commander";
import { constants } from "node:os";
import type { EscalationAnswer } from "../../api.ts";
import { collectSession } from "../../client/agent.ts";
import type { BrokerAccess } from "../../client/authenticated-call.ts";
import type { IssuedSession } from "../../client/broker.ts";
import { cancelEscalation, listEscalations } from "../../client/escalation.ts";
import { refused, type Refusal } from "../../client/refusal.ts";
import { err, ok, type Result } from "../../result.ts";
import { accessOrUsage, complain } from "../agent-flags.ts";
import { follow } from "./follow.ts";
import { asked, state } from "./view.ts";
import { ask, wishOrUsage, type WishOptions } from "./wish.ts";

export interface EscalateOptions extends WishOptions {
  readonly escalate?: string;
  readonly escalation?: string;
}

type Interrupted = (signal: NodeJS.Signals) => void;

/** `onSignal`: takes what a signal does from now on; null gives it back to whoever ends the process. */
export async function approvedSession(
  command: Command,
  options: EscalateOptions,
  onSignal: (interrupted: Interrupted | null) => void,
): Promise<Result<IssuedSession, Refusal>> {
  checkUsage(command, options);
  const access = accessOrUsage(command, options);
  const waiting = await beginning(access, command, options);
  if (!waiting.ok) return waiting;
  const { id } = waiting.value;
  const interrupted = new Promise<NodeJS.Signals>((resolve) => {
    onSignal(resolve);
  });
  const decided = await Promise.race([follow(access, id), interrupted]);
  // A second signal ends the process at once.
  onSignal(null);
  if (typeof decided === "string") return await leave(access, waiting.value, decided);
  if (!decided.ok) return decided;
  if (decided.value.state !== "approved") return err(notApproved(decided.value));
  say(`${id} is approved.`);
  return collect(access, id);
}

function checkUsage(command: Command, { escalate, escalation, ...options }: EscalateOptions): void {
  const fault = (text: string): never => command.error(`twokey: ${text}`, { exitCode: 2 });
  if (escalate !== undefined && escalation !== undefined)
    fault("--escalate and --escalation exclude each other.");
  if (options.template !== undefined || options.parameters !== undefined)
    fault("--template and --parameters are for a standing session: use --escalate and --parameter.");
}

interface Beginning {
  readonly id: string;
  /** Asked for by this very command, which may therefore take it back. */
  readonly created: boolean;
}

async function beginning(
  access: BrokerAccess,
  command: Command,
  options: EscalateOptions,
): Promise<Result<Beginning, Refusal>> {
  const { escalate, escalation } = options;
  if (escalate === undefined) return ok({ id: escalation ?? "", created: false });
  const wish = wishOrUsage(command, escalate, options);
  // The broker joins an equal request that waits, and its answer does not tell which it was.
  const before = await listEscalations(access, { limit: 20, before: null });
  if (!before.ok) return before;
  const requested = await ask(access, wish);
  if (!requested.ok) return requested;
  const { id } = requested.value;
  const created = before.value.escalations.every((known) => known.id !== id);
  process.stderr.write(`${asked(requested.value, new Date(), (text) => text)}\n\n`);
  return ok({ id, created });
}

async function leave(
  access: BrokerAccess,
  { id, created }: Beginning,
  signal: NodeJS.Signals,
): Promise<never> {
  const code = 128 + constants.signals[signal];
  // Below the status line.
  process.stderr.write("\n");
  if (created) {
    const cancelled = await cancelEscalation(access, id);
    if (cancelled.ok) say(`${id} is ${state(cancelled.value)}.`);
    else complain(cancelled.error);
  } else say(`${id} was asked for before this command and stays as it is.\n  twokey escalation cancel ${id}`);
  process.exit(code);
}

/** Not asked again here: whether the grant was used is the broker's to say. */
async function collect(access: BrokerAccess, id: string): Promise<Result<IssuedSession, Refusal>> {
  const collected = await collectSession(access, id);
  if (collected.ok || collected.error.kind === "refused") return collected;
  return err({
    ...collected.error,
    next: `Unless the grant was used by this: twokey exec --escalation ${id} -- <command>`,
  });
}

function notApproved(answer: EscalationAnswer): Refusal {
  return refused(answer.error ?? answer.state, `${answer.id} is ${state(answer)}.`);
}

const say = (text: string): void => {
  process.stderr.write(`twokey: ${text}\n`);
};
