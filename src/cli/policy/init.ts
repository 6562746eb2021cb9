/**
 * `twokey policy init`: writes a template to start from. Asks on a terminal, takes flags, or reads what an agent did
 * from CloudTrail. Never overwrites a file, and says of every action it leaves out why.
 */
import { Command, InvalidArgumentError } from "commander";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Proposed } from "../../policy/propose/for-folder.ts";
import { count } from "./count.ts";
import { refuse } from "./open-template.ts";

interface InitOptions {
  readonly folder: string;
  readonly title?: string;
  readonly read?: readonly string[];
  readonly change?: readonly string[];
  readonly account?: readonly string[];
  readonly fromCloudtrail?: string;
  readonly stdout?: true;
  readonly json?: true;
}

const HELP = `
With --from-cloudtrail the template covers the calls in the file that AWS did not deny: safe reads anywhere, the rest
on the resources seen, with their names as parameters. A file is {"Records": [...]} or one record a line.

Examples:
  twokey policy init requeue --read sqs --change sqs:StartMessageMoveTask,sqs:PurgeQueue
  twokey policy init night-job --from-cloudtrail events.json --stdout

Exit code: 0 written, 1 refused or the result does not pass policy check, 2 wrong usage.`;

export function initCommand(): Command {
  return new Command("init")
    .description("write a template to start from, or one that covers what a CloudTrail file shows")
    .argument("<template>", "its name, which is the file's too", name)
    .option("--title <text>", "what it is for, in a few words")
    .option("--read <services>", "services it may look at, such as sqs,ecs", list)
    .option("--change <actions>", "actions it may also use, such as sqs:PurgeQueue", list)
    .option("--account <ids>", "accounts it is for, twelve digits each (default all)", list)
    .option("--from-cloudtrail <file>", "cover what these CloudTrail records show")
    .option("--folder <folder>", "the policy folder", "policies")
    .option("--stdout", "print the template and write nothing")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(async (template: string, options: InitOptions, command: Command) => {
      const asks = [options.read, options.change, options.fromCloudtrail].every((one) => one === undefined);
      if (asks && !process.stdin.isTTY) command.error("name --read, --change or --from-cloudtrail");
      await init(template, asks ? await ask(template, options) : options);
    });
}

function name(text: string): string {
  if (!/^[a-z][a-z0-9-]{1,62}$/.test(text))
    throw new InvalidArgumentError("use a-z, 0-9 and `-`, a letter first.");
  return text;
}

const list = (text: string): readonly string[] =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

async function ask(template: string, options: InitOptions): Promise<InitOptions> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const title = options.title ?? (await lines.question(`What is ${template} for, in a few words? `));
    const read = list(await lines.question("Services it looks at (such as sqs,ecs; empty for none): "));
    const change = list(
      await lines.question("Actions it also uses (such as sqs:PurgeQueue; empty for none): "),
    );
    const account = list(await lines.question("Accounts, twelve digits each (empty for all): "));
    return {
      ...options,
      ...(title.trim() === "" ? {} : { title: title.trim() }),
      read,
      change,
      ...(account.length > 0 ? { account } : {}),
    };
  } finally {
    lines.close();
  }
}

async function init(template: string, options: InitOptions): Promise<void> {
  const { proposeTemplate } = await import("../../wire/tools.ts");
  const trail = options.fromCloudtrail === undefined ? null : await readFile(options.fromCloudtrail, "utf8");
  const proposed = await proposeTemplate(options.folder, {
    name: template,
    title: options.title ?? template.replaceAll("-", " "),
    accounts: options.account ?? null,
    read: options.read ?? [],
    change: options.change ?? [],
    trail,
  });
  if (!proposed.ok) {
    refuse(proposed.error, options.json);
    return;
  }
  const { yaml, faults } = proposed.value;
  const path = join(options.folder, "templates", `${template}.yaml`);
  const written = yaml !== null && options.stdout !== true && (await write(path, yaml));
  if (yaml !== null && options.stdout !== true && !written) {
    refuse([`${path} is there already; it is left as it is`], options.json);
    return;
  }
  if (yaml === null || faults.length > 0) process.exitCode = 1;
  if (options.json === true)
    process.stdout.write(
      `${JSON.stringify({ ok: process.exitCode !== 1, path: written ? path : null, ...proposed.value }, null, 2)}\n`,
    );
  else {
    if (options.stdout === true && yaml !== null) process.stdout.write(yaml);
    (options.stdout === true ? process.stderr : process.stdout).write(
      report(proposed.value, written ? path : null),
    );
  }
}

async function write(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function report(
  { yaml, covered, refused, denied, unknown, faults, warnings }: Proposed,
  path: string | null,
): string {
  const fixed = (fix: string | null): string => (fix === null ? "" : `\n    ${fix}`);
  return [
    ...(path === null ? [] : [`Wrote ${path}, which allows ${count(covered.length, "action")}.`]),
    ...(yaml === null ? ["Nothing is left to allow: no template is proposed."] : []),
    ...refused.map(({ action, reason, fix }) => `left out ${action}: ${reason}${fixed(fix)}`),
    ...denied.map((action) => `left out ${action}: AWS denied it`),
    ...unknown.map((event) => `left out ${event}: no published action of this name`),
    ...[...faults, ...warnings].map(
      ({ file, line, column, message, fix }) => `${file}:${line}:${column}: ${message}${fixed(fix)}`,
    ),
    ...(faults.length > 0
      ? ["It does not pass policy check yet."]
      : yaml === null
        ? []
        : ["It passes policy check."]),
    "",
  ].join("\n");
}
