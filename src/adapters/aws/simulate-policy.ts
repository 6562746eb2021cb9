/** IAM's policy simulator: a question to it, and its answer in the project's words. Changes nothing. */
import {
  SimulateCustomPolicyCommand,
  SimulatePrincipalPolicyCommand,
  type ContextEntry,
  type EvaluationResult,
  type IAMClient,
} from "@aws-sdk/client-iam";
import type { SimulatedAnswer, Simulation } from "../../policy/doctor/aws.ts";
import type { Decision } from "../../policy/iam/types.ts";

/** Every page: an answer that is left out must not read as a refusal. */
export async function simulatePolicy(
  iam: IAMClient,
  { of, actions, resource, context }: Simulation,
): Promise<readonly SimulatedAnswer[]> {
  const found: EvaluationResult[] = [];
  for (let Marker: string | undefined; ;) {
    const question = {
      ActionNames: [...actions],
      ResourceArns: [resource],
      ContextEntries: entriesOf(context),
      ...(Marker === undefined ? {} : { Marker }),
    };
    const page = await ("principal" in of
      ? iam.send(new SimulatePrincipalPolicyCommand({ ...question, PolicySourceArn: of.principal }))
      : iam.send(new SimulateCustomPolicyCommand({ ...question, PolicyInputList: [...of.documents] })));
    found.push(...(page.EvaluationResults ?? []));
    if (page.IsTruncated !== true || page.Marker === undefined) break;
    Marker = page.Marker;
  }
  if (found.length < actions.length) throw new Error("IAM did not answer every question");
  return found.map(answerOf);
}

const entriesOf = (context: Simulation["context"]): ContextEntry[] =>
  Object.entries(context).map(([ContextKeyName, value]) =>
    typeof value === "string"
      ? { ContextKeyName, ContextKeyType: "string", ContextKeyValues: [value] }
      : { ContextKeyName, ContextKeyType: "stringList", ContextKeyValues: [...value] },
  );

const DECISIONS: readonly Decision[] = ["allowed", "explicitDeny", "implicitDeny"];

function answerOf(result: EvaluationResult): SimulatedAnswer {
  const decision = DECISIONS.find((known) => known === result.EvalDecision);
  if (decision === undefined) throw new Error("IAM answered with a word it does not document");
  return {
    action: result.EvalActionName ?? "",
    decision,
    allowedByOrganisation: result.OrganizationsDecisionDetail?.AllowedByOrganizations ?? null,
  };
}
