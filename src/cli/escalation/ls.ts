/** `twokey escalation ls`: this agent's own escalations, newest first. */
import { Command, InvalidArgumentError } from "commander";
import { listEscalations } from "../../client/escalation.ts";
import type { GivenSettings } from "../../client/settings.ts";
import { ACCESS_FLAGS, accessOrUsage, addFlags, complain } from "../agent-flags.ts";
import { escalationId } from "./escalation-id.ts";
import { json, table } from "./view.ts";

interface ListOptions extends GivenSettings {
  readonly limit: number;
  readonly before?: string;
  readonly json?: true;
}

export function lsCommand(): Command {
  return addFlags(new Command("ls"), ACCESS_FLAGS)
    .description("list this agent's own escalations, newest first")
    .option("--limit <number>", "how many, 1 to 100", pageSize, 20)
    .option("--before <id>", "the page after this escalation", escalationId)
    .option("--json", "print the API's answer as a line of JSON")
    .action(async (options: ListOptions, self: Command) => {
      process.exitCode = await run(options, self);
    });
}

function pageSize(text: string): number {
  if (!/^([1-9]\d?|100)$/.test(text)) throw new InvalidArgumentError("is 1 to 100");
  return Number(text);
}

async function run(options: ListOptions, self: Command): Promise<number> {
  const { limit, before = null } = options;
  const found = await listEscalations(accessOrUsage(self, options), { limit, before });
  if (!found.ok) {
    complain(found.error);
    return 1;
  }
  const { escalations, next } = found.value;
  if (options.json) process.stdout.write(`${json(found.value)}\n`);
  else {
    const more = next === null ? "" : `\nMore: twokey escalation ls --before ${escalations.at(-1)?.id ?? ""}`;
    process.stdout.write(`${escalations.length === 0 ? "No escalations." : table(escalations)}${more}\n`);
  }
  return 0;
}
