/**
 * Asks each compiled template the questions of its own `expect:`. Pure; every case is asked, whatever became of
 * the others.
 */
import { compile } from "../compile.ts";
import { documentsOf } from "../compiled.ts";
import { evaluate } from "../iam/evaluate.ts";
import { parsePolicy, type ParsedPolicy } from "../iam/parse.ts";
import type { PreparedTemplate } from "../prepare.ts";
import type { Account, Expectation, PolicySet, Template } from "../set.ts";
import type { Finding } from "./finding.ts";

export function failedExpectations(prepared: PreparedTemplate, set: PolicySet): readonly Finding[] {
  const { template } = prepared;
  return template.expect.flatMap((expectation, index): readonly Finding[] => {
    const problem = problemOf(prepared, expectation, accountOf(expectation, template, set));
    return problem === null
      ? []
      : [
          {
            level: "fault",
            file: template.file,
            path: ["expect", index, "decision"],
            message: `"${expectation.title}": ${problem}`,
            fix: "change the template, or what is expected of it",
          },
        ];
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
  const session: ParsedPolicy[] = [];
  for (const document of documentsOf(compiled.value)) {
    const parsed = parsePolicy(document);
    if (!parsed.ok) return `compiles to a policy AWS would refuse: ${parsed.error.join("; ")}`;
    session.push(parsed.value);
  }
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
    { identity: [EVERYTHING], session, boundary: null, scp: null, resource: null },
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
