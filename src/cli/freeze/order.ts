/** `twokey freeze session|agent|template|all`: freezes, and says what holds where. */
import { Command } from "commander";
import { freeze } from "../../client/operator.ts";
import { complain } from "../agent-flags.ts";
import { json } from "../escalation/view.ts";
import { accessOrUsage, addOperatorFlags, type Kind, type OperatorOptions } from "./operator-flags.ts";
import { frozen } from "./view.ts";

interface OrderOptions extends OperatorOptions {
  readonly reason?: string;
}

const NAMES = {
  session: "the session's id (tks-…)",
  agent: "the agent's name in agents.yaml",
  template: "the template's name",
} as const;

const MEANING: Readonly<Record<Kind, string>> = {
  session: "freeze one session: it is denied everything",
  agent: "freeze an agent: no session for it, and those it has end",
  template: "freeze a template: no session of it, and those there are end",
  all: "freeze everything: no session for any agent, and all there are end",
};

export function orderCommand(kind: Kind): Command {
  const command = new Command(kind);
  if (kind !== "all") command.argument("<name>", NAMES[kind]);
  return addOperatorFlags(command)
    .description(MEANING[kind])
    .option("--reason <text>", "why, for the record and for everybody who is told")
    .addHelpText(
      "after",
      "\nExits 0 when the freeze holds in the record, on every broker, even if AWS still waits; 1 when it does not.",
    )
    .action(async (...[first]: readonly unknown[]) => {
      // Commander hands over the arguments, then the options, then the command.
      const name = kind === "all" ? null : String(first);
      process.exitCode = await run({ kind, name }, command.opts<OrderOptions>(), command);
    });
}

async function run(
  { kind, name }: { readonly kind: Kind; readonly name: string | null },
  options: OrderOptions,
  command: Command,
): Promise<number> {
  const { reason } = options;
  const answer = await freeze(accessOrUsage(command, options), {
    kind,
    ...(name === null ? {} : { name }),
    ...(reason === undefined ? {} : { reason }),
  });
  if (!answer.ok) {
    complain(answer.error);
    return 1;
  }
  process.stdout.write(`${options.json ? json(answer.value) : frozen(answer.value)}\n`);
  return 0;
}
