/**
 * The proof's critical cases as questions to IAM's own simulator: what a template's session may change, in every kind of
 * state the resource's tag can have, and the known ways out of a fence. The session's documents are put to it as
 * identity policies, alone: the simulator takes neither a session policy nor an assumed role. So cases in which a
 * resource policy names the session, or would have to, as the resource is another account's, are left out. Pure.
 */
import { compile } from "../compile.ts";
import { documentsOf } from "../compiled.ts";
import { accountValues } from "../fill.ts";
import { evaluate } from "../iam/evaluate.ts";
import { globMatch } from "../iam/match.ts";
import { parsePolicy } from "../iam/parse.ts";
import type { ContextValue, Decision } from "../iam/types.ts";
import type { ActionTable } from "../knowledge.ts";
import type { PreparedTemplate } from "../prepare.ts";
import { representativeCases } from "../prove/cases.ts";
import type { Question } from "../prove/question.ts";
import { productOf, sampleOf, surroundings, type Surroundings } from "../prove/questions.ts";
import { isSafeRead } from "../safe-reads.ts";
import type { ServedPolicy } from "../serve.ts";
import type { Account } from "../set.ts";
import type { SimulatedAnswer, Simulation } from "./aws.ts";
import { bad, good, odd, type Finding } from "./finding.ts";

/** Each of these, reached once, undoes a fence. */
const WAYS_OUT = [
  "sts:AssumeRole",
  "sts:GetFederationToken",
  "iam:CreateAccessKey",
  "iam:PutRolePolicy",
  "iam:UpdateAssumeRolePolicy",
  "iam:PassRole",
  "organizations:LeaveOrganization",
  "tag:UntagResources",
  "cloudformation:DeleteStack",
  "cloudformation:UpdateStack",
  "dynamodb:DeleteTable",
  "dynamodb:UntagResource",
  "ec2:TerminateInstances",
  "kms:ScheduleKeyDeletion",
  "s3:DeleteBucket",
  "s3:PutLifecycleConfiguration",
] as const;

/** Of one action: enough to meet every state of the tag, few enough for IAM's patience. */
const MOST_OF_OWN = 12;
const MOST_OF_OTHERS = 2;

export interface Replayed {
  readonly simulation: Simulation;
  /** What the project's evaluator says. */
  readonly expected: Decision;
}

/** Null: no representative session of the template can be compiled for the account. */
export function replayOf(
  prepared: PreparedTemplate,
  { table, set }: ServedPolicy,
  account: Account,
): readonly Replayed[] | null {
  const { template } = prepared;
  const [input] = representativeCases(template, [account]);
  const compiled = input === undefined ? null : compile(prepared, input);
  if (input === undefined || compiled?.ok !== true) return null;
  const documents = documentsOf(compiled.value);
  const parsed = documents.flatMap((document) => {
    const policy = parsePolicy(document);
    return policy.ok ? [policy.value] : [];
  });
  const values = new Map([
    ...Object.entries(input.parameters),
    ...accountValues(account, set.guardrails.nonProduction),
  ]);
  const around = surroundings(template, set.guardrails, { account, values });
  const texts = documents.map((document) => JSON.stringify(document));
  const layers = { identity: parsed, session: null, boundary: null, scp: null, resource: null };
  return questionsOf(prepared, table, around).map(({ request }) => ({
    simulation: {
      of: { documents: texts },
      actions: [request.action],
      resource: request.resource,
      context: asEntries(request.context),
    },
    expected: evaluate(request, layers).decision,
  }));
}

function questionsOf(
  { template }: PreparedTemplate,
  table: ActionTable,
  around: Surroundings,
): readonly Question[] {
  const patterns = template.allow.flatMap(({ action }) => action);
  const isOwn = (name: string): boolean =>
    patterns.some((pattern) => globMatch(pattern, name, { ignoreCase: true }));
  const services = new Set(patterns.map((pattern) => pattern.split(":")[0] ?? ""));
  const own = [...services]
    .flatMap((service) => table.actions(service))
    .filter((facts) => isOwn(facts.name) && !isSafeRead(facts));
  const others = WAYS_OUT.flatMap((name) => table.action(name) ?? []).filter(({ name }) => !isOwn(name));
  const here = (questions: Iterable<Question>): readonly Question[] =>
    [...questions].filter(({ request }) => request.resourceAccount === around.account.id);
  return [
    ...own.flatMap((facts) => spread(here(productOf(facts, around)), MOST_OF_OWN)),
    ...others.flatMap((facts) => spread(here(sampleOf(facts, around)), MOST_OF_OTHERS)),
  ];
}

/** Evenly taken from all of them, so that each kind of state is met. */
function spread<T>(all: readonly T[], most: number): readonly T[] {
  const step = Math.max(1, all.length / most);
  return Array.from(
    { length: Math.min(most, all.length) },
    (_, index) => all[Math.floor(index * step)],
  ).flatMap((item) => (item === undefined ? [] : [item]));
}

const asEntries = (context: Readonly<Record<string, ContextValue>>): Simulation["context"] =>
  Object.fromEntries(
    Object.entries(context).map(([key, value]) => [key, typeof value === "object" ? value : String(value)]),
  );

const STRICTNESS: Readonly<Record<Decision, number>> = { allowed: 0, implicitDeny: 1, explicitDeny: 2 };
const MOST_SHOWN = 3;

/** `answered`: each question with AWS's answer. */
export function judgeReplay(
  { template }: PreparedTemplate,
  account: Account,
  answered: readonly { readonly question: Replayed; readonly answer: SimulatedAnswer }[],
): Finding {
  const id = "simulate";
  const subject = { account: account.id, role: template.role };
  const differing = (weaker: boolean) =>
    answered.filter(({ question, answer }) =>
      weaker
        ? STRICTNESS[answer.decision] < STRICTNESS[question.expected]
        : STRICTNESS[answer.decision] > STRICTNESS[question.expected],
    );
  const show = (some: typeof answered): string =>
    some
      .slice(0, MOST_SHOWN)
      .map(
        ({ question: { simulation, expected }, answer }) =>
          `${simulation.actions.join(", ")} on ${simulation.resource}: IAM says ${answer.decision}, the proof ${expected}`,
      )
      .join("; ");
  const of = `of ${answered.length} cases of ${template.name}`;
  const [weaker, stricter] = [differing(true), differing(false)];
  if (weaker.length > 0)
    return bad(
      id,
      subject,
      `${weaker.length} ${of} are weaker in IAM: ${show(weaker)}`,
      "do not serve this template until it is understood; report it to Twokey with these lines",
    );
  return stricter.length > 0
    ? odd(
        id,
        subject,
        `${stricter.length} ${of} are stricter in IAM: ${show(stricter)}`,
        "report it to Twokey with these lines",
      )
    : good(id, subject, `IAM answers all ${of} as the proof does`);
}
