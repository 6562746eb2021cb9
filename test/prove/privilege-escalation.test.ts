/** Every known way from some rights to more is an explicit deny in every session of every standing template. */
import { describe, expect, test } from "vitest";
import { evaluate } from "../../src/policy/iam/evaluate.ts";
import { parsePolicy, type ParsedPolicy, type ParseOptions } from "../../src/policy/iam/parse.ts";
import { roleArnOf } from "../../src/policy/role-arn.ts";
import { representativeCases } from "../../src/policy/prove/cases.ts";
import { provable } from "../../src/policy/prove/prove.ts";
import { EVERYTHING, namesTheSession, sessionArn } from "../../src/policy/prove/question.ts";
import { METHODS } from "./privilege-escalation.ts";
import { accounts, served, table } from "./set.ts";

function parsed(document: unknown, options: ParseOptions = {}): ParsedPolicy {
  const result = parsePolicy(document, options);
  if (!result.ok) throw new Error(result.error.join("; "));
  return result.value;
}

const standing = [...served.templates.values()].filter(({ template }) => template.kind === "standing");

const sessions = standing.flatMap((prepared) =>
  representativeCases(prepared.template, accounts).flatMap((input) =>
    provable(prepared)
      .forms(input)
      .map((documents) => {
        const arn = sessionArn(input.account, roleArnOf(input.account, prepared.template.role));
        const layers = {
          identity: [parsed(EVERYTHING)],
          session: documents.map((document) => parsed(document)),
          boundary: null,
          scp: null,
          resource: parsed(namesTheSession(arn), { resourcePolicy: true }),
        };
        return { name: prepared.template.name, principal: { arn, account: input.account.id }, layers };
      }),
  ),
);

test("the list is long, and every action on it is published", () => {
  expect(METHODS.length).toBeGreaterThanOrEqual(45);
  expect(new Set(METHODS.map(({ name }) => name)).size).toBe(METHODS.length);
  const calls = METHODS.flatMap((method) => method.calls.map(([action]) => action));
  expect(calls.filter((action) => table.action(action) === undefined)).toEqual([]);
  expect(new Set(sessions.map(({ name }) => name))).toEqual(
    new Set(standing.map(({ template }) => template.name)),
  );
});

describe("no standing session can use", () => {
  test.each(METHODS)("$name", ({ calls }) => {
    const open = sessions.flatMap(({ name, principal, layers }) =>
      calls.flatMap(([action, resource, own = {}]) =>
        // Outside production too: what these gain is not bound to one environment.
        [{}, { "aws:ResourceTag/environment": "staging" }].flatMap((tag) => {
          const context = { ...tag, ...own };
          const request = { principal, action, resource, resourceAccount: principal.account, context };
          const { decision } = evaluate(request, layers);
          return decision === "explicitDeny" ? [] : [`${name}: ${action} is ${decision}`];
        }),
      ),
    );
    expect(open).toEqual([]);
  });
});
