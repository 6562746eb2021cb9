/**
 * The settings table of client/settings.ts as commander options, for the subcommands that run beside an agent.
 */
import type { Command } from "commander";
import { brokerAccess } from "../client/agent.ts";
import type { BrokerAccess } from "../client/authenticated-call.ts";
import { lines, type Refusal } from "../client/refusal.ts";
import {
  givenSettings,
  readAccess,
  readSettings,
  SETTING_NAMES,
  SETTINGS,
  type AgentSettings,
  type GivenSettings,
  type SettingName,
} from "../client/settings.ts";

/** Options as commander holds them: its camel-case names are the table's own. */
export type SettingOptions = GivenSettings & { readonly profile: string; readonly region?: string };

/** `names`: those that the command takes from its flag, else from the environment. */
export function addFlags(command: Command, names: readonly SettingName[]): Command {
  for (const name of names) {
    const { flag, value, help, env } = SETTINGS[name];
    command.option(`--${flag} ${value}`, `${help} [${env}]`);
  }
  return command;
}

export function addSettings(command: Command): Command {
  return addFlags(command, SETTING_NAMES).option(
    "--profile <name>",
    "name by which credential-process finds a warm agent",
    "twokey",
  );
}

/** The settings, or exit 2 with every fault. */
export function settingsOrUsage(command: Command, given: GivenSettings): AgentSettings {
  const settings = readSettings(given);
  if (settings.ok) return settings.value;
  return command.error(settings.error.map((fault) => `twokey: ${fault}`).join("\n"), { exitCode: 2 });
}

/** What every command needs that speaks to the broker as the agent. */
export const ACCESS_FLAGS = [
  "url",
  "agentKey",
  "workloadTokenFile",
] as const satisfies readonly SettingName[];

/** The broker as this agent reaches it, or exit 2 with the fault. */
export function accessOrUsage(command: Command, options: GivenSettings): BrokerAccess {
  const access = readAccess(given(options));
  if (!access.ok) return command.error(`twokey: ${access.error}`, { exitCode: 2 });
  return brokerAccess(access.value, process.env);
}

export const given = (options: GivenSettings): GivenSettings => givenSettings(options, process.env);

/** A flag wins, then what the person set, then the account's own region. */
export function regionOf(options: SettingOptions, session: { readonly region: string }): string {
  const set = [options.region, process.env["AWS_REGION"], process.env["AWS_DEFAULT_REGION"]];
  return set.find((region) => region !== undefined && region !== "") ?? session.region;
}

export function complain(refusal: Refusal): void {
  process.stderr.write(`${lines(refusal)}\n`);
}
