/** `twokey audit ls`: reads the record, a sentence an entry or as JSON, all of it or what fits. */
import { Command } from "commander";
import type { StoredEntry } from "../../audit/entry.ts";
import { count, fits, isFiltered, searchOf, withFilters, type EntryFilter } from "./filter.ts";
import { entryJson, entryLine } from "./lines.ts";
import { withRecord, withRecordFlags, type OpenRecord, type RecordOptions } from "./record.ts";

interface ListOptions extends RecordOptions, EntryFilter {
  readonly from?: number;
  readonly limit: number;
  readonly json?: true;
}

export function lsCommand(): Command {
  const command = new Command("ls")
    .description("list entries in the order of the log, by default the last of them")
    .option("--from <index>", "first entry to show", count)
    .option("--limit <number>", "how many", count, 50);
  return withRecordFlags(withFilters(command))
    .option("--json", "one JSON object a line")
    .action(async (options: ListOptions) => {
      const print = options.json === true ? entryJson : entryLine;
      process.exitCode = await withRecord(options, async (record) => {
        const entries =
          options.from === undefined ? lastEntries(record, options) : firstEntries(record, options);
        for (const entry of await entries) process.stdout.write(`${print(entry)}\n`);
        return 0;
      });
    });
}

/** In the order of the log. */
export async function lastEntries(
  record: Pick<OpenRecord, "size" | "entries" | "search">,
  { limit, ...filter }: EntryFilter & { readonly limit: number },
): Promise<readonly StoredEntry[]> {
  if (limit === 0) return [];
  if (!isFiltered(filter)) {
    return record.entries({ from: Math.max(0, (await record.size()) - limit), limit });
  }
  return (await record.search({ ...searchOf(filter), before: null, limit })).toReversed();
}

const PAGE = 1_000;

async function firstEntries(
  record: Pick<OpenRecord, "entries">,
  { from = 0, limit, ...filter }: ListOptions,
): Promise<readonly StoredEntry[]> {
  if (!isFiltered(filter)) return record.entries({ from, limit });
  const found: StoredEntry[] = [];
  for (let at = from; found.length < limit; at += PAGE) {
    const page = await record.entries({ from: at, limit: PAGE });
    found.push(...page.filter((entry) => fits(entry, filter)));
    if (page.length < PAGE) break;
  }
  return found.slice(0, limit);
}
