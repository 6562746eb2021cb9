/**
 * The settings table of client/settings.ts as commander options, for the subcommands that run beside an agent.
 */
import type { Command } from "commander";
import { paragraph, type Refusal } from "../client/refusal.ts";
import {
  givenSettings,
  readSettings,
  SETTING_NAMES,
  SETTINGS,
  type AgentSettings,
  type GivenSettings,
} from "../client/settings.ts";

/** Options as commander holds them: its camel-case names are the table's own. */
export type SettingOptions = GivenSettings & { readonly profile: string; readonly region?: string };

export function addSettings(command: Command): Command {
  for (const name of SETTING_NAMES) {
    const { flag, value, help, env } = SETTINGS[name];
    command.option(`--${flag} ${value}`, `${help} [${env}]`);
  }
  return command.option("--profile <name>", "name by which credential-process finds a warm agent", "twokey");
}

/** The settings, or exit 2 with every fault. */
export function settingsOrUsage(command: Command, given: GivenSettings): AgentSettings {
  const settings = readSettings(given);
  if (settings.ok) return settings.value;
  return command.error(settings.error.map((fault) => `twokey: ${fault}`).join("\n"), { exitCode: 2 });
}

export const given = (options: GivenSettings): GivenSettings => givenSettings(options, process.env);

/** A flag wins, then what the person set, then the account's own region. */
export function regionOf(options: SettingOptions, session: { readonly region: string }): string {
  const set = [options.region, process.env["AWS_REGION"], process.env["AWS_DEFAULT_REGION"]];
  return set.find((region) => region !== undefined && region !== "") ?? session.region;
}

export function complain(refusal: Refusal): void {
  process.stderr.write(`${paragraph(refusal)}\n`);
}
