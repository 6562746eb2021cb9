/** `twokey audit export`: the log's entries to a file or a pipe, exact or as events for a SIEM. */
import { Command, Option } from "commander";
import type { LogReader } from "../../audit/reader.ts";
import { VERSION } from "../../config.ts";
import { ok } from "../../result.ts";
import { exportedPages, FORMATS, type Format } from "./export-lines.ts";
import { count } from "./filter.ts";
import { outFile, standardOutput, type Sink } from "./out-file.ts";
import { withRecord, withRecordFlags, type RecordOptions } from "./record.ts";

interface ExportOptions extends RecordOptions {
  readonly from: number;
  readonly to?: number;
  readonly format: Format;
  readonly out?: string;
  readonly force?: true;
}

export function exportCommand(): Command {
  const command = new Command("export")
    .description("write the log's entries as JSON lines: their exact texts, or events for a SIEM")
    .option("--from <index>", "first entry", count, 0)
    .option("--to <index>", "the entry to end before; by default the end of the log", count)
    .addOption(
      new Option("--format <format>", "jsonl: index and exact text; ocsf: OCSF 1.3.0 events")
        .choices(FORMATS)
        .default("jsonl"),
    )
    .option("--out <file>", "a file, readable by its owner alone, instead of standard output")
    .option("--force", "replace the file if it is there");
  return withRecordFlags(command).action(async (options: ExportOptions) => {
    process.exitCode = await run(options);
  });
}

async function run(options: ExportOptions): Promise<number> {
  const { out, force = false } = options;
  const sink = out === undefined ? ok(standardOutput()) : await outFile(out, force);
  if (!sink.ok) return complain(sink.error);
  try {
    const code = await withRecord(options, ({ tree }) => copy(tree, sink.value, options));
    if (code !== 0) await sink.value.abandon();
    return code;
  } catch (error) {
    await sink.value.abandon();
    // `twokey audit export | head`: whoever read it has enough.
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return 0;
    throw error;
  }
}

async function copy(log: LogReader, sink: Sink, options: ExportOptions): Promise<number> {
  const { from, format, out } = options;
  const size = (await log.head()).frontier.size;
  const to = options.to ?? size;
  if (from > to || to > size) return complain(`the log has ${size} entries: there is no ${from} to ${to}`);
  const tell = progress(to - from, out !== undefined);
  for await (const page of exportedPages({ log, from, to, format, version: VERSION })) {
    await sink.write(page.text);
    tell(page.entries);
  }
  const finished = await sink.finish();
  if (!finished.ok) return complain(finished.error);
  if (out !== undefined) process.stderr.write(`${to - from} entries in ${out}\n`);
  return 0;
}

/** So many are worth telling how far it is. */
const LONG = 10_000;

function progress(total: number, toFile: boolean): (entries: number) => void {
  // Lines on the same terminal would be torn.
  if (total < LONG || !process.stderr.isTTY || (!toFile && process.stdout.isTTY)) return () => undefined;
  let done = 0;
  return (entries) => {
    done += entries;
    process.stderr.write(`\r${done} of ${total} entries${done === total ? "\n" : ""}`);
  };
}

function complain(fault: string): 1 {
  process.stderr.write(`twokey: ${fault}\n`);
  return 1;
}
