/** `twokey doctor`: says line by line whether the broker and its AWS accounts are as they must be, and what to do. */
import { Command } from "commander";
import { loadConfig, type Config } from "../config.ts";
import { bad, THE_BROKER } from "../policy/doctor/finding.ts";
import { runDoctor, UnknownAccountError, type Finding } from "../wire/doctor.ts";
import { inert } from "./inert.ts";
import { paint, wrap } from "./policy/paint.ts";
import { flagTexts, withSettings, type SettingOptions } from "./settings.ts";

const HELP = `
Runs where the broker runs: with its configuration, its environment and its AWS credentials. It reads IAM, asks
IAM's simulator, and asks STS for sessions that may do nothing; it changes nothing in AWS. Each session it asks for
and what it found is written to the audit log.

--simulate puts the proof's critical cases to IAM's simulator (iam:SimulateCustomPolicy): whether AWS itself judges
the templates' sessions as \`twokey policy prove\` does.

Examples:
  twokey doctor --policies ./policies
  twokey doctor --account 111122223333 --json

Exit code: 0 nothing is wrong; 1 something is; 2 wrong usage.`;

interface DoctorOptions extends SettingOptions {
  readonly account?: string;
  readonly simulate?: true;
  readonly json?: true;
}

export function doctorCommand(): Command {
  const command = new Command("doctor").description(
    "check the broker and its AWS accounts, and say what to mend",
  );
  return withSettings(command)
    .option("--account <id>", "look at this account of accounts.yaml alone")
    .option("--simulate", "put the proof's critical cases to IAM's simulator as well")
    .option("--json", "print the findings as a JSON array")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, self: Command) => {
      process.exitCode = await run(self.opts<DoctorOptions>());
    });
}

async function run(options: DoctorOptions): Promise<number> {
  const json = options.json === true;
  const config = loadConfig({ flags: flagTexts(options), env: process.env, cwd: process.cwd() });
  const found: Finding[] = [];
  const tell = json ? () => undefined : teller();
  try {
    for await (const finding of config.ok ? examined(config.value, options) : misconfigured(config.error)) {
      found.push(finding);
      tell(finding);
    }
  } catch (error) {
    if (!(error instanceof UnknownAccountError)) throw error;
    process.stderr.write(`twokey: ${inert(error.message)}\n`);
    return 2;
  }
  if (json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
  else process.stdout.write(`\n${summary(found)}\n`);
  return found.some(({ status }) => status === "fault") ? 1 : 0;
}

const examined = (config: Config, { account, simulate }: DoctorOptions): AsyncIterable<Finding> =>
  runDoctor({ config, account: account ?? null, simulate: simulate === true });

async function* misconfigured(faults: readonly string[]): AsyncGenerator<Finding> {
  for (const fault of faults) yield bad("configuration", THE_BROKER, fault, "correct the setting");
}

const MARKS = { ok: "✓", warning: "!", fault: "✗" } as const;
const COLOURS = { ok: "green", warning: "yellow", fault: "red" } as const;

/** Prints each finding when it comes, under its account. */
function teller(): (finding: Finding) => void {
  let under: string | null | undefined;
  return (finding) => {
    const { account, role, status, line, fix } = finding;
    if (account !== under) {
      const heading = account === null ? "The broker" : `Account ${account}`;
      process.stdout.write(`${under === undefined ? "" : "\n"}${paint("bold", heading)}\n`);
      under = account;
    }
    const subject = role === null ? "" : `${role}: `;
    const text = wrap(inert(`${subject}${line}`), 4);
    process.stdout.write(`  ${paint(COLOURS[status], MARKS[status])} ${text}\n`);
    if (fix !== null) process.stdout.write(`      ${wrap(inert(`→ ${fix}`), 8)}\n`);
  };
}

function summary(found: readonly Finding[]): string {
  const count = (status: Finding["status"]): number =>
    found.filter((finding) => finding.status === status).length;
  const [ok, warnings, faults] = [count("ok"), count("warning"), count("fault")];
  const many = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
  return `${ok} ok, ${many(warnings, "warning")}, ${many(faults, "fault")}`;
}
