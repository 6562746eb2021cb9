/** `twokey escalation wait`: until people decided, or its time is over. */
import { Command, InvalidArgumentError } from "commander";
import type { GivenSettings } from "../../client/settings.ts";
import { ACCESS_FLAGS, accessOrUsage, addFlags } from "../agent-flags.ts";
import { escalationId } from "./escalation-id.ts";
import { watch } from "./watch.ts";

interface WaitOptions extends GivenSettings {
  /** Seconds. */
  readonly timeout?: number;
  readonly json?: true;
}

export function waitCommand(): Command {
  return addFlags(new Command("wait"), ACCESS_FLAGS)
    .description("wait until an escalation is decided or over")
    .argument("<id>", "the escalation", escalationId)
    .option("--timeout <time>", "wait no longer than 90s, 15m or 1h; else until it is over", seconds)
    .option("--json", "print the API's last answer as a line of JSON")
    .addHelpText(
      "after",
      "\nExits 0 approved, 1 denied, expired, cancelled or not decided in time. Ctrl-C leaves it waiting (130).",
    )
    .action(async (id: string, options: WaitOptions, self: Command) => {
      const { timeout } = options;
      const until = timeout === undefined ? null : new Date(Date.now() + timeout * 1000);
      process.exitCode = await watch(accessOrUsage(self, options), id, {
        until,
        json: options.json === true,
      });
    });
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

function seconds(text: string): number {
  const [, count, unit = "s"] = /^(\d{1,6})([smh])?$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError("is seconds, or text such as 15m or 1h");
  return Number(count) * (UNITS[unit] ?? 1);
}
