/**
 * `twokey policy check`: reads a policy folder and reports everything wrong with it. Never writes and never talks
 * to AWS.
 */
import { Command } from "commander";
import { join } from "node:path";
import { alsoNeeded, type Examination, type TemplateReport } from "../../policy/check-set.ts";
import type { ActionTable } from "../../policy/knowledge.ts";
import type { PolicyFault } from "../../policy/set.ts";
import { count } from "./count.ts";

interface CheckOptions {
  readonly json?: true;
  readonly reach?: true;
  readonly strict?: true;
}

const HELP = `
Faults: the set is not served. Warnings: it is, and something in it is hardly meant (a statement that another
covers, a template nobody may ask for, a policy that is too large with the longest values).

Exit code: 0 no fault, 1 faults (with --strict: or warnings), 2 wrong usage.`;

export function checkCommand(): Command {
  return new Command("check")
    .description("check every file of a policy folder, and every template against its own `expect:` cases")
    .argument("[folder]", "the policy folder", "policies")
    .option("--reach", "print the actions that each pattern of each template stands for")
    .option("--strict", "warnings fail the check too")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(async (folder: string, options: CheckOptions) => {
      const { actionTable, examinePolicy } = await import("../../wire/tools.ts");
      const examined = await examinePolicy(folder);
      const table = options.reach === true ? actionTable() : null;
      const failed = examined.faults.length > 0 || (options.strict === true && examined.warnings.length > 0);
      const text = options.json === true ? asJson(examined, !failed, table) : asText(folder, examined, table);
      process.stdout.write(`${text}\n`);
      process.exitCode = failed ? 1 : 0;
    });
}

function asJson(
  { served, faults, warnings, templates }: Examination,
  ok: boolean,
  /** Given where the reach was asked for. */
  table: ActionTable | null,
): string {
  const reports = templates.map(({ name, size, reach }) =>
    table === null
      ? { name, size }
      : { name, size, reach: reach.map((one) => ({ ...one, also_needs: alsoNeeded(one, table) })) },
  );
  const digest = served?.set.digest ?? null;
  return JSON.stringify({ ok, digest, faults, warnings, templates: reports }, null, 2);
}

function asText(folder: string, examined: Examination, table: ActionTable | null): string {
  const { served, faults, warnings, templates } = examined;
  const reach = table === null ? [] : templates.map((report) => reachLines(report, table));
  return [
    ...reach,
    ...faults.map((fault) => told(folder, fault, "")),
    ...warnings.map((warning) => told(folder, warning, "warning: ")),
    ...(faults.length + warnings.length > 0 ? [""] : []),
    served === null
      ? `${count(faults.length, "fault")} in ${count(filesOf(faults), "file")}`
      : success(folder, examined),
    ...(warnings.length > 0 ? [count(warnings.length, "warning")] : []),
    ...(served === null ? [] : [...sizeLines(templates), `policy version ${served.set.digest}`]),
  ].join("\n");
}

/** A compiler's form, which editors and terminals turn into links: `file:line:column: message`. */
function told(folder: string, { file, line, column, message, fix }: PolicyFault, level: string): string {
  const first = `${join(folder, file)}:${line}:${column}: ${level}${message}`;
  return fix === null ? first : `${first}\n    ${fix}`;
}

const filesOf = (faults: readonly PolicyFault[]): number => new Set(faults.map(({ file }) => file)).size;

function success(folder: string, { served, templates }: Examination): string {
  const cases = (served?.set.templates ?? []).reduce((sum, template) => sum + template.expect.length, 0);
  return `${folder}: nothing wrong (${count(templates.length, "template")}, ${count(cases, "expected decision")})`;
}

function sizeLines(templates: readonly TemplateReport[]): readonly string[] {
  const width = Math.max(...templates.map(({ name }) => name.length));
  return templates.map(({ name, size: { worst, sent, form, limit } }) => {
    const fits =
      form === "as written" ? `fits ${limit}` : sent === null ? `STS takes ${limit}` : `${form} to ${sent}`;
    return `  ${name.padEnd(width)}  ${String(worst).padStart(5)} characters with the longest values, ${fits}`;
  });
}

function reachLines({ name, reach }: TemplateReport, table: ActionTable): string {
  const rows = reach.map((one) => {
    const needed = alsoNeeded(one, table);
    const head = one.actions.length === 1 ? one.pattern : `${one.pattern} (${one.actions.length})`;
    const lines = one.actions.length === 1 ? [] : one.actions.map((action) => `    ${action}`);
    return [
      `  ${head}`,
      ...lines,
      ...(needed.length > 0 ? [`    AWS also asks for ${needed.join(", ")}`] : []),
    ];
  });
  return [name, ...rows.flat(), ""].join("\n");
}
