/**
 * Asks each compiled template the questions of its own `expect:`. Pure; every case is asked, whatever became of
 * the others.
 */
import { err, ok, type Result } from "../../result.ts";
import { compile } from "../compile.ts";
import { documentsOf } from "../compiled.ts";
import { evaluate } from "../iam/evaluate.ts";
import { parsePolicy, type ParsedPolicy } from "../iam/parse.ts";
import type { Evaluation, PolicyDocument } from "../iam/types.ts";
import type { PreparedTemplate } from "../prepare.ts";
import { roleArnOf } from "../role-arn.ts";
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
  const answer = askExpectation(prepared, expectation, account);
  if (!answer.ok) return answer.error;
  const { decision, reason } = answer.value;
  if (decision === expectation.decision) return null;
  return `expected ${expectation.decision}, got ${decision} (${reason})`;
}

/** What one request comes to in the session the template gives for these values. `err`: why there is no such session. */
export function askExpectation(
  prepared: PreparedTemplate,
  asked: Pick<Expectation, "parameters" | "action" | "resource" | "context">,
  account: Account | null,
): Result<Evaluation, string> {
  if (account === null) return err("the template is open in no account");
  const compiled = compile(prepared, { account, parameters: asked.parameters });
  if (!compiled.ok) return err(`does not compile: ${JSON.stringify(compiled.error)}`);
  return askSession(documentsOf(compiled.value), asked, {
    account,
    role: roleArnOf(account, prepared.template.role),
  });
}

/** The same of a session, or of a role's boundary, that is compiled already. */
export function askSession(
  documents: readonly PolicyDocument[],
  asked: Pick<Expectation, "action" | "resource" | "context">,
  {
    account,
    role,
    layer = "session",
  }: { readonly account: Account; readonly role: string; readonly layer?: "session" | "boundary" },
): Result<Evaluation, string> {
  const asLayer: ParsedPolicy[] = [];
  for (const document of documents) {
    const parsed = parsePolicy(document);
    if (!parsed.ok) return err(`compiles to a policy AWS would refuse: ${parsed.error.join("; ")}`);
    asLayer.push(parsed.value);
  }
  return ok(
    evaluate(
      {
        principal: {
          arn: `arn:aws:sts::${account.id}:assumed-role/${role.slice(role.lastIndexOf("/") + 1)}/expectation`,
          account: account.id,
          roleArn: role,
        },
        action: asked.action,
        resource: asked.resource,
        resourceAccount: account.id,
        context: asked.context,
      },
      // The role's own policy is taken to allow everything: what stops a request must be this layer.
      { identity: [EVERYTHING], session: null, boundary: null, scp: null, resource: null, [layer]: asLayer },
    ),
  );
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
export function accountOf(expectation: Expectation, template: Template, set: PolicySet): Account | null {
  const open = set.accounts.filter(({ id }) => template.accounts?.includes(id) ?? true);
  const arns = [expectation.resource, ...Object.values(expectation.parameters).flat()];
  return open.find(({ id }) => arns.some((arn) => arn.split(":")[4] === id)) ?? open[0] ?? null;
}
