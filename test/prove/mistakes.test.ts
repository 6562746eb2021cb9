/** Each seeded mistake is caught: by the proof, by `policy check`, or by what the templates themselves expect. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compile, compileSplit } from "../../src/policy/compile.ts";
import { documentsOf } from "../../src/policy/compiled.ts";
import { evaluate } from "../../src/policy/iam/evaluate.ts";
import { parsePolicy } from "../../src/policy/iam/parse.ts";
import type { Statement } from "../../src/policy/iam/types.ts";
import type { ActionFacts, ActionTable } from "../../src/policy/knowledge.ts";
import { parseSet } from "../../src/policy/parse-set.ts";
import type { PreparedTemplate } from "../../src/policy/prepare.ts";
import type { Counterexample, Provable } from "../../src/policy/prove/prove.ts";
import {
  COMPILER_MISTAKES,
  GUARDRAIL_MISTAKES,
  TEMPLATE_MISTAKES,
  type CompilerMistake,
} from "./seeded-mistakes.ts";
import { guardrails, narrowed, prepare, proveOwn, servicesOf, shipped, table, template } from "./set.ts";

/** The compiler's own document before it is made to fit: compiled with a limit nothing reaches. */
function mistaken(prepared: PreparedTemplate, alter: CompilerMistake["alter"]): Provable {
  return {
    template: prepared.template,
    forms: (input) => {
      const compiled = compile(prepared, input, Number.MAX_SAFE_INTEGER);
      if (!compiled.ok) return [];
      const { document } = compiled.value;
      const altered = document.Statement.flatMap((statement) => alter(statement) ?? []).map(tidy);
      return [[{ ...document, Statement: altered }]];
    },
  };
}

/** An operator that was emptied is gone. */
function tidy({ Condition, ...statement }: Statement): Statement {
  const kept = Object.entries(Condition ?? {}).filter(([, keys]) => Object.keys(keys).length > 0);
  return kept.length > 0 ? { ...statement, Condition: Object.fromEntries(kept) } : statement;
}

/** What `twokey policy simulate` would say of the line that was printed. */
function replayed({ request, policies }: Counterexample): string {
  const read = (document: unknown, resourcePolicy = false) => {
    const parsed = parsePolicy(document, { resourcePolicy });
    if (!parsed.ok) throw new Error(parsed.error.join("; "));
    return parsed.value;
  };
  const line = JSON.parse(JSON.stringify({ request, policies })) as Pick<
    Counterexample,
    "request" | "policies"
  >;
  return evaluate(line.request, {
    identity: line.policies.identity.map((document) => read(document)),
    session: line.policies.session.map((document) => read(document)),
    boundary: null,
    scp: null,
    resource: line.policies.resource === null ? null : read(line.policies.resource, true),
  }).decision;
}

test("at least 25 mistakes are seeded", () => {
  expect(COMPILER_MISTAKES.length + TEMPLATE_MISTAKES.length + GUARDRAIL_MISTAKES.length).toBeGreaterThan(25);
});

describe("the proof finds a compiler's mistake, and its request can be replayed:", () => {
  test.each(COMPILER_MISTAKES)("$what ($template)", ({ template: name, alter }) => {
    const prepared = shipped(name);
    // Sessions of other roles are asked about too, whatever the template is for.
    const asked = narrowed([...servicesOf(prepared.template), "sts"]);
    const proof = proveOwn(mistaken(prepared, alter), { table: asked, step: 11 });
    expect(proof.proved).toBe(false);
    expect(proof.counterexamples.length).toBeGreaterThan(0);
    for (const found of proof.counterexamples) {
      expect(replayed(found)).toBe(found.decision);
      expect(found.decision).not.toBe("explicitDeny");
    }
  });

  test.each(["observe", "staging-deploy", "data-repair", "propose-change", "production-stack-change"])(
    "without any mistake, the same document of %s is proved",
    (name) => {
      const proof = proveOwn(
        mistaken(shipped(name), (statement) => statement),
        { step: 11 },
      );
      expect(proof).toMatchObject({ proved: true, counterexamples: [], faults: [] });
    },
  );
});

test("the proof finds a published policy of the split form that was not passed", () => {
  const prepared = shipped("staging-deploy");
  const whole: Provable["forms"] = (input) => {
    const split = compileSplit(prepared, input);
    if (!split.ok) throw new Error(JSON.stringify(split.error));
    return [documentsOf(split.value)];
  };
  const { template: own } = prepared;
  expect(proveOwn({ template: own, forms: whole }, { step: 11 }).proved).toBe(true);
  const forgetful: Provable["forms"] = (input) => whole(input).map((documents) => documents.slice(0, 1));
  expect(proveOwn({ template: own, forms: forgetful }, { step: 11 }).proved).toBe(false);
});

test("a ceiling split in two halves, each denying what the other permits, is caught by what templates expect", () => {
  const halves = mistaken(shipped("staging-deploy"), (statement) => {
    if (!Array.isArray(statement.NotAction)) return statement;
    const middle = Math.ceil(statement.NotAction.length / 2);
    const [first, second] = [statement.NotAction.slice(0, middle), statement.NotAction.slice(middle)];
    return [
      { ...statement, NotAction: first },
      { ...statement, NotAction: second },
    ];
  });
  const { allowed } = proveOwn(halves, { step: 11 });
  expect(Object.values(allowed)).toEqual([0, 0, 0, 0, 0]);
});

describe("check refuses a template with", () => {
  test.each(TEMPLATE_MISTAKES)("$what", ({ allow, says }) => {
    const result = prepare(template([allow]));
    expect(result.ok ? [] : result.error.map(({ message }) => message).join("\n")).toMatch(says);
  });
});

describe("check refuses guardrails with", () => {
  const folder = join(import.meta.dirname, "..", "..", "policies");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));

  test.each(GUARDRAIL_MISTAKES)("$what", ({ find, put, says }) => {
    const spoilt = files.map((file) => {
      if (file.name !== "guardrails.yaml") return file;
      expect(file.text).toContain(find);
      return { ...file, text: file.text.replace(find, () => put) };
    });
    const result = parseSet(spoilt, table);
    expect(result.ok ? "" : result.error.map(({ message }) => message).join("\n")).toMatch(says);
  });
});

/** Action data with one action told otherwise. */
const told = (name: string, otherwise: (facts: ActionFacts) => ActionFacts): ActionTable => {
  const tell = (facts: ActionFacts): ActionFacts => (facts.name === name ? otherwise(facts) : facts);
  return {
    ...table,
    actions: (service) => table.actions(service).map(tell),
    action: (asked) => {
      const facts = table.action(asked);
      return facts === undefined ? undefined : tell(facts);
    },
  };
};

describe("the proof on today's action data finds a template prepared with", () => {
  test("data that says a resource carries tags which it does not", () => {
    const name = "route53:ChangeResourceRecordSets";
    const rails = { ...guardrails, floor: guardrails.floor.filter((entry) => !entry.startsWith("route53:")) };
    const stale = told(name, (facts) => ({
      ...facts,
      resources: facts.resources.map((resource) => ({ ...resource, tagged: true })),
    }));
    const prepared = prepare(template([{ action: [name] }]), rails, stale);
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.error));
    const proof = proveOwn(prepared.value, { table: narrowed(["route53"]), step: 11 });
    expect(proof.counterexamples.map(({ request }) => request.action)).toEqual([name]);
  });

  test("an access level that was never split: `Permissions management, Write` is no level to compare with", () => {
    const name = "s3:PutBucketOwnershipControls";
    const facts = table.action(name);
    expect(facts?.accessLevels).toContain("Permissions management");
    const unsplit = told(name, (known) => ({
      ...known,
      accessLevels: [known.accessLevels.join(", ") as (typeof known.accessLevels)[number]],
    }));
    const trial = template([{ action: [name], resource: ["arn:aws:s3:::orders"] }], { kind: "escalation" });
    const prepared = prepare(trial, guardrails, unsplit);
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.error));
    const proof = proveOwn(prepared.value, { step: 11 });
    expect(proof.counterexamples.map(({ request }) => request.action)).toEqual([name]);
    // With the data as it is, the template is not even served.
    expect(prepare(trial).ok).toBe(false);
  });
});
