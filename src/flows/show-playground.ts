/**
 * The playground: a request somebody typed, asked of the session a template would give for it. Changes nothing, records
 * nothing and calls nobody; every fault of the request is a plain sentence.
 */
import { askSession } from "../policy/check-set/expectations.ts";
import { documentsOf } from "../policy/compiled.ts";
import { planSession, type PlanFailure } from "../policy/decide.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import type { Expectation } from "../policy/set.ts";
import { err, ok, type Result } from "../result.ts";

/** As typed: hostile. */
export interface PlaygroundQuestion {
  /** JSON: names to a string or a list of strings. Empty: none. */
  readonly parameters: string;
  readonly account: string;
  readonly action: string;
  readonly resource: string;
  /** JSON: condition keys to a string or a list of strings. Empty: none. */
  readonly context: string;
}

/** Characters of one field; longer ones are no request anybody typed. */
const LONGEST = 4000;

export function askPlayground(template: string, asked: PlaygroundQuestion, policy: ServedPolicy) {
  const answer = answerTo(template, asked, policy);
  return answer.ok ? { ok: true as const, ...answer.value } : { ok: false as const, problem: answer.error };
}

function answerTo(name: string, asked: PlaygroundQuestion, policy: ServedPolicy) {
  const prepared = policy.templates.get(name);
  if (prepared === undefined) return err("There is no such template.");
  const long = Object.entries(asked).find(([, text]) => (text as string).length > LONGEST);
  if (long !== undefined) return err(`${long[0]} has more than ${LONGEST} characters.`);
  if (!/^[A-Za-z0-9-]+:[A-Za-z0-9-]+$/.test(asked.action)) {
    return err("The action must look like service:Action, such as s3:DeleteBucket.");
  }
  if (asked.resource === "") return err("The resource must be an ARN, or * for an action without one.");
  const parameters = readMap(asked.parameters, "parameters");
  if (!parameters.ok) return parameters;
  const context = readMap(asked.context, "context");
  if (!context.ok) return context;
  const wish = {
    account: asked.account === "" ? null : asked.account,
    parameters: listed(parameters.value),
    durationSeconds: null,
  };
  const plan = planSession(prepared, wish, policy);
  if (!plan.ok) return err(problemOf(plan.error));
  const { compiled, account, roleArn } = plan.value;
  const { action, resource } = asked;
  const evaluated = askSession(
    documentsOf(compiled),
    { action, resource, context: context.value },
    { account, role: roleArn },
  );
  if (!evaluated.ok) return evaluated;
  const { decision, reason } = evaluated.value;
  return ok({ decision, why: reason, policyText: documentsOf(compiled).map(pretty).join("\n\n") });
}

const pretty = (document: unknown): string => JSON.stringify(document, null, 2);

type TypedMap = Expectation["context"];

function readMap(text: string, what: string): Result<TypedMap, string> {
  if (text.trim() === "") return ok({});
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err(`The ${what} are no JSON.`);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return err(`The ${what} must be a JSON object, such as {"name": "value"}.`);
  }
  const wrong = Object.entries(json).find(([, value]) => !isTextOrTexts(value));
  if (wrong !== undefined) return err(`${wrong[0]} must be a string or a list of strings.`);
  return ok(json as TypedMap);
}

const isTextOrTexts = (value: unknown): boolean =>
  typeof value === "string" || (Array.isArray(value) && value.every((one) => typeof one === "string"));

const listed = (values: TypedMap): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === "string" ? [value] : value]),
  );

function problemOf(failure: PlanFailure): string {
  switch (failure.code) {
    case "account_not_open":
      return `Choose one of its accounts: ${failure.open.join(", ")}.`;
    case "invalid_parameters":
      return failure.faults.map(({ at, problem }) => `${at}: ${problem}`).join("; ");
    case "policy_too_large":
      return `The session policy would have ${failure.size} characters, and STS takes ${failure.limit}.`;
    case "policy_refused":
      return failure.faults.join("; ");
  }
}
