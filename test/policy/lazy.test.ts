/** What is read, and when: a start reads the services its templates name, and a mint reads nothing. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { expect, onTestFinished, test } from "vitest";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { loadPolicyFolder } from "../../src/adapters/policy-files/load.ts";
import { decide, splitForm } from "../../src/policy/decide.ts";

const READS = [
  "readFileSync",
  "openSync",
  "readFile",
  "open",
  "existsSync",
  "readdirSync",
  "statSync",
] as const;

/** Names of the files that are read from now on. The calls go through. */
function watchReads(): string[] {
  const seen: string[] = [];
  const real = new Map<string, unknown>();
  const mutable = fs as unknown as Record<string, unknown>;
  for (const name of READS) {
    const original = mutable[name] as (...args: unknown[]) => unknown;
    real.set(name, original);
    mutable[name] = (...args: unknown[]) => {
      seen.push(String(args[0]));
      return original(...args);
    };
  }
  syncBuiltinESMExports();
  onTestFinished(() => {
    for (const [name, original] of real) mutable[name] = original;
    syncBuiltinESMExports();
  });
  return seen;
}

const FOLDER = new URL("../../policies", import.meta.url).pathname;
const agent = {
  name: "orders-ci",
  owner: "orders-lead",
  templates: ["observe", "staging-deploy", "data-repair", "propose-change"],
  proof: { issuer: "github", subject: "repo:example-org/orders" },
};

test("after start a mint reads no file, in the whole form or the split one", async () => {
  const loaded = await loadPolicyFolder(FOLDER, loadActionTable());
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const seen = watchReads();
  for (const template of agent.templates) {
    const parameters: Readonly<Record<string, readonly string[]>> =
      template === "data-repair" ? { table: ["orders"] } : {};
    const plan = decide(
      agent,
      {
        template,
        parameters,
        account: null,
        durationSeconds: null,
        task: { id: null, intent: "observe", summary: "" },
      },
      loaded.value,
    );
    if (!plan.ok) throw new Error(JSON.stringify(plan.error));
    const split = splitForm(plan.value, loaded.value) ?? plan.value;
    expect(split.compiled.policyArns.length, template).toBeGreaterThan(0);
  }
  expect(seen).toEqual([]);
});

test("a start reads only the services that the set names, and no dependent actions", async () => {
  const seen = watchReads();
  const loaded = await loadPolicyFolder(FOLDER, loadActionTable());
  expect(loaded.ok).toBe(true);
  const services = seen.filter((path) => path.includes("/data/actions/"));
  expect(services.length).toBeGreaterThan(0);
  expect(services.length).toBeLessThan(60);
  expect(seen.filter((path) => path.includes("iam-data-dependents"))).toEqual([]);
});

test("dependent actions are read when somebody looks, one service at a time", () => {
  const table = loadActionTable();
  const seen = watchReads();
  const [action] = table.actions("sqs");
  expect(seen.filter((path) => path.includes("iam-data-dependents"))).toEqual([]);
  expect(action?.dependentActions).toBeDefined();
  const read = new Set(seen.filter((path) => path.includes("iam-data-dependents") && path.endsWith(".json")));
  expect([...read].map((path) => path.split("/").at(-1))).toContain("sqs.json");
});
