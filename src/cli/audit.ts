/** `twokey audit ls`: reads the record, as a table or as JSON. Entries hold agents' text: shown inert. */
import { Command, InvalidArgumentError } from "commander";
import type { StoredEntry } from "../audit/entry.ts";
import { loadConfig } from "../config.ts";
import { openStore } from "../wire.ts";

interface ListOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly from?: number;
  readonly limit: number;
  readonly json?: true;
}

export function auditCommand(): Command {
  const list = new Command("ls")
    .description("list entries in the order of the log, by default the last of them")
    .option("--from <index>", "first entry to show", count)
    .option("--limit <number>", "how many", count, 50)
    .option("--data-dir <folder>", "folder of the embedded store, which no broker may have open")
    .option("--config <file>", "the broker's configuration file; its environment variables count too")
    .option("--json", "one JSON object a line")
    .action(async (options: ListOptions) => {
      process.exitCode = await run(options);
    });
  return new Command("audit").description("read the audit log").addCommand(list);
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

function line({ index, at, kind, agent, owner, session, detail }: StoredEntry): string {
  const who = agent === null ? "-" : `${agent} (${owner ?? "?"})`;
  const facts = inert(JSON.stringify(detail)).slice(0, 160);
  return [String(index).padStart(6), at.toISOString(), kind.padEnd(16), who, session ?? "-", facts].join(
    "  ",
  );
}

/** A terminal obeys control and direction characters: JSON escapes the first, this the rest. */
function inert(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
