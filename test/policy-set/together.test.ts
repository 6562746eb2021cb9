/** Templates that are sound alone and do not live beside each other, and what CloudFormation's template may be. */
import { expect, test } from "vitest";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { examineSet, type Examination } from "../../src/policy/check-set.ts";
import { packed } from "../../src/policy/control-policy.ts";
import { decide } from "../../src/policy/decide.ts";
import type { PolicyFile } from "../../src/policy/parse-set.ts";
import { isSafeRead } from "../../src/policy/safe-reads.ts";
import { shipped } from "./fixture.ts";

const table = loadActionTable();

const template = (name: string, allow: string, more = ""): PolicyFile => ({
  name: `templates/${name}.yaml`,
  text: `name: ${name}
kind: standing
title: A template of the tests
description: A template of the tests.
role: operator
intent: destroy
accounts: all
duration: { default: 15m, max: 1h }
${more}allow:
${allow}expect:
  - title: nothing is assumed
    action: sts:AssumeRole
    resource: "*"
    decision: explicitDeny
`,
});

/** The shipped set with these files, all its templates open to its first agent. */
function examine(
  files: readonly PolicyFile[],
  edit: (file: PolicyFile) => string = ({ text }) => text,
): Examination {
  const names = files.map(({ name }) => name);
  const kept = shipped().filter(({ name }) => !names.includes(name));
  return examineSet([...kept.map((file) => ({ ...file, text: edit(file) })), ...files], table);
}

const messages = (found: Examination["faults"]): readonly string[] => found.map(({ message }) => message);

test("two templates of one role that fence one action differently are a fault, with both names", () => {
  const tags = template("stack-tags", '  - Action: cloudformation:TagResource\n    Resource: "*"\n');
  expect(messages(examine([tags]).faults)).toEqual([
    "the role's templates fence these differently, and one boundary cannot hold both: cloudformation:TagResource (stack-tags, staging-deploy)",
  ]);
});

test("templates too large for one boundary are told, and served: a session is not bound by that limit", () => {
  const reads = table.actions("ec2").filter(isSafeRead);
  const many = template(
    "look-at-machines",
    `  - Action:\n${reads
      .slice(0, 90)
      .map(({ name }) => `      - ${name}\n`)
      .join("")}    Resource: "*"\n`,
  );
  const { faults, warnings, served } = examine([many]);
  expect(messages(faults)).toEqual([]);
  expect(messages(warnings).join()).toMatch(/templates of the role `operator` together take \d+ characters/);
  expect(served).not.toBeNull();
});

test("no agent is given what CloudFormation may do, neither in agents.yaml nor when a session is asked for", () => {
  const opened = examine([], ({ name, text }) =>
    name === "agents.yaml" ? text.replace("templates: [observe", "templates: [stack-service, observe") : text,
  );
  expect(messages(opened.faults)).toEqual([
    "`stack-service` is what CloudFormation may do, and is vended to nobody",
  ]);
  const { served } = examine([]);
  if (served === null) throw new Error("the shipped set is sound");
  const agent = {
    name: "orders-ci",
    owner: "orders-lead",
    templates: ["stack-service"],
    proof: { issuer: "ci", subject: "orders" },
  };
  const task = { id: "t-1", intent: "destroy", summary: "deploy" } as const;
  const wish = { template: "stack-service", account: null, parameters: {}, durationSeconds: null, task };
  expect(decide(agent, wish, served)).toMatchObject({ ok: false, error: { code: "template_not_open" } });
});

test("an agent's template may not tag what has no tag", () => {
  const tags = template(
    "tag-tables",
    '  - Action: dynamodb:TagResource\n    Resource: "*"\n',
    "exceptions: [tag-new-resources]\n",
  );
  expect(messages(examine([tags]).faults)).toEqual([
    "an agent that may tag what has no tag could take untagged production out of production",
  ]);
});

const deny = (index: number, length: number) =>
  ({ Effect: "Deny", Action: `a:${String(index).padEnd(length, "x")}`, Resource: "*" }) as const;

test("what has no room in a control policy stands in another, and nothing is dropped", () => {
  const statements = [deny(1, 3000), deny(2, 3000)];
  const result = packed([
    { name: "full", description: "", statements },
    { name: "empty", description: "", statements: [deny(3, 100)] },
  ]);
  if (!result.ok) throw new Error(result.error.reason);
  expect(result.value.map(({ name, document }) => [name, document.Statement.length])).toEqual([
    ["full", 1],
    ["empty", 2],
  ]);
  expect(result.value.flatMap(({ document }) => document.Statement)).toEqual(
    expect.arrayContaining([...statements, deny(3, 100)]),
  );
});

test("more control policies than one target takes are refused", () => {
  const statements = [1, 2, 3, 4, 5].map((index) => deny(index, 5000));
  expect(packed([{ name: "p", description: "", statements }])).toEqual({
    ok: false,
    error: { reason: "too_many_policies", policies: 5, limit: 4 },
  });
});

test("a statement no control policy takes is refused", () => {
  expect(packed([{ name: "p", description: "", statements: [deny(1, 5200)] }])).toMatchObject({
    ok: false,
    error: { reason: "statement_too_large", policy: "p" },
  });
});
