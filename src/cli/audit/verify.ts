/** `twokey audit verify`: hashes every entry and holds them against what was signed, here and outside. Changes nothing. */
import { Command } from "commander";
import { readFileSync } from "node:fs";
import type { VerifierKey } from "../../audit/checkpoint.ts";
import { loadConfig, type Config } from "../../config.ts";
import { err, ok, type Result } from "../../result.ts";
import {
  openExportedLog,
  openRecordLog,
  readVerifiers,
  verifierOf,
  verify,
  type Verification,
} from "../../wire/audit-tools.ts";
import { withRecordFlags, type RecordOptions } from "./record.ts";

interface VerifyOptions extends RecordOptions {
  readonly export?: string;
  readonly checkpoint: readonly string[];
  readonly key: readonly string[];
  readonly since?: true;
  readonly columns: boolean;
  readonly json?: true;
}

const HELP = `
A record that was cut together with its checkpoints agrees with itself. Only a checkpoint that was kept
elsewhere shows it: give one with --checkpoint, as the export or a witness has it.

Exit codes: 0 the log is what was signed, 1 it is not, 2 usage.
`;

export function verifyCommand(): Command {
  const command = new Command("verify")
    .description("check every entry of the audit log against what was signed")
    .option("--export <folder>", "check what was exported there, instead of the record")
    .option("--checkpoint <file>", "a signed checkpoint kept elsewhere; may be given again", gather, [])
    .option("--since", "start at the newest --checkpoint instead of the first entry")
    .option("--key <key>", "verifier key, or a file of them; default: of the audit_key_file", gather, [])
    .option("--no-columns", "do not hold the columns that searches go by against the entries");
  return withRecordFlags(command)
    .option("--json", "answer in JSON")
    .addHelpText("after", HELP)
    .action(async (options: VerifyOptions) => {
      process.exitCode = await run(options);
    });
}

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value];

async function run(options: VerifyOptions): Promise<number> {
  const flags = { config: options.config, "data-dir": options.dataDir };
  const config = loadConfig({ flags, env: process.env, cwd: process.cwd() });
  if (!config.ok) return complain(config.error);
  if (options.since === true && options.checkpoint.length === 0) {
    return complain(["--since starts at a --checkpoint: give one"]);
  }
  const outside = readAll(options.checkpoint);
  if (!outside.ok) return complain(outside.error);
  const log =
    options.export === undefined ? await openRecordLog(config.value) : await openExportedLog(options.export);
  try {
    const { origin } = await log.tree.head();
    const keys = verifiers(config.value, origin, options.key);
    if (!keys.ok) return complain([keys.error]);
    const since = options.since === true;
    const { columns } = options;
    const found = await verify(log, { keys: keys.value, outside: outside.value, since, columns, onProgress });
    tell(found, options.json === true);
    return found.faults.length === 0 ? 0 : 1;
  } finally {
    await log.close();
  }
}

function complain(faults: readonly string[]): number {
  process.stderr.write(faults.map((fault) => `twokey: ${fault}\n`).join(""));
  return 2;
}

function readAll(files: readonly string[]): Result<readonly string[], readonly string[]> {
  const notes: string[] = [];
  const faults: string[] = [];
  for (const file of files) {
    try {
      notes.push(readFileSync(file, "utf8"));
    } catch {
      faults.push(`${file}: cannot be read`);
    }
  }
  return faults.length === 0 ? ok(notes) : err(faults);
}

function verifiers(
  config: Config,
  origin: string,
  given: readonly string[],
): Result<readonly VerifierKey[], string> {
  const own = given.length === 0 ? verifierOf(config, origin) : null;
  if (own?.ok === false) return own;
  const keys: VerifierKey[] = [];
  for (const one of own === null ? given : [own.value]) {
    const read = readVerifiers(one);
    if (!read.ok) return read;
    keys.push(...read.value);
  }
  return ok(keys);
}

function onProgress(done: number, size: number): void {
  if (!process.stderr.isTTY) return;
  const end = done === size ? "\r\u001b[K" : "";
  process.stderr.write(`\r${done.toLocaleString("en")} of ${size.toLocaleString("en")} entries${end}`);
}

function tell(found: Verification, json: boolean): void {
  if (json) {
    const { origin, size, from, root, checkpoints, unsigned, uncovered, faults } = found;
    const answer = {
      ok: faults.length === 0,
      origin,
      size,
      from,
      root,
      checkpoints,
      unsigned,
      uncovered,
      faults,
    };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
    return;
  }
  const { size, from, checkpoints, unsigned, uncovered, root, origin, faults } = found;
  const lines = [
    `Log         ${origin}`,
    `Entries     ${size}${from === 0 ? "" : `, hashed from ${from} on`}`,
    `Root        ${root}`,
    `Signed      ${size - unsigned} entries, by ${checkpoints} checkpoints in the record`,
    uncovered === size
      ? "Outside     no checkpoint from outside was given: a record cut together with its checkpoints is not seen"
      : `Outside     ${size - uncovered} entries are those of a checkpoint kept outside`,
    ...faults.map((fault) => `✗ ${fault}`),
    faults.length === 0 ? "✓ The log is what was signed." : "The log is NOT what was signed.",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
