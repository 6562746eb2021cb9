/**
 * Properties of whatever template `check` accepts: it is provable, another Deny never widens it, and its session
 * never exceeds what the template states within the guardrails. Far more of everything with TWOKEY_NIGHTLY=1.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluate } from "../../src/policy/iam/evaluate.ts";
import { parsePolicy, type ParsedPolicy } from "../../src/policy/iam/parse.ts";
import type { Statement } from "../../src/policy/iam/types.ts";
import { proveTemplate, provable } from "../../src/policy/prove/prove.ts";
import { EVERYTHING } from "../../src/policy/prove/question.ts";
import { templateSchema } from "../../src/policy/schema/template.ts";
import type { Template } from "../../src/policy/set.ts";
import { randomTemplate } from "./random-templates.ts";
import {
  accountOfManyRoles,
  accounts,
  guardrails,
  narrowed,
  prepare,
  served,
  servicesOf,
  table,
} from "./set.ts";

const NIGHTLY = process.env.TWOKEY_NIGHTLY === "1";
const MINUTE = 60_000;

const schema = templateSchema(table);

/** As its file would say it. */
const written = (template: Template): unknown => ({
  ...{ name: template.name, kind: template.kind, title: template.title, description: template.description },
  ...{ role: template.role, intent: template.intent, accounts: "all", exceptions: template.exceptions },
  parameters: template.parameters,
  duration: { default: template.duration.defaultSeconds, max: template.duration.maxSeconds },
  allow: template.allow.map(({ action, resource, condition }) => ({
    Action: action,
    Resource: resource,
    ...(Object.keys(condition).length > 0 ? { Condition: condition } : {}),
  })),
  expect: [{ title: "x", action: "s3:GetObject", resource: "*", decision: "explicitDeny" }],
});

const accepted = randomTemplate.filter(
  (template) => schema.safeParse(written(template)).success && prepare(template).ok,
);

const twoAccounts = [...accounts, { ...accountOfManyRoles(), id: "444455556666" }];

test(
  "any template that is accepted is proved, and never exceeds what it states within the guardrails",
  () => {
    let requests = 0;
    fc.assert(
      fc.property(accepted, (template) => {
        const prepared = prepare(template);
        if (!prepared.ok) throw new Error("accepted a moment ago");
        const proof = proveTemplate(provable(prepared.value), {
          table: narrowed(servicesOf(template)),
          guardrails,
          accounts: twoAccounts,
          every: 20,
          // Prime, so that every value of every dimension has its turn.
          step: NIGHTLY ? 7 : 211,
        });
        requests += proof.requests;
        expect(proof.counterexamples).toEqual([]);
        // A template whose statements all lack values has no session, and nothing to prove.
        if (proof.sessions > 0) expect(proof.faults).toEqual([]);
      }),
      { numRuns: NIGHTLY ? 4_000 : 80 },
    );
    expect(requests).toBeGreaterThan(NIGHTLY ? 10_000_000 : 100_000);
  },
  NIGHTLY ? 120 * MINUTE : MINUTE,
);

test(
  "adding a Deny never widens a session",
  () => {
    const actions = table.services.flatMap((service) => table.actions(service).map(({ name }) => name));
    const statement = fc.record({
      Effect: fc.constant("Deny" as const),
      Action: fc.oneof(fc.constantFrom(...actions), fc.constantFrom("*", "cloudformation:*", "iam:Pass*")),
      Resource: fc.constantFrom("*", "arn:aws:cloudformation:*:*:stack/*", "arn:aws:s3:::orders-staging/*"),
    });
    const condition = fc.constantFrom<Statement["Condition"][]>(
      undefined,
      { StringNotEqualsIgnoreCase: { "aws:ResourceTag/environment": "staging" } },
      { Null: { "aws:RequestTag/environment": "true" } },
      { "ForAllValues:StringEquals": { "aws:TagKeys": ["team"] } },
    );
    const asked = fc.record({
      action: fc.oneof(
        fc.constantFrom(...actions),
        fc.constantFrom(
          "cloudformation:DeleteStack",
          "cloudformation:DescribeStacks",
          "cloudformation:UpdateStack",
        ),
      ),
      resource: fc.constantFrom("*", "arn:aws:cloudformation:us-east-1:111122223333:stack/orders/1"),
      context: fc.record(
        {
          "aws:ResourceTag/environment": fc.constantFrom("staging", "production"),
          "aws:RequestTag/environment": fc.constantFrom("staging", "production"),
          "aws:TagKeys": fc.constantFrom(["environment"], ["team"]),
          "cloudformation:RoleArn": fc.constantFrom("arn:aws:iam::111122223333:role/twokey/ai-stack-service"),
        },
        { requiredKeys: [] },
      ),
    });
    const documents = [...served.templates.values()].flatMap((prepared) =>
      accounts.flatMap((account) => provable(prepared).forms({ account, parameters: {} })),
    );
    const everything = read(EVERYTHING);
    fc.assert(
      fc.property(
        fc.constantFrom(...documents),
        statement,
        condition,
        asked,
        (form, more, Condition, about) => {
          const principal = {
            arn: "arn:aws:sts::111122223333:assumed-role/ai-operator/x",
            account: "111122223333",
          };
          const request = { principal, resourceAccount: principal.account, ...about };
          const decide = (session: readonly ParsedPolicy[]) =>
            evaluate(request, { identity: [everything], session, boundary: null, scp: null, resource: null })
              .decision;
          const before = form.map((document) => read(document));
          const added = { ...more, ...(Condition === undefined ? {} : { Condition }) };
          const after = [...before, read({ Version: "2012-10-17", Statement: [added] })];
          if (decide(before) !== "allowed") expect(decide(after)).not.toBe("allowed");
        },
      ),
      { numRuns: NIGHTLY ? 200_000 : 3_000 },
    );
  },
  NIGHTLY ? 30 * MINUTE : MINUTE,
);

function read(document: unknown): ParsedPolicy {
  const parsed = parsePolicy(document);
  if (!parsed.ok) throw new Error(parsed.error.join("; "));
  return parsed.value;
}
