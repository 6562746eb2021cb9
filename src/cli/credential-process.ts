/**
 * `twokey credential-process`: one JSON object on stdout for `credential_process` in ~/.aws/config, and nothing
 * else there. Starts at every call of some SDKs, so it loads only what a warm agent needs; the broker's client
 * and commander are loaded when they are used.
 */
import type { Command } from "commander";
import { parseArgs } from "node:util";
import { askWarmAgent, statePath, type ProcessCredentials } from "../client/warm-agent.ts";
import {
  givenSettings,
  readSettings,
  SETTING_NAMES,
  SETTINGS,
  type AgentSettings,
  type GivenSettings,
} from "../client/settings.ts";
import { err, ok, type Result } from "../result.ts";

/** `argv` is what follows `credential-process`. Answers the exit code. */
export async function runCredentialProcess(argv: readonly string[]): Promise<number> {
  if (argv.includes("--help") || argv.includes("-h")) {
    (await credentialProcessCommand()).outputHelp();
    return 0;
  }
  const flags = parseFlags(argv);
  return flags.ok ? await run(flags.value) : complain(flags.error, 2);
}

/** The same as a commander command, for `--help` and for a program that uses commander throughout. */
export async function credentialProcessCommand(): Promise<Command> {
  const [{ Command }, { addSettings }] = await Promise.all([import("commander"), import("./agent-flags.ts")]);
  return addSettings(new Command("twokey credential-process"))
    .description("print a session for credential_process in ~/.aws/config")
    .addHelpText("after", "\nAsks a running `twokey agent serve` of the same profile and settings first.")
    .action(async (options: GivenSettings & { readonly profile: string }) => {
      process.exitCode = await run({ settings: options, profile: options.profile });
    });
}

async function run(flags: Flags): Promise<number> {
  const given = givenSettings(flags.settings, process.env);
  const state = statePath(flags.profile, process.env);
  if (!state.ok) return complain(state.error, 2);
  const warm = await askWarmAgent(state.value, given);
  if (warm !== null) return warm.ok ? print(warm.value) : complain(warm.error, 1);
  const settings = readSettings(given);
  if (!settings.ok) return complain(settings.error.join(" "), 2);
  return await askBroker(settings.value);
}

async function askBroker(settings: AgentSettings): Promise<number> {
  const [{ fetchSession }, { rfc3339 }, { lines }] = await Promise.all([
    import("../client/agent.ts"),
    import("../client/endpoint.ts"),
    import("../client/refusal.ts"),
  ]);
  const fetched = await fetchSession({ settings, env: process.env });
  if (!fetched.ok) return complain(lines(fetched.error), 1);
  const { secretAccessKey: SecretAccessKey, sessionToken: SessionToken } = fetched.value.reveal();
  const { accessKeyId: AccessKeyId, expiration } = fetched.value;
  return print({ Version: 1, AccessKeyId, SecretAccessKey, SessionToken, Expiration: rfc3339(expiration) });
}

function print(credentials: ProcessCredentials): number {
  process.stdout.write(`${JSON.stringify(credentials)}\n`);
  return 0;
}

interface Flags {
  readonly settings: GivenSettings;
  readonly profile: string;
}

function parseFlags(argv: readonly string[]): Result<Flags, string> {
  const names = ["profile", ...SETTING_NAMES.map((name) => SETTINGS[name].flag)];
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  try {
    const { values } = parseArgs({ args: [...argv], options });
    const settings = Object.fromEntries(SETTING_NAMES.map((name) => [name, values[SETTINGS[name].flag]]));
    return ok({ settings, profile: values["profile"] ?? "twokey" });
  } catch (error) {
    return err(error instanceof Error ? error.message : "the flags cannot be read");
  }
}

function complain(text: string, code: number): number {
  process.stderr.write(text.startsWith("twokey: ") ? `${text}\n` : `twokey: ${text}\n`);
  return code;
}
