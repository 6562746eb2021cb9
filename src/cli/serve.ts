/** `twokey serve`: runs the broker until SIGTERM or SIGINT; a second one ends it at once. SIGHUP reads the policy folder again. */
import { Command } from "commander";
import { loadConfig, SETTINGS, type Config } from "../config.ts";
import { startBroker } from "../wire.ts";
import { loadPolicy } from "../wire/tools.ts";
import { flagTexts, withSettings, type SettingOptions } from "./settings.ts";

export function serveCommand(): Command {
  return withSettings(new Command("serve").description("run the broker"))
    .option("--check", "check the configuration and the policy set, then end")
    .option("--json", "with --check: answer in JSON")
    .addHelpText("after", environmentHelp)
    .action(async (_options: unknown, self: Command) => {
      const options = self.opts<SettingOptions>();
      process.exitCode = await run(options);
    });
}

/** Every setting with its environment name and its key in the file. */
function environmentHelp(): string {
  const rows = Object.values(SETTINGS).map(
    ({ env, key, help, fallback }) =>
      `  ${env}\n      ${help}${fallback === null ? "" : ` (default ${fallback})`}; in the file: ${key}\n`,
  );
  return (
    `\nEnvironment (flags win over it, it wins over the file):\n  TWOKEY_CONFIG\n      the file of --config\n${rows.join("")}` +
    "\nThe broker's own AWS credentials come from the AWS SDK's default chain.\n" +
    "\nExamples:\n  twokey serve --policies ./policies\n  twokey serve --config twokey.yaml --check\n"
  );
}

async function run(options: SettingOptions): Promise<number> {
  const flags = flagTexts(options);
  const config = loadConfig({ flags, env: process.env, cwd: process.cwd() });
  const json = options["json"] === true;
  if (!config.ok) return complain(config.error, json, 2);
  if (options["check"] === true) return check(config.value, json);
  // These stand before the broker does: a signal that comes early must not end the process unrecorded.
  const stopped = firstStopSignal();
  let reload = (): unknown => null;
  process.on("SIGHUP", () => reload());
  const broker = await startBroker(config.value, { onBootstrap: tellBootstrap });
  if (!broker.ok) return complain(broker.error, json, 1);
  reload = broker.value.reloadPolicy;
  await stopped;
  await broker.value.close();
  return 0;
}

/** Printed once and never logged: whoever reads the log must not be let in by it. */
function tellBootstrap(token: { readonly reveal: () => string }, origin: string): void {
  process.stderr.write(`First administrator: open ${origin}/bootstrap and enter ${token.reveal()}\n`);
}

async function check(config: Config, json: boolean): Promise<number> {
  const policy = await loadPolicy(config.policies);
  if (!policy.ok) return complain(policy.error, json, 1);
  const { digest, templates } = policy.value.set;
  const names = templates.map(({ name }) => name);
  process.stdout.write(
    json
      ? `${JSON.stringify({ ok: true, policy_version: digest, templates: names })}\n`
      : `Configuration and policy set are sound: ${names.length} templates, version ${digest}.\n`,
  );
  return 0;
}

function complain(faults: readonly string[], json: boolean, code: number): number {
  if (json) process.stdout.write(`${JSON.stringify({ ok: false, faults })}\n`);
  else process.stderr.write(faults.map((fault) => `twokey: ${fault}\n`).join(""));
  return code;
}

function firstStopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = (): void => {
      if (stopping) process.exit(1);
      stopping = true;
      resolve();
    };
    process.on("SIGTERM", stop).on("SIGINT", stop);
  });
}
