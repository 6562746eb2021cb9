/** The record that an audit command reads: its flags, opening it, and closing it whatever happens. */
import type { Command } from "commander";
import { loadConfig } from "../../config.ts";
import { openStore } from "../../wire/tools.ts";

export interface RecordOptions {
  readonly config?: string;
  readonly dataDir?: string;
}

export type OpenRecord = Awaited<ReturnType<typeof openStore>>;

export function withRecordFlags(command: Command): Command {
  return command
    .option("--data-dir <folder>", "folder of the embedded store, which no broker may have open")
    .option("--config <file>", "the broker's configuration file; its environment variables count too");
}

/** The exit code of `read`, or 2 where the configuration has faults. */
export async function withRecord(
  { config: file, dataDir }: RecordOptions,
  read: (record: OpenRecord) => Promise<number>,
): Promise<number> {
  const flags = { config: file, "data-dir": dataDir };
  const config = loadConfig({ flags, env: process.env, cwd: process.cwd() });
  if (!config.ok) {
    process.stderr.write(config.error.map((fault) => `twokey: ${fault}\n`).join(""));
    return 2;
  }
  const store = await openStore(config.value);
  try {
    return await read(store);
  } finally {
    await store.close();
  }
}
