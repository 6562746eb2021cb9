/**
 * `twokey policy simulate`: JSON lines in, JSON lines out, one for one and in order. Holds one chunk at a time and
 * waits for its reader, so that a batch may be of any size. A bad line is answered and the run goes on.
 */
import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Command } from "commander";
import {
  failure,
  simulateLine,
  simulationCache,
  type SimulationCache,
  type SimulatedLine,
} from "../../policy/simulate.ts";

interface SimulateOptions {
  readonly strict?: true;
  readonly json?: true;
}

const HELP = `
A line in (wrapped here; the policies are IAM JSON):
  {"id": "1",
   "request": {"principal": {"arn": "arn:aws:sts::111122223333:assumed-role/ai-operator/orders-ci-x",
                             "account": "111122223333"},
               "action": "dynamodb:DeleteTable", "resourceAccount": "111122223333",
               "resource": "arn:aws:dynamodb:us-east-1:111122223333:table/orders",
               "context": {"aws:ResourceTag/environment": "staging"}},
   "policies": {"identity": [{…}], "session": [{…}], "boundary": null, "scp": null, "resource": null}}

Context values are strings, booleans, numbers or lists of strings. session null: no session policy. scp: a list of
levels (root, units, account), each a list of policies, each of which must allow. For sts:AssumeRole, TagSession and
SetSourceIdentity the resource policy is the role's trust policy.

A line out:
  {"id": "1", "decision": "allowed" or "explicitDeny" or "implicitDeny",
   "matched": [{"layer", "policy", "statement", "effect"}], "reason": "…"}
or, for a line that cannot be read or evaluated, {"id", "error"}; id is null where it could not be read.

Unlike AWS's own simulator: session policies, SCP levels and role sessions are evaluated; a key that the context
lacks is absent; actions are not checked against what AWS has. docs/policy-tools.md has the whole list.

Exit code: 0 every line was answered, 1 the input could not be read (or, with --strict, a line had an error),
2 wrong usage.`;

export function simulateCommand(): Command {
  return new Command("simulate")
    .description("decide requests as AWS would: JSON lines in, JSON lines out, batches of any size")
    .argument("[file]", "a file of JSON lines, or - for standard input", "-")
    .option("--strict", "exit 1 if any line had an error")
    .option("--json", "accepted for uniformity: the output always is JSON")
    .addHelpText("after", HELP)
    .action(async (file: string, options: SimulateOptions) => {
      process.exitCode = await run(file, options);
    });
}

async function run(file: string, { strict }: SimulateOptions): Promise<number> {
  const counts = { lines: 0, errors: 0 };
  try {
    const source = file === "-" ? process.stdin : createReadStream(file);
    await pipeline(
      source,
      (chunks) => simulateChunks(chunks as AsyncIterable<Buffer>, counts),
      process.stdout,
      {
        end: false,
      },
    );
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : null;
    if (code === null) throw error;
    // The reader has seen enough: `… | head`.
    if (code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE") return 0;
    process.stderr.write(`twokey: ${file} cannot be read: ${code}\n`);
    return 1;
  }
  if (counts.errors > 0) {
    process.stderr.write(`twokey: ${counts.errors} of ${counts.lines} lines had an error\n`);
  }
  return strict === true && counts.errors > 0 ? 1 : 0;
}

/** Bytes. Twice what the largest policies of every layer take together. */
export const LONGEST_LINE = 1024 * 1024;

/** Answers to the lines that each chunk completes. `counts` is kept up to date. */
export async function* simulateChunks(
  chunks: AsyncIterable<Buffer>,
  counts: { lines: number; errors: number },
): AsyncGenerator<string> {
  const cache = simulationCache();
  for await (const lines of linesOf(chunks)) {
    let out = "";
    for (const line of lines) {
      const { text, failed } = line === null ? TOO_LONG : answer(line, cache);
      counts.lines++;
      if (failed) counts.errors++;
      out += `${text}\n`;
    }
    yield out;
  }
}

const TOO_LONG: SimulatedLine = failure(null, `the line is longer than ${LONGEST_LINE} bytes`);

const answer = (line: Buffer, cache: SimulationCache): SimulatedLine =>
  isUtf8(line) ? simulateLine(line.toString("utf8"), cache) : failure(null, "the line is not UTF-8");

const NEWLINE = 10;

/** The lines each chunk completes; null for one that is too long, which is not kept. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly (Buffer | null)[]> {
  let pending: Buffer[] = [];
  let length = 0;
  const keep = (part: Buffer): void => {
    length += part.length;
    if (length > LONGEST_LINE) pending = [];
    else if (part.length > 0) pending.push(part);
  };
  const take = (): Buffer | null => {
    const line = length > LONGEST_LINE ? null : pending.length === 1 ? pending[0] : Buffer.concat(pending);
    [pending, length] = [[], 0];
    return line ?? null;
  };
  for await (const chunk of chunks) {
    const lines: (Buffer | null)[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      keep(chunk.subarray(start, end));
      lines.push(take());
      start = end + 1;
    }
    keep(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (length > 0) yield [take()];
}
