/**
 * `twokey setup aws`: writes a profile that calls `twokey credential-process` into the AWS config file. Shows the
 * change first, writes only when told to, and keeps every other byte.
 */
import { Command } from "commander";
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { commandLine, diffOf, hasCredentials, withProfile } from "../client/aws-config.ts";
import { brokerUrl, givenSettings, SETTING_NAMES, SETTINGS } from "../client/settings.ts";
import { statePath } from "../client/warm-agent.ts";
import { err, ok, type Result } from "../result.ts";
import { addSettings, type SettingOptions } from "./agent-flags.ts";

interface SetupOptions extends SettingOptions {
  readonly write?: true;
  readonly yes?: true;
  readonly force?: true;
  readonly json?: true;
}

interface Change {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

export function setupCommand(): Command {
  const aws = addSettings(new Command("aws"))
    .description("write an AWS profile whose credentials come from Twokey; shows the change first")
    .option("--region <name>", "region of the profile")
    .option("--write", "write without asking")
    .option("--yes", "the same as --write")
    .option("--force", "replace a profile of that name that Twokey did not write")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nFlags that are given are written into the profile; the rest is read from the environment at run time.\n" +
        "Exits 0 when the profile stands as asked, 1 when it was not written.",
    )
    .action(runSetup);
  return new Command("setup").description("set other tools up to use Twokey").addCommand(aws);
}

async function runSetup(options: SetupOptions, command: Command): Promise<void> {
  if (options.url !== undefined) {
    const url = brokerUrl(options.url);
    if (!url.ok) command.error(`twokey: ${url.error}`, { exitCode: 2 });
  }
  const change = plan(options);
  if (!change.ok) {
    process.stderr.write(`twokey: ${change.error}\n`);
    process.exitCode = 1;
    return;
  }
  const { path, before, after } = change.value;
  const diff = diffOf(before, after);
  if (options.json !== true)
    process.stdout.write(diff === "" ? `${path} is as it should be.\n` : `${path}\n${diff}\n`);
  const written = diff !== "" && (await agreed(options));
  if (written) writeKeepingMode(path, after);
  if (diff !== "" && !written) process.exitCode = 1;
  if (options.json === true)
    process.stdout.write(
      `${JSON.stringify({ path, profile: options.profile, changed: diff !== "", written, diff })}\n`,
    );
  else if (diff !== "")
    process.stdout.write(
      written
        ? `Written. Use it with AWS_PROFILE=${options.profile}.\n`
        : "Nothing was written; --write does.\n",
    );
}

/** What would be written, or a sentence saying why not. */
function plan(options: SetupOptions): Result<Change, string> {
  const { profile, region } = options;
  // The profile's name goes into a file name and a section line.
  const state = statePath(profile, {});
  if (!state.ok) return state;
  if (region !== undefined && !/^[a-z0-9-]+$/.test(region)) return err("--region is not a region's name.");
  const path = process.env["AWS_CONFIG_FILE"] ?? join(homedir(), ".aws", "config");
  const keys = process.env["AWS_SHARED_CREDENTIALS_FILE"] ?? join(homedir(), ".aws", "credentials");
  if (hasCredentials(textOf(keys), profile))
    return err(
      `${keys} holds keys for the profile ${profile}, which would win. Choose another --profile, or remove them.`,
    );
  const line = commandLine(processWords(options));
  if (!line.ok) return line;
  // `source .twokey/demo.env` sets AWS_CONFIG_FILE=/dev/null, and what is written is renamed into place.
  const present = statSync(path, { throwIfNoEntry: false });
  if (present !== undefined && !present.isFile())
    return err(`${path} is not a file; set AWS_CONFIG_FILE to the one you mean, or unset it.`);
  const before = textOf(path);
  const after = withProfile(before, {
    profile,
    command: line.value,
    region: region ?? null,
    force: options.force ?? false,
  });
  return after.ok ? ok({ path, before, after: after.value }) : err(`In ${path} ${after.error}`);
}

function processWords(options: SetupOptions): string[] {
  const flags = givenSettings(options, {});
  return [
    ...["twokey", "credential-process", "--profile", options.profile],
    ...SETTING_NAMES.flatMap((name) => {
      const value = flags[name];
      // One word, so that a value that begins with a dash stays a value.
      return value === undefined ? [] : [`--${SETTINGS[name].flag}=${value}`];
    }),
  ];
}

function textOf(path: string): string {
  try {
    // Fatal, because a byte that is not UTF-8 could not be written back as it was.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

async function agreed(options: SetupOptions): Promise<boolean> {
  if (options.write === true || options.yes === true) return true;
  if (!process.stdin.isTTY || !process.stdout.isTTY || options.json === true) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const reply = await terminal.question("Write this? [y/N] ");
  terminal.close();
  return /^y(es)?$/i.test(reply.trim());
}

/** By rename, so that no reader sees half a file; through a link, so that a linked dotfile stays one. */
function writeKeepingMode(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const exists = statSync(path, { throwIfNoEntry: false });
  const target = exists === undefined ? path : realpathSync(path);
  const draft = `${target}.${process.pid}.new`;
  writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
  chmodSync(draft, exists === undefined ? 0o600 : exists.mode & 0o777);
  renameSync(draft, target);
}
