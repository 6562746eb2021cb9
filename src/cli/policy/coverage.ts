/** `twokey policy coverage`: AWS's destructive actions by what the guardrails put before them. Reads and reports. */
import { Command } from "commander";
import { BARRIERS, type Barrier, type Coverage, type ServiceCoverage } from "../../policy/coverage.ts";
import { refuse } from "./open-template.ts";

interface CoverageOptions {
  readonly folder: string;
  readonly service?: string;
  readonly all?: true;
  readonly json?: true;
}

const HELP = `
Counts every action of AWS that destroys (by verb, and by a list of those that verbs miss) under what stands before it:
  tag          a standing template may hold it, fenced by the environment tag
  arns         a standing template may, but only on the guardrails' non_production_arns
  escalation   only an escalation that names exact resources
  floor        never: it is on the guardrails' floor
  unfenceable  never: it changes rights, or there is no tag and no resource to fence it by
This is what templates *may* hold at most; what yours do hold is told by twokey policy explain.

Examples:
  twokey policy coverage
  twokey policy coverage --service rds
  twokey policy coverage --json | jq .totals

Exit code: 0 counted, 1 faults in the folder, 2 wrong usage.`;

/** Rows shown unless all are asked for. */
const SHOWN = 20;

export function coverageCommand(): Command {
  return new Command("coverage")
    .description("count AWS's destructive actions by what the guardrails put before them")
    .option("--folder <folder>", "the policy folder", "policies")
    .option("--service <name>", "the actions of one service, by name")
    .option("--all", `every service, not the ${SHOWN} with the most`)
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(async (options: CoverageOptions) => {
      const { actionTable, loadPolicy } = await import("../../wire/tools.ts");
      const loaded = await loadPolicy(options.folder);
      if (!loaded.ok) {
        refuse(loaded.error, options.json);
        return;
      }
      const { coverageOf } = await import("../../policy/coverage.ts");
      const table = actionTable();
      const service = options.service?.toLowerCase();
      const services = service === undefined ? table.services : [service];
      const coverage = coverageOf(loaded.value.set.guardrails, { ...table, services });
      const [one] = service === undefined ? [] : coverage.services;
      if (service !== undefined && one === undefined) {
        refuse([`no service ${JSON.stringify(service)} has a destructive action`], options.json);
        return;
      }
      const text =
        options.json === true
          ? JSON.stringify(one ?? coverage, null, 2)
          : one === undefined
            ? asTable(coverage, options.all === true)
            : asList(one);
      process.stdout.write(`${text}\n`);
    });
}

const sizeOf = ({ actions }: ServiceCoverage): number =>
  BARRIERS.reduce((sum, barrier) => sum + actions[barrier].length, 0);

function asTable({ actionData, services, totals, destructive }: Coverage, all: boolean): string {
  const most = [...services].sort((a, b) => sizeOf(b) - sizeOf(a));
  const shown = all ? services : most.slice(0, SHOWN);
  const row = (name: string, sum: number, countOf: (barrier: Barrier) => number): string =>
    [name.padEnd(28), String(sum).padStart(11), ...BARRIERS.map((b) => String(countOf(b)).padStart(12))].join(
      "",
    );
  const rest = services.length - shown.length;
  return [
    ["service".padEnd(28), "destructive", ...BARRIERS.map((barrier) => barrier.padStart(12))].join(""),
    ...shown.map((one) => row(one.service, sizeOf(one), (barrier) => one.actions[barrier].length)),
    ...(rest > 0 ? [`… and ${rest} services more: --all`] : []),
    row(`${services.length} services`, destructive, (barrier) => totals[barrier]),
    `action data ${actionData}`,
  ].join("\n");
}

function asList({ service, actions }: ServiceCoverage): string {
  return BARRIERS.filter((barrier) => actions[barrier].length > 0)
    .map((barrier) => [`${service}, ${barrier}:`, ...actions[barrier].map((name) => `  ${name}`)].join("\n"))
    .join("\n");
}
