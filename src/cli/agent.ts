/**
 * `twokey agent serve`: runs the loopback endpoint until it is told to stop. Prints variables and file names,
 * never a secret.
 */
import { Command } from "commander";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { startAgent, type RunningAgent } from "../client/agent.ts";
import type { CacheEvent } from "../client/cache.ts";
import { endpointVariables } from "../client/child-environment.ts";
import { rfc3339 } from "../client/endpoint.ts";
import { privateFolder, removeIfUnchanged, writePrivateFile } from "../client/private-file.ts";
import { paragraph } from "../client/refusal.ts";
import { statePath, type WarmState } from "../client/warm-agent.ts";
import {
  addSettings,
  complain,
  given,
  regionOf,
  settingsOrUsage,
  type SettingOptions,
} from "./agent-flags.ts";

interface ServeOptions extends SettingOptions {
  readonly port: string;
  readonly tokenFile?: string;
  readonly writeEnv?: string;
  readonly json?: true;
}

export function agentCommand(): Command {
  const serve = addSettings(new Command("serve"))
    .description("keep one session fresh and serve it to AWS SDKs on 127.0.0.1")
    .option("--port <number>", "port on 127.0.0.1; 0 takes a free one", "0")
    .option("--token-file <file>", "where the endpoint's token is written (0600)")
    // Not --env-file: Node 20 takes that flag for itself wherever it stands.
    .option("--write-env <file>", "also write the export lines to this file (0600)")
    .option("--region <name>", "AWS_REGION to export; else the one set, else the account's")
    .option("--json", "print JSON instead of export lines")
    .action(runServe);
  return new Command("agent").description("what runs beside an agent").addCommand(serve);
}

async function runServe(options: ServeOptions, command: Command): Promise<void> {
  const settings = settingsOrUsage(command, given(options));
  const port = Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    command.error("twokey: --port must be 0 to 65535.", { exitCode: 2 });
  const state = statePath(options.profile, process.env);
  if (!state.ok) return command.error(`twokey: ${state.error}`, { exitCode: 2 });
  const stopped = signalled();
  let started = false;
  void stopped.then(() => {
    // Nothing listens yet, and the first fetch may take its time.
    if (!started) process.exit(1);
  });
  const folder = options.tokenFile === undefined ? privateFolder() : null;
  process.once("exit", () => {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  });
  const tokenFile = resolve(options.tokenFile ?? join(folder ?? ".", "token"));
  const agent = await startAgent({
    settings,
    env: process.env,
    port,
    tokenFile,
    now: () => new Date(),
    onEvent: log,
  });
  if (!agent.ok) {
    complain(agent.error);
    process.exitCode = 1;
    return;
  }
  started = true;
  process.once("exit", agent.value.removeTokenFile);
  const published = publish(options, agent.value, tokenFile, state.value);
  if (published) await stopped;
  else process.exitCode = 1;
  await agent.value.close();
}

/** Resolves at the first signal; taken from the start, so that files are removed whenever it comes. */
async function signalled(): Promise<void> {
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM"), once(process, "SIGHUP")]);
}

/** Writes the state and env files, then prints. False, with the reason on stderr, where a file cannot be written. */
function publish(options: ServeOptions, agent: RunningAgent, tokenFile: string, statePlace: string): boolean {
  const region = regionOf(options, agent.session);
  const variables = endpointVariables({ url: agent.url, tokenFile, region });
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${shellWord(value)}\n`);
  const state: WarmState = { url: agent.url, token_file: tokenFile, serves: given(options) };
  const files = [{ path: statePlace, text: `${JSON.stringify(state)}\n` }];
  if (options.writeEnv !== undefined) files.push({ path: resolve(options.writeEnv), text: lines.join("") });
  for (const { path, text } of files) {
    const written = writePrivateFile(path, text);
    if (!written.ok) {
      process.stderr.write(`twokey: ${written.error}\n`);
      return false;
    }
    process.once("exit", () => {
      removeIfUnchanged(path, text);
    });
  }
  const shown = {
    url: agent.url,
    token_file: tokenFile,
    state_file: statePlace,
    session: agent.session,
    env: variables,
  };
  process.stdout.write(options.json === true ? `${JSON.stringify(shown)}\n` : lines.join(""));
  return true;
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function log(event: CacheEvent): void {
  process.stderr.write(`${event.kind === "fetched" ? fetched(event) : failed(event)}\n`);
}

function fetched({ issued }: Extract<CacheEvent, { kind: "fetched" }>): string {
  const { id, template, account } = issued.session;
  return `twokey: session ${id} for ${template} in ${account} until ${rfc3339(issued.expiration)}`;
}

function failed({ refusal, servingUntil }: Extract<CacheEvent, { kind: "failed" }>): string {
  const serving = servingUntil === null ? "" : ` The session held is served until ${rfc3339(servingUntil)}.`;
  return `${paragraph(refusal)}${serving}`;
}
