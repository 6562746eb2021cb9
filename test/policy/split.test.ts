/**
 * The split form says what the whole form says: whichever documents a session has, every request is decided alike,
 * and every Deny is in one of them.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile, compileSplit } from "../../src/policy/compile.ts";
import { documentsOf } from "../../src/policy/compiled.ts";
import { canonicalJson } from "../../src/policy/digest.ts";
import { evaluate } from "../../src/policy/iam/evaluate.ts";
import type { ContextValue, Decision, PolicyDocument } from "../../src/policy/iam/types.ts";
import { publishedPolicies } from "../../src/policy/published-policies.ts";
import { serve } from "../../src/policy/serve.ts";
import type { Template } from "../../src/policy/set.ts";
import { MANAGED_POLICY_LIMIT, publish } from "../../src/policy/split.ts";
import { statementsOf } from "../../src/policy/statements.ts";
import { manyReads } from "../support/large-template.ts";
import { account, ACCOUNT, parsed, prepared, served, SESSION_ARN, table } from "./served.ts";

const stack = (name: string): string => `arn:aws:cloudformation:us-east-1:${ACCOUNT}:stack/${name}/1`;
const CHANGE_SET = {
  stack: [stack("orders-production")],
  change_set: [`arn:aws:cloudformation:us-east-1:${ACCOUNT}:changeSet/twokey-fix/2`],
};
const PARAMETERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "data-repair": { table: ["orders"], bucket: ["orders-staging"] },
  "production-stack-change": CHANGE_SET,
  "read-change-set": CHANGE_SET,
};
// What CloudFormation may do is no session: it is never split.
const NAMES = [...served.templates.keys()].filter((name) => name !== "stack-service");
const inputOf = (name: string) => ({ account: account(), parameters: PARAMETERS[name] ?? {} });

function splitOf(name: string) {
  const split = compileSplit(prepared(name), inputOf(name));
  if (!split.ok) throw new Error(JSON.stringify(split.error));
  return split.value;
}

function plainOf(name: string): PolicyDocument {
  const statements = statementsOf(prepared(name), inputOf(name));
  if (!statements.ok) throw new Error(JSON.stringify(statements.error));
  return { Version: "2012-10-17", Statement: statements.value };
}

const EVERYTHING = parsed({
  Version: "2012-10-17",
  Statement: { Effect: "Allow", Action: "*", Resource: "*" },
});
const OPEN = parsed(
  {
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Principal: { AWS: SESSION_ARN }, Action: "*", Resource: "*" },
  },
  { resourcePolicy: true },
);

function ask(
  session: readonly ReturnType<typeof parsed>[],
  request: {
    readonly action: string;
    readonly resource: string;
    readonly context: Record<string, ContextValue>;
  },
  named: boolean,
): Decision {
  return evaluate(
    { principal: { arn: SESSION_ARN, account: ACCOUNT }, resourceAccount: ACCOUNT, ...request },
    { identity: [EVERYTHING], session, boundary: null, scp: null, resource: named ? OPEN : null },
  ).decision;
}

const requests = fc.record({
  action: fc.constantFrom(
    ...["cloudformation", "dynamodb", "iam", "sts", "s3"].flatMap((service) =>
      table.actions(service).map(({ name }) => name),
    ),
    ...NAMES.flatMap((name) => prepared(name).template.allow.flatMap(({ action }) => action)).filter(
      (action) => !action.includes("*"),
    ),
    "cloudformation:PublishedTomorrow",
  ),
  resource: fc.constantFrom(
    "*",
    stack("orders-staging"),
    stack("orders-production"),
    `arn:aws:iam::${ACCOUNT}:role/twokey/ai-stack-service`,
    `arn:aws:iam::${ACCOUNT}:role/twokey/production-stack-service`,
    "arn:aws:s3:::orders-staging/a",
    `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/orders`,
  ),
  context: fc.record(
    {
      "aws:ResourceTag/environment": fc.constantFrom("staging", "production", "TEST"),
      "aws:RequestTag/environment": fc.constantFrom("staging", "production"),
      "aws:TagKeys": fc.constantFrom(["environment"], ["team"]),
      "cloudformation:RoleArn": fc.constantFrom(
        `arn:aws:iam::${ACCOUNT}:role/twokey/ai-stack-service`,
        `arn:aws:iam::${ACCOUNT}:role/twokey/production-stack-service`,
      ),
      "cloudformation:ChangeSetName": fc.constantFrom("twokey-fix", "release"),
      "cloudformation:CreateAction": fc.constantFrom("CreateStack", "DeleteStack"),
      "iam:PassedToService": fc.constantFrom("cloudformation.amazonaws.com", "lambda.amazonaws.com"),
    },
    { requiredKeys: [] },
  ),
});

describe.each(NAMES)("%s split", (name) => {
  test("decides every request exactly as the plain form", () => {
    const [plain, split] = [[parsed(plainOf(name))], documentsOf(splitOf(name)).map((one) => parsed(one))];
    fc.assert(
      fc.property(requests, fc.boolean(), (request, named) => {
        const [before, after] = [ask(plain, request, named), ask(split, request, named)];
        // Folding and widening may turn an implicit deny into an explicit one, and back is what must never be.
        if (before !== "implicitDeny") expect(after).toBe(before);
        else expect(after).not.toBe("allowed");
      }),
      { numRuns: 2_000 },
    );
  });

  test("drops no Deny, and keeps an Allow and the ceiling whole", () => {
    const denies = (documents: readonly PolicyDocument[]): number =>
      documents.flatMap(({ Statement }) => Statement).filter(({ Effect }) => Effect === "Deny").length;
    const split = splitOf(name);
    expect(denies(documentsOf(split))).toBe(denies([plainOf(name)]));
    expect(split.document.Statement.some(({ Effect }) => Effect === "Allow")).toBe(true);
    expect(
      split.published.flatMap(({ Statement }) => Statement).every(({ Effect }) => Effect === "Deny"),
    ).toBe(true);
    const ceiling = plainOf(name).Statement.find((one) => one.NotAction !== undefined);
    expect(documentsOf(split).flatMap(({ Statement }) => Statement)).toContainEqual(ceiling);
  });

  test("keeps everything a parameter shows in inline", () => {
    const text = JSON.stringify(splitOf(name).published);
    for (const value of Object.values(PARAMETERS[name] ?? {}).flat()) expect(text).not.toContain(value);
  });

  test("is the same each time, other parameters change no published policy, and publish knows them all", () => {
    const split = splitOf(name);
    expect(splitOf(name)).toEqual(split);
    const known = publishedPolicies(served).map(({ arn }) => arn);
    expect(known).toEqual(expect.arrayContaining([...split.policyArns]));
    if (name !== "data-repair") return;
    const other = compileSplit(prepared(name), {
      account: account(),
      parameters: { table: ["customers"], bucket: ["logs-development"] },
    });
    expect(other.ok && other.value.policyArns).toEqual(split.policyArns);
    expect(other.ok && other.value.digest).not.toBe(split.digest);
  });
});

describe("published policies", () => {
  const all = publishedPolicies(served);

  test("are named by the hash of their document, in the account of the role", () => {
    for (const policy of all) {
      expect(policy.arn).toBe(`arn:aws:iam::${policy.account}:policy/twokey/${policy.name}`);
      expect(policy.name).toMatch(/^[a-z-]+-[0-9a-f]{24}$/);
      expect(policy.text.length).toBeLessThanOrEqual(MANAGED_POLICY_LIMIT);
      expect(parsed(JSON.parse(policy.text))).toBeDefined();
    }
    const documents = all.map(({ name, document }) => `${name} ${canonicalJson(document)}`);
    expect(new Set(all.map(({ name }) => name)).size).toBe(new Set(documents).size);
  });

  test("hold the floor for the AI roles, and nothing but Denies", () => {
    const guardrails = all.filter(({ name }) => name.startsWith("guardrails-"));
    expect(guardrails.length).toBeGreaterThan(0);
    const session = guardrails.map(({ document }) => parsed(document));
    for (const action of [
      "sts:AssumeRole",
      "iam:CreateUser",
      "ram:CreateResourceShare",
      "tag:TagResources",
    ]) {
      expect(ask(session, { action, resource: "*", context: {} }, true)).toBe("explicitDeny");
    }
    expect(all.flatMap(({ document }) => document.Statement).every(({ Effect }) => Effect === "Deny")).toBe(
      true,
    );
  });

  test("change their name with one letter of their document", () => {
    const [one, other] = ["s3:DeleteBucket", "s3:DeleteObject"].map(
      (action) => publish("x", account(), [{ Effect: "Deny", Action: action, Resource: "*" }])[0]?.name,
    );
    expect(one).not.toBe(other);
  });

  test("hold at most what a managed policy may, statements whole", () => {
    const statements = Array.from({ length: 40 }, (_, index) => ({
      Effect: "Deny" as const,
      Action: `s3:Delete${"x".repeat(400)}${index}`,
      Resource: "*",
    }));
    const policies = publish("x", account(), statements);
    expect(policies.length).toBeGreaterThan(1);
    for (const { text } of policies) expect(text.length).toBeLessThanOrEqual(6_144);
    expect(policies.flatMap(({ document }) => document.Statement)).toEqual(statements);
  });
});

describe("what is too large inline", () => {
  const base = prepared("data-repair").template;
  const statement = (action: readonly string[], resource: string) => ({
    sid: null,
    action,
    resource: [resource],
    condition: {},
  });
  const large: Template = {
    ...base,
    name: "large",
    parameters: { table: { description: "t", like: ["*"], optional: false, max: 5 } },
    expect: [],
    allow: [
      statement(manyReads(table), "*"),
      statement(["dynamodb:DeleteItem"], "arn:aws:dynamodb:${region}:${account}:table/${table}"),
    ],
  };
  const policy = serve({ ...served.set, templates: [large] }, table);
  const made = (tables: readonly string[]) => {
    const template = policy.ok ? policy.value.templates.get("large") : undefined;
    if (template === undefined) throw new Error(JSON.stringify(policy));
    return compile(template, { account: account(), parameters: { table: tables } });
  };

  test("is split where the Denies are what is large", () => {
    const session = made(["orders"]);
    if (!session.ok) throw new Error(JSON.stringify(session.error));
    expect(session.value.policyArns).toHaveLength(1);
    expect(session.value.policy.length).toBeLessThanOrEqual(2_048);
    expect(session.value.policy).toContain("table/orders");
  });

  test("case 22: is refused where what depends on parameters is", () => {
    const tables = Array.from({ length: 5 }, (_, index) => `${"orders-archive-".repeat(30)}${index}`);
    expect(made(tables)).toMatchObject({ ok: false, error: { reason: "too_large" } });
  });
});
