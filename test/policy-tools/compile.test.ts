/** `policy compile` and the mint must never disagree: both are held to what decide() puts into an issue plan. */
import { expect, test } from "vitest";
import type { Agent } from "../../src/identity/agent.ts";
import { decide } from "../../src/policy/decide.ts";
import { sessionTags } from "../../src/session/name.ts";
import { twokey } from "./run.ts";
import { account, served } from "./shipped.ts";

const CASES: readonly {
  readonly template: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
}[] = [
  { template: "observe", parameters: {} },
  { template: "staging-deploy", parameters: {} },
  { template: "propose-change", parameters: {} },
  { template: "data-repair", parameters: { table: ["orders"], bucket: ["orders-staging"] } },
];

test.each(CASES)(
  "policy compile $template prints what the mint would send",
  async ({ template, parameters }) => {
    const agent: Agent = {
      name: "orders-ci",
      owner: "orders-lead",
      templates: [template],
      proof: { issuer: "github", subject: "repo:example-org/orders" },
    };
    const task = { id: null, intent: "observe", summary: "compare" } as const;
    const wish = { template, parameters, account: account().id, durationSeconds: null, task };
    const plan = decide(agent, wish, served);
    if (!plan.ok) throw new Error(JSON.stringify(plan.error));
    const params = Object.entries(parameters).flatMap(([key, values]) =>
      values.flatMap((value) => ["--param", `${key}=${value}`]),
    );
    const run = await twokey("compile", template, ...params, "--account", account().id, "--json");
    expect(run).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(run.out)).toEqual({
      policy: plan.value.compiled.policy,
      policyArns: plan.value.compiled.policyArns,
      size: plan.value.compiled.policy.length,
      tags: sessionTags("tks-x", null).filter(({ value }) => value !== "tks-x"),
      duration: 900,
    });
  },
);

test("an escalation template compiles too, for whoever will approve it", async () => {
  const stack = "arn:aws:cloudformation:us-east-1:111122223333:stack/orders-production/1";
  const changeSet = "arn:aws:cloudformation:us-east-1:111122223333:changeSet/twokey-fix/2";
  const run = await twokey(
    "compile",
    "production-stack-change",
    "--param",
    `stack=${stack}`,
    "--param",
    `change_set=${changeSet}`,
    "--json",
  );
  expect(run.code).toBe(0);
  const { policy } = JSON.parse(run.out) as { policy: string };
  expect(policy).toContain(stack);
  expect(policy).toContain(changeSet);
});

test.each([
  { title: "a wildcard", words: ["data-repair", "--param", "table=*"], says: /--param table: only letters/ },
  { title: "an unknown parameter", words: ["data-repair", "--param", "tabel=a"], says: /no such parameter/ },
  {
    title: "no value where one is needed",
    words: ["data-repair"],
    says: /name at least one of table, bucket/,
  },
  {
    title: "another account",
    words: ["observe", "--account", "999999999999"],
    says: /not open in account 999999999999/,
  },
  { title: "an unknown template", words: ["obsrve"], says: /did you mean `observe`/ },
])("policy compile refuses $title as the broker would, with exit 1", async ({ words, says }) => {
  const { code, out } = await twokey("compile", ...words, "--json");
  expect(code).toBe(1);
  expect((JSON.parse(out) as { error: string[] }).error.join("\n")).toMatch(says);
});
