/**
 * `twokey db prune`: deletes rows of no more use that are old enough, or counts them. Says what that means before
 * anybody does it; decides nothing about rows itself.
 */
import { Command, InvalidArgumentError } from "commander";
import { loadConfig } from "../../config.ts";
import { prune, SHORTEST_RETENTION_DAYS, type Pruned, type PruneProgress } from "../../wire/prune.ts";
import { withRecordFlags, type RecordOptions } from "../audit/record.ts";

interface PruneOptions extends RecordOptions {
  readonly olderThan: number;
  readonly dryRun?: true;
  readonly json?: true;
}

const HELP = `
What goes, where it is older:
  deliveries       to a channel that were made or given up, of escalations that are closed; never a channel's newest
  notices          that no delivery is left of
  idempotency      an Idempotency-Key for a session may then be used again, and mints again
  escalation_keys  the same of an Idempotency-Key for an escalation
  invitations      that were used or ran out
  checkpoints      all but the last of each day (UTC), the first and the newest
  denied_sessions  sessions that were frozen and are over

Entries, sessions, escalations, decisions, passkeys, policy sets and freezes stay for ever. What is to go is recorded in
the audit log before anything does (record.pruned); without that entry nothing goes. A run that was cut short is simply
run again. On PostgreSQL brokers may go on; the embedded store must have none.

Examples:
  twokey db prune --older-than 90d --dry-run
  twokey db prune --older-than 400d --json
`;

export function pruneCommand(): Command {
  const command = new Command("prune")
    .description("delete rows that are of no more use; the record itself stays for ever")
    .requiredOption(
      "--older-than <days>",
      `such as 90d; ${SHORTEST_RETENTION_DAYS}d is the least there is`,
      days,
    )
    .option("--dry-run", "count what would go, delete and record nothing");
  return withRecordFlags(command)
    .option("--json", "answer in JSON")
    .addHelpText("after", HELP)
    .action(async (options: PruneOptions) => {
      process.exitCode = await run(options);
    });
}

function days(text: string): number {
  const [, digits] = /^(\d{1,5})d$/.exec(text) ?? [];
  if (digits === undefined) throw new InvalidArgumentError("is a number of days, such as 90d");
  const count = Number(digits);
  if (count < SHORTEST_RETENTION_DAYS) {
    throw new InvalidArgumentError(`${SHORTEST_RETENTION_DAYS}d is the least there is`);
  }
  return count;
}

async function run({ config: file, dataDir, olderThan, dryRun, json }: PruneOptions): Promise<number> {
  const flags = { config: file, "data-dir": dataDir };
  const config = loadConfig({ flags, env: process.env, cwd: process.cwd() });
  if (!config.ok) {
    process.stderr.write(config.error.map((fault) => `twokey: ${fault}\n`).join(""));
    return 2;
  }
  const pruned = await prune(config.value, { days: olderThan, dryRun: dryRun === true, onProgress });
  if (process.stderr.isTTY) process.stderr.write(CLEAR);
  process.stdout.write(json === true ? inJson(pruned, dryRun === true) : inWords(pruned, dryRun === true));
  return 0;
}

const CLEAR = "\r\u001b[K";

function onProgress({ step, table, rows }: PruneProgress): void {
  if (!process.stderr.isTTY) return;
  const doing = step === "count" ? "counting" : "deleting from";
  process.stderr.write(`${CLEAR}${doing} ${table}: ${rows.toLocaleString("en")} rows looked at`);
}

function inJson({ olderThan, counts, removed, entry }: Pruned, dryRun: boolean): string {
  const answer = { older_than: olderThan.toISOString(), dry_run: dryRun, entry, counts, removed };
  return `${JSON.stringify(answer)}\n`;
}

function inWords({ olderThan, counts, removed, entry }: Pruned, dryRun: boolean): string {
  const shown = Object.entries(dryRun ? counts : removed);
  const width = Math.max(...shown.map(([table]) => table.length)) + 2;
  const what = dryRun ? "Would be deleted" : "Deleted";
  const lines = [
    `${what}, of no more use and older than ${olderThan.toISOString()}:`,
    ...shown.map(([table, count]) => `  ${table.padEnd(width)}${count}`),
    dryRun
      ? "Nothing was deleted or recorded."
      : entry === null
        ? "There was nothing to delete, so nothing was recorded."
        : `Recorded as entry ${entry}.`,
  ];
  return `${lines.join("\n")}\n`;
}
