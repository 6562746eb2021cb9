/** `twokey freeze ls`: what is frozen, and what is in force in AWS because of it. */
import { Command } from "commander";
import { listFreezes } from "../../client/operator.ts";
import { complain } from "../agent-flags.ts";
import { json } from "../escalation/view.ts";
import { accessOrUsage, addOperatorFlags, type OperatorOptions } from "./operator-flags.ts";
import { listed } from "./view.ts";

export function lsCommand(): Command {
  return addOperatorFlags(new Command("ls"))
    .description("list what is frozen and what is in force in AWS")
    .action(async (options: OperatorOptions, self: Command) => {
      process.exitCode = await run(options, self);
    });
}

async function run(options: OperatorOptions, self: Command): Promise<number> {
  const found = await listFreezes(accessOrUsage(self, options));
  if (!found.ok) {
    complain(found.error);
    return 1;
  }
  process.stdout.write(`${options.json ? json(found.value) : listed(found.value)}\n`);
  return 0;
}
