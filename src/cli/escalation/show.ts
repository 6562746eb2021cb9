/** `twokey escalation show`: one of this agent's own escalations, as it is now. */
import { Command } from "commander";
import { getEscalation } from "../../client/escalation.ts";
import type { GivenSettings } from "../../client/settings.ts";
import { ACCESS_FLAGS, accessOrUsage, addFlags, complain } from "../agent-flags.ts";
import { escalationId } from "./escalation-id.ts";
import { json, shown } from "./view.ts";

interface ShowOptions extends GivenSettings {
  readonly json?: true;
}

export function showCommand(): Command {
  return addFlags(new Command("show"), ACCESS_FLAGS)
    .description("show one escalation: its state, its code, what it could do")
    .argument("<id>", "the escalation", escalationId)
    .option("--json", "print the API's answer as a line of JSON")
    .action(async (id: string, options: ShowOptions, self: Command) => {
      process.exitCode = await run(id, options, self);
    });
}

async function run(id: string, options: ShowOptions, self: Command): Promise<number> {
  const found = await getEscalation(accessOrUsage(self, options), id, 0);
  if (!found.ok) {
    complain(found.error);
    return 1;
  }
  process.stdout.write(`${options.json ? json(found.value) : shown(found.value, new Date())}\n`);
  return 0;
}
