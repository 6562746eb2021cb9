/**
 * What `explain` and `compile` share: the options that name a template and its values, and the same checks the
 * broker makes of them. Prints why not; prints nothing else.
 */
import { InvalidArgumentError, type Command } from "commander";
import type { PlanFailure } from "../../policy/decide.ts";
import type { ActionTable } from "../../policy/knowledge.ts";
import type { PreparedTemplate } from "../../policy/prepare.ts";
import type { ServedPolicy } from "../../policy/serve.ts";

export interface TemplateOptions {
  readonly param?: Readonly<Record<string, readonly string[]>>;
  readonly account?: string;
  readonly folder: string;
  readonly json?: true;
}

export function withTemplateOptions(command: Command): Command {
  return command
    .argument("<template>", "name of a template in the folder")
    .option("--param <key=value>", "a parameter's value; again for more, or for more values of one", addParam)
    .option("--account <id>", "AWS account, twelve digits; may be left out where there is only one")
    .option("--folder <folder>", "the policy folder", "policies")
    .option("--json", "print the result as JSON");
}

function addParam(
  text: string,
  before: Readonly<Record<string, readonly string[]>> = {},
): Record<string, readonly string[]> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("is key=value, such as table=orders");
  const [key, value] = [text.slice(0, equals), text.slice(equals + 1)];
  return { ...before, [key]: [...(Object.hasOwn(before, key) ? (before[key] ?? []) : []), value] };
}

export interface OpenTemplate {
  readonly policy: ServedPolicy;
  readonly prepared: PreparedTemplate;
  readonly table: ActionTable;
}

/** A folder that passes `policy check`, and the template in it; null after saying on stderr what is wrong. */
export async function openTemplate(
  name: string,
  { folder, json }: TemplateOptions,
): Promise<OpenTemplate | null> {
  const { actionTable, loadPolicy } = await import("../../wire/tools.ts");
  const loaded = await loadPolicy(folder);
  if (!loaded.ok) return refuse(loaded.error, json);
  const prepared = loaded.value.templates.get(name);
  if (prepared !== undefined) return { policy: loaded.value, prepared, table: actionTable() };
  const { didYouMean } = await import("../../policy/suggest.ts");
  const names = [...loaded.value.templates.keys()];
  const hint = didYouMean(name, names) ?? `the folder has ${names.join(", ")}`;
  return refuse([`no template ${JSON.stringify(name)}: ${hint}`], json);
}

/** Says why not, for people or for programs, and answers null. Sets exit code 1. */
export function refuse(problems: readonly string[], json: true | undefined): null {
  process.exitCode = 1;
  if (json === true) process.stdout.write(`${JSON.stringify({ error: problems }, null, 2)}\n`);
  else process.stderr.write(problems.map((problem) => `twokey: ${problem}\n`).join(""));
  return null;
}

/** Why planSession refused, in words. */
export function problemsOf(failure: PlanFailure): readonly string[] {
  switch (failure.code) {
    case "invalid_parameters":
      return failure.faults.map(
        ({ at, problem }) => `${at.replace(/^parameters\./, "--param ")}: ${problem}`,
      );
    case "account_not_open": {
      const open = failure.open.join(", ");
      return [
        failure.account === null
          ? `${failure.template} is open in several accounts, choose one with --account: ${open}`
          : `${failure.template} is not open in account ${failure.account}; it is in ${open}`,
      ];
    }
    case "policy_too_large":
      return [`the session policy takes ${failure.size} characters; STS takes ${failure.limit}`];
    case "policy_refused":
      return failure.faults;
  }
}
