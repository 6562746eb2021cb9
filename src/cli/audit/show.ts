/** `twokey audit show`: one entry of the record, whole. */
import { Argument, Command } from "commander";
import { count } from "./filter.ts";
import { entryJson, wholeEntry } from "./lines.ts";
import { withRecord, withRecordFlags, type RecordOptions } from "./record.ts";

interface ShowOptions extends RecordOptions {
  readonly json?: true;
}

export function showCommand(): Command {
  const command = new Command("show")
    .description("show one entry with everything it holds")
    .addArgument(
      new Argument("<index>", "its place in the log, as `twokey audit ls` shows it").argParser(count),
    );
  return withRecordFlags(command)
    .option("--json", "as one JSON object")
    .action(async (index: number, options: ShowOptions) => {
      process.exitCode = await withRecord(options, async (record) => {
        const [entry] = await record.entries({ from: index, limit: 1 });
        if (entry?.index !== index) {
          process.stderr.write(`twokey: the log has no entry ${index}; it has ${await record.size()}\n`);
          return 1;
        }
        process.stdout.write(`${options.json === true ? entryJson(entry) : wholeEntry(entry)}\n`);
        return 0;
      });
    });
}
