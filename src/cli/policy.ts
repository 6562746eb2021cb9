/**
 * `twokey policy …`: the security team's commands on a policy folder. Reads and reports; never writes and never
 * talks to AWS.
 */
import { Command } from "commander";
import { join } from "node:path";
import type { ServedPolicy } from "../policy/serve.ts";
import type { PolicyFault } from "../policy/set.ts";
import type { Result } from "../result.ts";

export function policyCommand(): Command {
  const policy = new Command("policy").description("Work with the policy folder");
  policy.addCommand(checkCommand());
  return policy;
}

function checkCommand(): Command {
  return new Command("check")
    .description("Check every file of a policy folder, and every template against its own `expect:` cases")
    .argument("[folder]", "the policy folder", "policies")
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExit code: 0 nothing wrong, 1 faults, 2 wrong usage.")
    .action(async (folder: string, options: { json?: boolean }) => {
      const { checkPolicy } = await import("../wire.ts");
      const result = await checkPolicy(folder);
      const text = options.json === true ? asJson(result) : asText(folder, result);
      process.stdout.write(`${text}\n`);
      process.exitCode = result.ok ? 0 : 1;
    });
}

type Checked = Result<ServedPolicy, readonly PolicyFault[]>;

function asJson(result: Checked): string {
  const digest = result.ok ? result.value.set.digest : null;
  return JSON.stringify({ ok: result.ok, digest, faults: result.ok ? [] : result.error }, null, 2);
}

/** A compiler's form, which editors and terminals turn into links: `file:line:column: message`. */
function asText(folder: string, result: Checked): string {
  return result.ok ? success(folder, result.value) : failure(folder, result.error);
}

function success(folder: string, { set }: ServedPolicy): string {
  const cases = set.templates.reduce((sum, template) => sum + template.expect.length, 0);
  const counts = `${count(set.templates.length, "template")}, ${count(cases, "expected decision")}`;
  return `${folder}: nothing wrong (${counts})\npolicy version ${set.digest}`;
}

function failure(folder: string, faults: readonly PolicyFault[]): string {
  const lines = faults.flatMap(({ file, line, column, message, fix }) => [
    `${join(folder, file)}:${line}:${column}: ${message}`,
    ...(fix === null ? [] : [`    ${fix}`]),
  ]);
  const files = new Set(faults.map(({ file }) => file)).size;
  return [...lines, "", `${count(faults.length, "fault")} in ${count(files, "file")}`].join("\n");
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;
