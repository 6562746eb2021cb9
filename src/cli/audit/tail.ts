/**
 * `twokey audit tail`: the last entries, and then each new one as it comes, until it is interrupted. An interrupt is how
 * it ends: exit code 0.
 */
import { Command } from "commander";
import type { StoredEntry } from "../../audit/entry.ts";
import { count, fits, withFilters, type EntryFilter } from "./filter.ts";
import { entryJson, entryLine } from "./lines.ts";
import { lastEntries } from "./ls.ts";
import { withRecord, withRecordFlags, type OpenRecord, type RecordOptions } from "./record.ts";

interface TailOptions extends RecordOptions, EntryFilter {
  readonly lines: number;
  readonly json?: true;
}

export function tailCommand(): Command {
  const command = new Command("tail")
    .description("show the last entries, then new ones as they come, until Ctrl-C")
    .option("--lines <number>", "how many of the last entries", count, 10);
  return withRecordFlags(withFilters(command))
    .option("--json", "one JSON object a line")
    .action(async (options: TailOptions) => {
      const stop = new AbortController();
      const end = (): void => {
        stop.abort();
      };
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
      // Whoever read the lines went away: `twokey audit tail | head`.
      process.stdout.on("error", end);
      const print = options.json === true ? entryJson : entryLine;
      process.exitCode = await withRecord(options, async (record) => {
        for await (const entry of follow(record, options, stop.signal)) {
          process.stdout.write(`${print(entry)}\n`);
        }
        return 0;
      });
    });
}

const PAGE = 500;
/** A change that was not told is found after so long. */
const LONGEST_WAIT_MS = 2_000;

async function* follow(
  record: OpenRecord,
  { lines, ...filter }: TailOptions,
  stopping: AbortSignal,
): AsyncGenerator<StoredEntry> {
  // Before the last entries are read: what comes meanwhile is shown by one of the two, and not by both.
  let next = await record.size();
  const last = await lastEntries(record, { ...filter, limit: lines });
  yield* last.filter(({ index }) => index < next);
  // One that keeps the process alive: waiting for the record does not.
  const alive = setInterval(() => undefined, LONGEST_WAIT_MS);
  try {
    while (!stopping.aborted) {
      const page = await record.entries({ from: next, limit: PAGE });
      yield* page.filter((entry) => fits(entry, filter));
      next += page.length;
      if (page.length === 0) await record.escalations.changed(LONGEST_WAIT_MS, stopping);
    }
  } finally {
    clearInterval(alive);
  }
}
