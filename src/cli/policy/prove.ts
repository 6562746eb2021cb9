/**
 * `twokey policy prove`: puts every published action to every template's sessions and shows what comes of it. Reads
 * the folder and prints; never writes and never talks to AWS.
 */
import { Command } from "commander";
import type { Counterexample, TemplateProof } from "../../policy/prove/prove.ts";
import { refuse } from "./open-template.ts";

const HELP = `
Every published action of AWS, on each type of resource it touches, whatever the resource's tag, the account, the
resource policy and the tags in the request: what is not a safe read must be an explicit deny, unless the resource is
known not to be production, or is exactly what two people approve. A counterexample is printed as a line of
\`twokey policy simulate\`, with the policy it was found in.

Exit code: 0 proved, 1 not proved or faults in the folder, 2 wrong usage.`;

interface Options {
  readonly folder: string;
  readonly json?: true;
}

export function proveCommand(): Command {
  return new Command("prove")
    .description("prove that no session of a template can change production, or show the request that can")
    .argument("[template]", "name of a template in the folder (default: all of them)")
    .option("--folder <folder>", "the policy folder", "policies")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(async (name: string | undefined, options: Options) => {
      const proofs = await proveAll(name, options);
      if (proofs === null) return;
      const text = options.json === true ? JSON.stringify(proofs, null, 2) : proofs.map(asText).join("\n\n");
      process.stdout.write(`${text}\n`);
      if (!proofs.every(({ proved }) => proved)) process.exitCode = 1;
    });
}

async function proveAll(
  name: string | undefined,
  options: Options,
): Promise<readonly TemplateProof[] | null> {
  const { actionTable, loadPolicy } = await import("../../wire/tools.ts");
  const { proveTemplate, provable } = await import("../../policy/prove/prove.ts");
  const loaded = await loadPolicy(options.folder);
  if (!loaded.ok) return refuse(loaded.error, options.json);
  const { set, templates } = loaded.value;
  const wanted = [...templates.values()].filter(({ template }) => (name ?? template.name) === template.name);
  if (wanted.length === 0) {
    const known = [...templates.keys()].join(", ");
    return refuse([`no template ${JSON.stringify(name)}: the folder has ${known}`], options.json);
  }
  const table = actionTable();
  const proofs = wanted.map((prepared, index) =>
    proveTemplate(provable(prepared), {
      table,
      guardrails: set.guardrails,
      accounts: set.accounts,
      onProgress: (share) => {
        showProgress((index + share) / wanted.length, prepared.template.name);
      },
    }),
  );
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  return proofs;
}

const BAR = 30;

/** For people watching only: a log file gets no bar. */
function showProgress(share: number, doing: string): void {
  if (!process.stderr.isTTY) return;
  const done = Math.round(share * BAR);
  const bar = "█".repeat(done) + "░".repeat(BAR - done);
  process.stderr.write(`\r\x1b[K${bar} ${String(Math.floor(share * 100)).padStart(3)}%  ${doing}`);
}

function asText(proof: TemplateProof): string {
  const { allowed } = proof;
  const parts = [
    [allowed.safeReads, "safe reads"],
    [allowed.nonProduction, "outside production"],
    [allowed.approved, "exactly what was approved"],
    [allowed.exceptions, "by a stated exception"],
    [allowed.used, "used and left as it was"],
  ] as const;
  const found = parts.filter(([count]) => count > 0).map(([count, what]) => `${number(count)} ${what}`);
  const head = `${proof.template}: ${proof.proved ? "proved" : "NOT PROVED"}`;
  return [
    `${head} (${number(proof.requests)} requests to ${number(proof.sessions)} session policies)`,
    `  allowed: ${found.join(", ") || "nothing"}`,
    ...proof.exceptions.map(({ exception, permits }) => `  exception ${exception}: ${permits.join(", ")}`),
    ...proof.faults.map((fault) => `  ${fault}`),
    ...proof.counterexamples.map(counterexampleLine),
  ].join("\n");
}

const number = (value: number): string => value.toLocaleString("en");

/** Two lines: what happened, and the line to replay it with. */
function counterexampleLine({
  id,
  account,
  parameters,
  decision,
  request,
  policies,
}: Counterexample): string {
  const given = Object.entries(parameters).map(([key, values]) => `${key}=${values.join()}`);
  const session = [`account ${account}`, ...given].join(", ");
  return `  ${decision}: ${request.action} on ${request.resource} (${session})\n${JSON.stringify({ id, request, policies })}`;
}
