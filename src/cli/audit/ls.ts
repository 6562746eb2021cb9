/** `twokey audit ls`: reads the record, a sentence an entry or as JSON. Entries hold agents' text: shown inert. */
import { Command, InvalidArgumentError } from "commander";
import type { StoredEntry } from "../../audit/entry.ts";
import { entrySentence } from "../../audit/sentence.ts";
import { loadConfig } from "../../config.ts";
import { openStore } from "../../wire/tools.ts";
import { inert } from "../inert.ts";

interface ListOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly from?: number;
  readonly limit: number;
  readonly json?: true;
}

export function lsCommand(): Command {
  return new Command("ls")
    .description("list entries in the order of the log, by default the last of them")
    .option("--from <index>", "first entry to show", count)
    .option("--limit <number>", "how many", count, 50)
    .option("--data-dir <folder>", "folder of the embedded store, which no broker may have open")
    .option("--config <file>", "the broker's configuration file; its environment variables count too")
    .option("--json", "one JSON object a line")
    .action(async (options: ListOptions) => {
      process.exitCode = await run(options);
    });
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("is a whole number");
  return Number(text);
}

async function run({ from, limit, json, config: file, dataDir }: ListOptions): Promise<number> {
  const flags = { config: file, "data-dir": dataDir };
  const config = loadConfig({ flags, env: process.env, cwd: process.cwd() });
  if (!config.ok) {
    process.stderr.write(config.error.map((fault) => `twokey: ${fault}\n`).join(""));
    return 2;
  }
  const store = await openStore(config.value);
  try {
    const first = from ?? Math.max(0, (await store.size()) - limit);
    for (const entry of await store.entries({ from: first, limit })) {
      process.stdout.write(`${json === true ? JSON.stringify(entry) : line(entry)}\n`);
    }
  } finally {
    await store.close();
  }
  return 0;
}

/** More of a sentence than this is for --json. */
const LONGEST = 300;

function line(entry: StoredEntry): string {
  const sentence = inert(entrySentence(entry));
  const told = sentence.length > LONGEST ? `${sentence.slice(0, LONGEST)}…` : sentence;
  return [String(entry.index).padStart(6), entry.at.toISOString(), entry.kind.padEnd(20), told].join("  ");
}
