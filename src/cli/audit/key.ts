/** `twokey audit key`: the verifier key that witnesses keep; `--new` makes the private one. Never prints that one. */
import { Command } from "commander";
import { loadConfig } from "../../config.ts";
import { makeAuditKey, openRecordLog, verifierOf } from "../../wire/audit-tools.ts";
import { withRecordFlags, type RecordOptions } from "./record.ts";

interface KeyOptions extends RecordOptions {
  readonly new?: string;
  readonly json?: true;
}

export function keyCommand(): Command {
  const command = new Command("key")
    .description("print the key that verifies this log's checkpoints (C2SP signed-note), or make a new one")
    .option("--new <file>", "make a new key in a file that is not there yet, and end");
  return withRecordFlags(command)
    .option("--json", "answer in JSON")
    .action(async (options: KeyOptions) => {
      process.exitCode = await run(options);
    });
}

async function run({ config: file, dataDir, new: made, json }: KeyOptions): Promise<number> {
  if (made !== undefined) {
    const done = makeAuditKey(made);
    if (!done.ok) return complain([done.error], 1);
    process.stdout.write(
      json === true ? `${JSON.stringify({ file: made })}\n` : `${made}: the key is there.\n`,
    );
    return 0;
  }
  const flags = { config: file, "data-dir": dataDir };
  const config = loadConfig({ flags, env: process.env, cwd: process.cwd() });
  if (!config.ok) return complain(config.error, 2);
  const log = await openRecordLog(config.value);
  try {
    const { origin } = await log.tree.head();
    const key = verifierOf(config.value, origin);
    if (!key.ok) return complain([key.error], 1);
    process.stdout.write(`${json === true ? JSON.stringify({ origin, key: key.value }) : key.value}\n`);
    return 0;
  } finally {
    await log.close();
  }
}

function complain(faults: readonly string[], code: number): number {
  process.stderr.write(faults.map((fault) => `twokey: ${fault}\n`).join(""));
  return code;
}
