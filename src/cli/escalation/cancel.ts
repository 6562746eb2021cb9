/** `twokey escalation cancel`: takes back what this agent asked for, while it waits or its grant was not used. */
import { Command } from "commander";
import { cancelEscalation } from "../../client/escalation.ts";
import type { GivenSettings } from "../../client/settings.ts";
import { ACCESS_FLAGS, accessOrUsage, addFlags, complain } from "../agent-flags.ts";
import { escalationId } from "./escalation-id.ts";
import { json, state } from "./view.ts";

interface CancelOptions extends GivenSettings {
  readonly json?: true;
}

export function cancelCommand(): Command {
  return addFlags(new Command("cancel"), ACCESS_FLAGS)
    .description("take an escalation back, while it waits or its grant was not used")
    .argument("<id>", "the escalation", escalationId)
    .option("--json", "print the API's answer as a line of JSON")
    .action(async (id: string, options: CancelOptions, self: Command) => {
      process.exitCode = await run(id, options, self);
    });
}

async function run(id: string, options: CancelOptions, self: Command): Promise<number> {
  const cancelled = await cancelEscalation(accessOrUsage(self, options), id);
  if (!cancelled.ok) {
    complain(cancelled.error);
    return 1;
  }
  process.stdout.write(`${options.json ? json(cancelled.value) : `${id} is ${state(cancelled.value)}`}\n`);
  return 0;
}
