/** `twokey notify test`: sends a test message through the channels that are set up, and says which were reached. */
import { Command, Option } from "commander";
import { loadConfig } from "../config.ts";
import { tryChannels } from "../wire/notifications.ts";

interface TestOptions {
  readonly channel?: string;
  readonly config?: string;
  readonly json?: true;
}

export function notifyCommand(): Command {
  const test = new Command("test")
    .description("send a test message through the channels that are set up")
    .addOption(new Option("--channel <name>", "this one alone").choices(["slack", "webhook", "email"]))
    .option("--config <file>", "the broker's configuration file; its environment variables count too")
    .option("--json", "answer in JSON")
    .action(async (options: TestOptions) => {
      process.exitCode = await run(options);
    });
  return new Command("notify").description("try the notifications").addCommand(test);
}

async function run({ channel, config: file, json }: TestOptions): Promise<number> {
  const config = loadConfig({ flags: { config: file }, env: process.env, cwd: process.cwd() });
  if (!config.ok) {
    process.stderr.write(config.error.map((fault) => `twokey: ${fault}\n`).join(""));
    return 2;
  }
  const tried = await tryChannels(config.value, channel ?? null);
  const rows = tried.map(({ channel, answer }) => ({
    channel,
    ok: answer.ok,
    reason: answer.ok ? null : answer.error.reason,
  }));
  if (json === true) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else
    for (const { channel, ok, reason } of rows)
      process.stdout.write(`${ok ? "✓" : "✗"} ${channel}${reason === null ? "" : `: ${reason}`}\n`);
  if (rows.length === 0) process.stderr.write(`twokey: ${channel ?? "no channel"} is not set up\n`);
  return rows.length > 0 && rows.every(({ ok }) => ok) ? 0 : 1;
}
