/** What must hold of every policy and request: properties over generated ones. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluate } from "../../src/policy/iam/evaluate.ts";
import type { Statement } from "../../src/policy/iam/types.ts";
import { ask, layers, parsed, question, SESSION, type Asked, type Question } from "./ask.ts";

const action = fc.constantFrom("s3:GetObject", "s3:PutObject", "s3:DeleteBucket", "ec2:RunInstances");
const actions = fc.uniqueArray(
  fc.constantFrom("*", "s3:*", "s3:Get*", "s3:?etObject", "s3:DeleteBucket", "ec2:Run*"),
  {
    minLength: 1,
    maxLength: 3,
  },
);
const resource = fc.constantFrom("arn:aws:s3:::a", "arn:aws:s3:::a/x", "arn:aws:s3:::b/x", "*");
const resources = fc.uniqueArray(
  fc.constantFrom("*", "arn:aws:s3:::a", "arn:aws:s3:::a/*", "arn:aws:s3:::${aws:username}/?"),
  {
    minLength: 1,
    maxLength: 2,
  },
);
const operator = fc.constantFrom(
  "StringEquals",
  "StringNotEquals",
  "StringLikeIfExists",
  "ForAllValues:StringLike",
  "ForAnyValue:StringNotLike",
);
const condition = fc
  .tuple(
    operator,
    fc.constantFrom("aws:ResourceTag/env", "aws:TagKeys"),
    fc.uniqueArray(fc.constantFrom("p", "s", "p*"), { minLength: 1 }),
  )
  .map(([op, key, values]) => ({ [op]: { [key]: values } }));

const statement: fc.Arbitrary<Statement> = fc
  .record({
    effect: fc.constantFrom("Allow" as const, "Allow" as const, "Deny" as const),
    action: fc.tuple(fc.constantFrom("Action", "NotAction"), actions),
    resource: fc.tuple(fc.constantFrom("Resource", "NotResource"), resources),
    condition: fc.option(condition, { freq: 1 }),
  })
  .map((s) => ({
    Effect: s.effect,
    [s.action[0]]: s.action[1],
    [s.resource[0]]: s.resource[1],
    ...(s.condition === null ? {} : { Condition: s.condition }),
  }));
const statements = fc.array(statement, { minLength: 1, maxLength: 4 });

const policies: fc.Arbitrary<Asked> = fc.record(
  {
    identity: statements,
    session: statements,
    boundary: statements,
    scp: fc.array(statements, { maxLength: 2 }),
    resource: statements.map((list) =>
      list.map((s) => ({ ...s, Principal: { AWS: [SESSION, "444455556666"] } })),
    ),
  },
  { requiredKeys: ["identity"] },
);
const context = fc
  .record(
    {
      "aws:ResourceTag/env": fc.constantFrom("p", "s", "P"),
      "aws:TagKeys": fc.array(fc.constantFrom("p", "s", "x"), { maxLength: 2 }),
      "aws:username": fc.constantFrom("a", "b", "*"),
    },
    { requiredKeys: [] },
  )
  .map((keys) => ({ ...keys }));
const request: fc.Arbitrary<Question> = fc.record({
  action,
  resource,
  context,
  resourceAccount: fc.constantFrom("111122223333", "444455556666"),
});
const runs = { numRuns: 2000 };

test("one more Deny, in any layer, never turns a refusal into an allow", () => {
  const layer = fc.constantFrom("identity" as const, "session" as const, "boundary" as const);
  fc.assert(
    fc.property(policies, request, statement, layer, (asked, q, extra, at) => {
      const more = { ...asked, [at]: [...(asked[at] ?? []), { ...extra, Effect: "Deny" as const }] };
      return ask(asked, q).decision === "allowed" || ask(more, q).decision !== "allowed";
    }),
    runs,
  );
});

test("a Deny of everything is an explicit deny in every layer, whatever else is there", () => {
  const layer = fc.constantFrom("identity" as const, "session" as const, "boundary" as const);
  fc.assert(
    fc.property(policies, request, layer, (asked, q, at) => {
      const all: Statement = { Effect: "Deny", Action: "*", Resource: "*" };
      return ask({ ...asked, [at]: [...(asked[at] ?? []), all] }, q).decision === "explicitDeny";
    }),
    runs,
  );
});

test("the order of statements never matters", () => {
  const reversed = (asked: Asked): Asked =>
    Object.fromEntries(
      Object.entries(asked).map(([at, list]: [string, readonly unknown[]]) => [at, [...list].reverse()]),
    );
  fc.assert(
    fc.property(policies, request, (asked, q) => ask(asked, q).decision === ask(reversed(asked), q).decision),
    runs,
  );
});

test("one document or several make no difference within a layer", () => {
  fc.assert(
    fc.property(statements, request, (list, q) => {
      const together = evaluate(question(q), { ...layers({}), identity: [parsed(list)] });
      const apart = evaluate(question(q), { ...layers({}), identity: list.map((one) => parsed([one])) });
      return together.decision === apart.decision;
    }),
    runs,
  );
});

test("Action and NotAction, Resource and NotResource are complements", () => {
  fc.assert(
    fc.property(actions, resources, request, (a, r, q) => {
      const filled: Question = { ...q, resourceAccount: "111122223333", context: { "aws:username": "a" } };
      const applies = (s: Partial<Statement>) =>
        ask({ identity: [{ Effect: "Allow", ...s }] }, filled).decision === "allowed";
      expect(applies({ Action: a, Resource: "*" })).toBe(!applies({ NotAction: a, Resource: "*" }));
      expect(applies({ Action: "*", Resource: r })).toBe(!applies({ Action: "*", NotResource: r }));
    }),
    runs,
  );
});

test("every answer gives a reason of one line and names what matched", () => {
  fc.assert(
    fc.property(policies, request, (asked, q) => {
      const { decision, matched, reason } = ask(asked, q);
      expect(reason).toMatch(/^[ -~…]+\.$/);
      const effects = new Set(matched.map(({ effect }) => effect));
      expect(effects.has("Deny")).toBe(decision === "explicitDeny");
      if (decision !== "implicitDeny") expect(effects.size).toBe(1);
    }),
    runs,
  );
});
