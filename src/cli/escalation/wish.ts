/**
 * What an agent's operator wishes two people to approve, from flags. Parameters, duration and intent are taken from
 * flags alone: what the environment says of them belongs to the agent's standing session.
 */
import { InvalidArgumentError, type Command } from "commander";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { EscalationAnswer, EscalationRequest } from "../../api.ts";
import type { BrokerAccess } from "../../client/authenticated-call.ts";
import { intentOfTemplate, requestEscalation } from "../../client/escalation.ts";
import type { Refusal } from "../../client/refusal.ts";
import { accountOf, durationOf, intentOf, type GivenSettings } from "../../client/settings.ts";
import type { Result } from "../../result.ts";
import { given } from "../agent-flags.ts";

export interface WishOptions extends GivenSettings {
  readonly parameter?: ReadonlyMap<string, readonly string[]>;
  readonly reason?: string;
  readonly reasonFile?: string;
}

/** A request whose intent may be left to the template. */
export type Wish = Omit<EscalationRequest, "task"> & {
  readonly task: Omit<EscalationRequest["task"], "intent"> & {
    readonly intent: EscalationRequest["task"]["intent"] | null;
  };
};

export function addWish(command: Command): Command {
  return command
    .option("--parameter <name=value>", "one of the template's parameters; repeat it for each value", collect)
    .option("--reason <text>", "why it is needed, for the people who decide")
    .option("--reason-file <file>", "the reason from a file; - reads standard input");
}

function collect(text: string, before: WishOptions["parameter"] = new Map()): WishOptions["parameter"] {
  const cut = text.indexOf("=");
  if (cut < 1 || cut === text.length - 1) throw new InvalidArgumentError("reads name=value");
  const name = text.slice(0, cut);
  return new Map([...before, [name, [...(before.get(name) ?? []), text.slice(cut + 1)]]]);
}

/** The wish, or exit 2. */
export function wishOrUsage(command: Command, template: string, options: WishOptions): Wish {
  const fault = (text: string): never => command.error(`twokey: ${text}`, { exitCode: 2 });
  const { account, task, taskId } = given(options);
  const reason = reasonOf(options, fault);
  const read = accountOf(account);
  if (!read.ok) return fault(read.error);
  const intent = options.intent === undefined ? null : intentOf(options.intent);
  if (intent?.ok === false) return fault(intent.error);
  return {
    template,
    ...(options.parameter === undefined ? {} : { parameters: Object.fromEntries(options.parameter) }),
    ...(read.value === null ? {} : { account: read.value }),
    ...(options.duration === undefined ? {} : { duration: durationOf(options.duration) }),
    reason,
    task: {
      intent: intent?.value ?? null,
      summary: task ?? firstLine(reason),
      ...(taskId === undefined ? {} : { id: taskId }),
    },
  };
}

function reasonOf({ reason, reasonFile }: WishOptions, fault: (text: string) => never): string {
  if (reason !== undefined && reasonFile !== undefined)
    return fault("--reason and --reason-file exclude each other.");
  const text = reasonFile === undefined ? (reason ?? "") : readReason(reasonFile, fault);
  const trimmed = text.replaceAll("\r\n", "\n").trim();
  return trimmed === ""
    ? fault("--reason (or --reason-file) is missing: say why, for the people who decide.")
    : trimmed;
}

function readReason(file: string, fault: (text: string) => never): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch {
    return fault(`--reason-file ${file} cannot be read.`);
  }
}

/** Stands for the task where none is named. Cut by characters, so that none is halved. */
const firstLine = (text: string): string =>
  Array.from(text.split("\n")[0] ?? "")
    .slice(0, 200)
    .join("");

/** Asks once. Every retry inside is the same question to the broker. */
export async function ask(access: BrokerAccess, wish: Wish): Promise<Result<EscalationAnswer, Refusal>> {
  const { intent: named, ...task } = wish.task;
  const intent = named ?? (await intentOfTemplate(access, wish.template));
  if (typeof intent === "object" && !intent.ok) return intent;
  const request = { ...wish, task: { ...task, intent: typeof intent === "string" ? intent : intent.value } };
  return requestEscalation({ ...access, request, idempotencyKey: randomUUID(), pause: (ms) => pause(ms) });
}
