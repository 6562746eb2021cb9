/**
 * `twokey exec -- <command>`: runs a command whose AWS SDKs use a Twokey session. A refusal is told before the
 * command starts, and it then never runs. Ends as the command ended.
 */
import { Command } from "commander";
import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { startAgent } from "../client/agent.ts";
import { childEnvironment } from "../client/child-environment.ts";
import { privateFolder } from "../client/private-file.ts";
import {
  addSettings,
  complain,
  given,
  regionOf,
  settingsOrUsage,
  type SettingOptions,
} from "./agent-flags.ts";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const satisfies readonly NodeJS.Signals[];
/** What a terminal sends to the whole foreground group: the command has it already, and two mean "force". */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];

export function execCommand(): Command {
  return addSettings(new Command("exec"))
    .description("run a command with a Twokey session and no other AWS credentials in its environment")
    .usage("[options] -- <command> [args...]")
    .argument("<command...>", "the command and its arguments, after --")
    .option("--region <name>", "AWS_REGION of the command; else the one set, else the account's")
    .addHelpText(
      "after",
      "\nExits as the command does: its code, 128+n for signal n, 127 not found, 126 not runnable.",
    )
    .action(runExec);
}

async function runExec(words: readonly string[], options: SettingOptions, command: Command): Promise<void> {
  const settings = settingsOrUsage(command, given(options));
  const folder = privateFolder();
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  const signals = signalRelay();
  const tokenFile = join(folder, "token");
  const emptyFile = join(folder, "no-profiles");
  const agent = await startAgent({
    settings,
    env: process.env,
    port: 0,
    tokenFile,
    now: () => new Date(),
    onEvent: (event) => {
      if (event.kind === "failed") complain(event.refusal);
    },
  });
  if (!agent.ok) {
    complain(agent.error);
    process.exitCode = 1;
    return;
  }
  writeFileSync(emptyFile, "", { mode: 0o600 });
  const { url, session } = agent.value;
  const access = { url, tokenFile, region: regionOf(options, session), emptyFile };
  process.exitCode = await run(words, childEnvironment(process.env, access), signals);
  await agent.value.close();
}

interface SignalRelay {
  to: ((signal: NodeJS.Signals) => void) | null;
}

/** Before the command runs a signal ends this process, cleaning up; afterwards it goes to the command. */
function signalRelay(): SignalRelay {
  const relay: SignalRelay = { to: null };
  for (const signal of FORWARDED) {
    process.on(signal, () => {
      if (relay.to === null) process.exit(128 + constants.signals[signal]);
      relay.to(signal);
    });
  }
  return relay;
}

async function run(words: readonly string[], env: NodeJS.ProcessEnv, signals: SignalRelay): Promise<number> {
  const [file = "", ...args] = words;
  const child = spawn(file, args, { stdio: "inherit", env });
  signals.to = (signal) => {
    if (!(process.stdin.isTTY && FROM_TERMINAL.includes(signal))) child.kill(signal);
  };
  return await new Promise((resolve) => {
    child.once("error", (error) => {
      const missing = "code" in error && error.code === "ENOENT";
      process.stderr.write(`twokey: ${file} ${missing ? "was not found" : "cannot be run"}.\n`);
      resolve(missing ? 127 : 126);
    });
    child.once("exit", (code, signal) => {
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });
}
