/**
 * `twokey audit reconcile`: holds CloudTrail's files against the record, and reports. Writes nothing but settlements, and
 * those only where it is asked to.
 */
import { Command, InvalidArgumentError } from "commander";
import type { Covers } from "../../audit/reconciliation.ts";
import { loadConfig } from "../../config.ts";
import { reconcile } from "../../wire/reconcile.ts";
import { inert } from "../inert.ts";
import { isClean, report, reportJson } from "./reconcile-report.ts";

interface ReconcileOptions {
  readonly cloudtrail: readonly string[];
  readonly covers?: Covers;
  readonly settle?: true;
  readonly policies?: string;
  readonly dataDir?: string;
  readonly config?: string;
  readonly json?: true;
}

const HELP = `
A file is CloudTrail's own ({"Records": [...]}), or one record a line, plain or gzip.

That STS issued nothing for a session is concluded only where you state with --covers that the files hold every event of
the session's account from its request to its latest end.

Examples:
  zcat logs/*.json.gz | twokey audit reconcile --cloudtrail -
  twokey audit reconcile --cloudtrail night.json.gz --covers 2026-03-01T00:00:00Z/2026-03-02T00:00:00Z --settle

Exit code: 0 no alarm, 1 an alarm, 2 wrong usage or a file that cannot be read (then nothing is concluded).`;

export function reconcileCommand(): Command {
  return new Command("reconcile")
    .description("hold CloudTrail's events against the record: what sessions did, alarms, unknown outcomes")
    .requiredOption("--cloudtrail <file>", "CloudTrail events, - for standard input; again for more", addFile)
    .option("--covers <from/to>", "you state that the files hold all events of this time (ISO 8601)", covers)
    .option("--settle", "write down what CloudTrail shows of sessions whose outcome is not known")
    .option("--policies <folder>", "the served policy folder, whose accounts name the AI roles")
    .option("--data-dir <folder>", "folder of the embedded store, which no broker may have open")
    .option("--config <file>", "the broker's configuration file; its environment variables count too")
    .option("--json", "one JSON document")
    .addHelpText("after", HELP)
    .action(async (options: ReconcileOptions, self: Command) => {
      if (options.cloudtrail.filter((file) => file === "-").length > 1)
        self.error("twokey: standard input can be read once");
      process.exitCode = await run(options);
    });
}

const addFile = (file: string, before: readonly string[] = []): readonly string[] => [...before, file];

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z$/;

function covers(text: string): Covers {
  const times = text.split("/");
  const [from, to] = times.map((time) => new Date(TIME.test(time) ? time : NaN));
  if (times.length !== 2 || from === undefined || to === undefined || !(from < to))
    throw new InvalidArgumentError("is from/to, such as 2026-03-01T00:00:00Z/2026-03-02T00:00:00Z");
  return { from, to };
}

async function run(options: ReconcileOptions): Promise<number> {
  const { config: file, dataDir, policies, json } = options;
  const flags = { config: file, "data-dir": dataDir, policies };
  const config = loadConfig({ flags, env: process.env, cwd: process.cwd() });
  if (!config.ok) return refuse(config.error, json);
  const found = await reconcile(config.value, {
    files: options.cloudtrail,
    stdin: process.stdin,
    covers: options.covers ?? null,
    settle: options.settle === true,
    now: new Date(),
  });
  if (!found.ok) return refuse(found.error, json);
  process.stdout.write(json === true ? reportJson(found.value) : report(found.value));
  return isClean(found.value) ? 0 : 1;
}

function refuse(problems: readonly string[], json: true | undefined): number {
  if (json === true) process.stdout.write(`${JSON.stringify({ error: problems }, null, 2)}\n`);
  else process.stderr.write(problems.map((problem) => `twokey: ${inert(problem)}\n`).join(""));
  return 2;
}
