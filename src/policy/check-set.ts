/**
 * Everything `twokey policy check` holds against a policy folder, and everything that must hold before it is
 * served: parse it, prepare every template, and ask each compiled template the questions of its own `expect:`.
 * Pure.
 */
import { err, type Result } from "../result.ts";
import { compile } from "./compile.ts";
import { evaluate } from "./iam/evaluate.ts";
import { parsePolicy, type ParsedPolicy } from "./iam/parse.ts";
import type { ActionTable } from "./knowledge.ts";
import { inOrder, parseSet, type PolicyFile } from "./parse-set.ts";
import type { PreparedTemplate } from "./prepare.ts";
import { readYaml, type Path } from "./schema/yaml.ts";
import { serve, type ServedPolicy } from "./serve.ts";
import type { Account, Expectation, PolicyFault, PolicySet, Template } from "./set.ts";

export function checkSet(
  files: readonly PolicyFile[],
  table: ActionTable,
): Result<ServedPolicy, readonly PolicyFault[]> {
  const parsed = parseSet(files, table);
  if (!parsed.ok) return parsed;
  const set = parsed.value;
  const served = serve(set, table);
  if (!served.ok) {
    const faults = served.error.map(({ file, at, message, fix }) => ({
      ...placeIn(files, file, ["allow", at.statement, ...(at.action === null ? [] : ["Action", at.action])]),
      message,
      fix,
    }));
    return err(faults.sort(inOrder));
  }
  const faults = [...served.value.templates.values()].flatMap((prepared) =>
    failedExpectations(prepared, set).map(({ index, message }) => ({
      ...placeIn(files, prepared.template.file, ["expect", index, "decision"]),
      message,
      fix: "change the template, or what is expected of it",
    })),
  );
  return faults.length > 0 ? err(faults.sort(inOrder)) : served;
}

/** Looks the place up again: the parsed set keeps meaning only. */
function placeIn(
  files: readonly PolicyFile[],
  file: string,
  path: Path,
): Pick<PolicyFault, "file" | "line" | "column"> {
  const text = files.find(({ name }) => name === file);
  const source = text === undefined ? null : readYaml(text, []);
  return { file, ...(source?.place(path) ?? { line: 1, column: 1 }) };
}

function failedExpectations(
  prepared: PreparedTemplate,
  set: PolicySet,
): readonly { readonly index: number; readonly message: string }[] {
  return prepared.template.expect.flatMap((expectation, index) => {
    const problem = problemOf(prepared, expectation, accountOf(expectation, prepared.template, set));
    return problem === null ? [] : { index, message: `"${expectation.title}": ${problem}` };
  });
}

function problemOf(
  prepared: PreparedTemplate,
  expectation: Expectation,
  account: Account | null,
): string | null {
  if (account === null) return "the template is open in no account";
  const compiled = compile(prepared, { account, parameters: expectation.parameters });
  if (!compiled.ok) return `does not compile: ${JSON.stringify(compiled.error)}`;
  const session = parsePolicy(compiled.value.document);
  if (!session.ok) return `compiles to a policy AWS would refuse: ${session.error.join("; ")}`;
  const role = account.roles[prepared.template.role];
  const { decision, reason } = evaluate(
    {
      principal: {
        arn: `arn:aws:sts::${account.id}:assumed-role/${role.slice(role.lastIndexOf("/") + 1)}/expectation`,
        account: account.id,
        roleArn: role,
      },
      action: expectation.action,
      resource: expectation.resource,
      resourceAccount: account.id,
      context: expectation.context,
    },
    // The role's own policy is taken to allow everything: what stops a request must be the session policy.
    { identity: [EVERYTHING], session: [session.value], boundary: null, scp: null, resource: null },
  );
  if (decision === expectation.decision) return null;
  return `expected ${expectation.decision}, got ${decision} (${reason})`;
}

const EVERYTHING = allowEverything();

function allowEverything(): ParsedPolicy {
  const parsed = parsePolicy({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
  });
  if (!parsed.ok) throw new Error(parsed.error.join("; "));
  return parsed.value;
}

/** The account the case speaks of: the one its ARNs name, or the template's first. */
function accountOf(expectation: Expectation, template: Template, set: PolicySet): Account | null {
  const open = set.accounts.filter(({ id }) => template.accounts?.includes(id) ?? true);
  const arns = [expectation.resource, ...Object.values(expectation.parameters).flat()];
  return open.find(({ id }) => arns.some((arn) => arn.split(":")[4] === id)) ?? open[0] ?? null;
}
