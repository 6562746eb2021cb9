/** The playground: the evaluator's own answer, or a plain sentence of what is wrong with the question. */
import { expect, test } from "vitest";
import { askPlayground, type PlaygroundQuestion } from "../../src/flows/show-playground.ts";
import { showPolicies, showTemplate } from "../../src/flows/show-policies.ts";
import type { Broker } from "../../src/flows/admit.ts";
import { served } from "../policy/served.ts";

const TABLE = "arn:aws:dynamodb:us-east-1:111122223333:table/orders";
const ASKED: PlaygroundQuestion = {
  parameters: '{"table": "orders"}',
  account: "",
  action: "dynamodb:DeleteItem",
  resource: TABLE,
  context: '{"aws:ResourceTag/environment": "staging"}',
};
const ask = (change: Partial<PlaygroundQuestion> = {}, template = "data-repair") =>
  askPlayground(template, { ...ASKED, ...change }, served);

test("a request that the session could make is allowed, one on production is not, and the reason is told", () => {
  expect(ask()).toMatchObject({ ok: true, decision: "allowed" });
  expect(ask({ context: "" })).toMatchObject({ ok: true, decision: "explicitDeny" });
  expect(ask()).toMatchObject({ policyText: expect.stringContaining('"Effect": "Deny"') as string });
});

test.each([
  [{ parameters: "{" }, "The parameters are no JSON."],
  [{ parameters: "[]" }, 'The parameters must be a JSON object, such as {"name": "value"}.'],
  [{ context: '{"a": 1}' }, "a must be a string or a list of strings."],
  [{ action: "x" }, "The action must look like service:Action, such as s3:DeleteBucket."],
  [{ action: "S3:*" }, "The action must look like service:Action, such as s3:DeleteBucket."],
  [{ resource: "" }, "The resource must be an ARN, or * for an action without one."],
  [{ account: "222222222222" }, "Choose one of its accounts: 111122223333."],
  [{ resource: "x".repeat(4001) }, "resource has more than 4000 characters."],
  [
    { parameters: '{"table": "*"}' },
    "parameters.table: only letters, digits and _ . : / = + , @ - are allowed, and at most 512 of them",
  ],
])("%j is answered with a sentence", (change, problem) => {
  expect(ask(change)).toEqual({ ok: false, problem });
});

test("a template that is not there is a sentence too", () => {
  expect(ask({}, "nothing")).toEqual({ ok: false, problem: "There is no such template." });
});

const broker = { policy: served, policyRefused: null } as unknown as Broker;

test("every template says who may ask, who approves, and that its cases hold now", () => {
  const { templates } = showPolicies(broker);
  const row = templates.find(({ name }) => name === "production-stack-change");
  expect(row).toMatchObject({
    kind: "escalation",
    agents: ["orders-ci"],
    accounts: ["111122223333"],
    approval:
      "2 different people of platform, each with a passkey, within 60 min; the grant is then good for 15 min",
  });
  for (const { name } of templates) {
    const data = showTemplate(name, broker);
    expect(data?.proof.length).toBeGreaterThan(0);
    expect(data?.proof.filter(({ holds }) => !holds)).toEqual([]);
    expect(data?.source).toContain(`name: ${name}`);
  }
});

test("a template is described at the widest its parameters allow", () => {
  expect(showTemplate("production-stack-change", broker)?.could.map(({ text }) => text)).toEqual([
    "execute change sets named twokey-* on any stack, production included",
    "see CloudFormation change sets, stack events, stack resources and stacks, anywhere in the account",
  ]);
});

test("faults of a folder that is not served are listed with their fix", () => {
  const fault = { file: "agents.yaml", line: 2, column: 3, message: "bad", fix: "make it good" };
  expect(showPolicies({ ...broker, policyRefused: [fault] }).faults).toEqual([
    "agents.yaml:2:3: bad (make it good)",
  ]);
});
