/** Whatever a session's policy allows is in its words, and nothing it denies is: asked of every published action. */
import { expect, test } from "vitest";
import { compile } from "../../src/policy/compile.ts";
import { documentsOf } from "../../src/policy/compiled.ts";
import { describe as inWords } from "../../src/policy/describe.ts";
import { evaluate } from "../../src/policy/iam/evaluate.ts";
import type { ContextValue } from "../../src/policy/iam/types.ts";
import { account, parsed, prepared, served, table } from "../policy/served.ts";

const STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/orders-production/1";
const CHANGE_SET = "arn:aws:cloudformation:us-east-1:111122223333:changeSet/twokey-fix/2";
const ASKED: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  observe: {},
  "data-repair": { table: ["orders"], bucket: ["orders-staging"] },
  "propose-change": {},
  "stack-service": {},
  "staging-deploy": {},
  "production-stack-change": { stack: [STACK], change_set: [CHANGE_SET] },
  "read-change-set": { stack: [STACK], change_set: [CHANGE_SET] },
};

/** Resources the shipped templates speak of, written out, and one of every published type. */
const NAMED = [
  "*",
  STACK,
  "arn:aws:cloudformation:us-east-1:111122223333:stack/orders-staging/2",
  "arn:aws:dynamodb:us-east-1:111122223333:table/orders",
  "arn:aws:s3:::orders-staging",
  "arn:aws:s3:::orders-staging/2026/invoice.json",
  "arn:aws:iam::111122223333:role/twokey/ai-stack-service",
  "arn:aws:iam::111122223333:role/twokey/production-stack-service",
];
const filled = (pattern: string): string => pattern.replaceAll("*", "x");

type Context = Readonly<Record<string, ContextValue>>;
const TAGS: readonly Context[] = [
  { "aws:ResourceTag/environment": "production" },
  { "aws:ResourceTag/environment": "staging" },
  { "aws:RequestTag/environment": "staging", "aws:TagKeys": ["environment"] },
];
const ROLES: readonly Context[] = ["ai-stack-service", "production-stack-service"].map((name) => ({
  "cloudformation:RoleArn": `arn:aws:iam::111122223333:role/twokey/${name}`,
}));
const NAMES: readonly Context[] = [
  { "cloudformation:ChangeSetName": "twokey-fix" },
  { "cloudformation:ChangeSetName": CHANGE_SET },
];
/** Only CloudFormation and what it is handed look at roles and change sets. */
const contextsOf = (action: string): readonly Context[] =>
  /^(?:cloudformation|iam):/.test(action) ? CONTEXTS : TAGS;
const CONTEXTS: readonly Context[] = TAGS.flatMap((tag) =>
  ROLES.flatMap((role) =>
    NAMES.map((name) => ({
      ...tag,
      ...role,
      ...name,
      "iam:PassedToService": "cloudformation.amazonaws.com",
      "cloudformation:CreateAction": "CreateStack",
    })),
  ),
);

/** Every published action that some request gets through with. */
function allowedActions(template: string): readonly string[] {
  const compiled = compile(prepared(template), { account: account(), parameters: ASKED[template] ?? {} });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  const everything = parsed({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
  });
  const session = documentsOf(compiled.value).map((document) => parsed(document));
  const layers = { identity: [everything], session, boundary: null, scp: null, resource: null };
  const principal = { arn: "arn:aws:sts::111122223333:assumed-role/ai/x", account: "111122223333" };
  const gets = (action: string, resource: string, context: Context): boolean =>
    evaluate({ principal, action, resource, resourceAccount: "111122223333", context }, layers).decision ===
    "allowed";
  return table.services
    .flatMap((service) => table.actions(service))
    .filter(({ name, resources }) => {
      const arns = [...NAMED, ...resources.map(({ arn }) => filled(arn))];
      // An action of a resource is never asked about `*`, nor about a resource of another kind.
      const fits = arns.filter((arn) =>
        resources.length === 0
          ? arn === "*"
          : resources.some((type) => new RegExp(`^${globText(type.arn)}$`).test(arn)),
      );
      return fits.some((arn) => contextsOf(name).some((context) => gets(name, arn, context)));
    })
    .map(({ name }) => name);
}

const globText = (pattern: string): string =>
  pattern.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");

const ground = { account: account(), guardrails: served.set.guardrails, table };

test("every shipped template is asked", () => {
  expect(Object.keys(ASKED).sort()).toEqual([...served.templates.keys()].sort());
});

test.each(Object.keys(ASKED))(
  "the words for %s name exactly the actions it allows",
  (template) => {
    const compiled = compile(prepared(template), { account: account(), parameters: ASKED[template] ?? {} });
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
    const abilities = inWords(documentsOf(compiled.value), ground);
    expect(abilities.flatMap(({ actions }) => actions).sort()).toEqual([...allowedActions(template)].sort());
  },
  60_000,
);
