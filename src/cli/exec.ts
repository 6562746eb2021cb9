/**
 * `twokey exec -- <command>`: runs a command whose AWS SDKs use a Twokey session, a standing one or the one of an
 * escalation. A refusal is told before the command starts, and it then never runs. Ends as the command ended.
 */
import { Command } from "commander";
import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { serveGrant, startAgent, type RunningAgent } from "../client/agent.ts";
import { childEnvironment } from "../client/child-environment.ts";
import { privateFolder } from "../client/private-file.ts";
import type { Refusal } from "../client/refusal.ts";
import type { Result } from "../result.ts";
import {
  addSettings,
  complain,
  given,
  regionOf,
  settingsOrUsage,
  type SettingOptions,
} from "./agent-flags.ts";
import { approvedSession, type EscalateOptions } from "./escalation/approved-session.ts";
import { escalationId } from "./escalation/escalation-id.ts";
import { addWish } from "./escalation/wish.ts";

interface ExecOptions extends SettingOptions, EscalateOptions {}

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const satisfies readonly NodeJS.Signals[];
/** What a terminal sends to the whole foreground group: the command has it already, and two mean "force". */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];

export function execCommand(): Command {
  return addWish(addSettings(new Command("exec")))
    .description("run a command with a Twokey session and no other AWS credentials in its environment")
    .usage("[options] -- <command> [args...]")
    .argument("<command...>", "the command and its arguments, after --")
    .option("--region <name>", "AWS_REGION of the command; else the one set, else the account's")
    .option("--escalate <template>", "ask people for this template first, and wait for their decision")
    .option("--escalation <id>", "use this escalation, once it is approved", escalationId)
    .addHelpText("after", HELP)
    .action(runExec);
}

const HELP = `
Exits as the command does: its code, 128+n for signal n, 127 not found, 126 not runnable.

With --escalate the request is made of --parameter, --account, --duration, --intent, --task and --reason. The same
request while one waits joins it. Ctrl-C while waiting takes back what this command asked for, and leaves what it joined.
The session of an escalation is minted once: it serves the command until it ends, and is not renewed.

Example:
  twokey exec --escalate production-stack-change --parameter stack=<arn> --parameter change_set=<arn> \\
    --reason "Orders are processed twice" -- aws cloudformation execute-change-set --change-set-name <arn>`;

async function runExec(words: readonly string[], options: ExecOptions, command: Command): Promise<void> {
  const folder = privateFolder();
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  const signals = signalRelay();
  const place = { port: 0, tokenFile: join(folder, "token"), now: () => new Date() };
  const escalated = options.escalate !== undefined || options.escalation !== undefined;
  const agent = escalated
    ? await grantAgent(options, command, { place, signals })
    : await standingAgent(options, command, place);
  if (!agent.ok) {
    complain(agent.error);
    process.exitCode = 1;
    return;
  }
  const emptyFile = join(folder, "no-profiles");
  writeFileSync(emptyFile, "", { mode: 0o600 });
  const { url, session } = agent.value;
  const access = { url, tokenFile: place.tokenFile, region: regionOf(options, session), emptyFile };
  process.exitCode = await run(words, childEnvironment(process.env, access), signals);
  await agent.value.close();
}

interface Place {
  readonly port: number;
  readonly tokenFile: string;
  readonly now: () => Date;
}

function standingAgent(
  options: SettingOptions,
  command: Command,
  place: Place,
): Promise<Result<RunningAgent, Refusal>> {
  return startAgent({
    ...place,
    settings: settingsOrUsage(command, given(options)),
    env: process.env,
    onEvent: (event) => {
      if (event.kind === "failed") complain(event.refusal);
    },
  });
}

/** A signal while people decide is approvedSession's; from then on it is the command's. */
async function grantAgent(
  options: ExecOptions,
  command: Command,
  { place, signals }: { readonly place: Place; readonly signals: SignalRelay },
): Promise<Result<RunningAgent, Refusal>> {
  const issued = await approvedSession(command, options, (interrupted) => {
    signals.to = interrupted;
  });
  return issued.ok ? serveGrant(issued.value, { ...place, onOver: complain }) : issued;
}

interface SignalRelay {
  to: ((signal: NodeJS.Signals) => void) | null;
}

/** Before there is somebody to take it a signal ends this process, cleaning up. */
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
