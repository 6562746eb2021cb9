/** The commands as people and programs run them: exit codes, JSON, help, colours. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { replaceOnce } from "../policy-set/fixture.ts";
import { twokey } from "./run.ts";

const root = mkdtempSync(join(tmpdir(), "twokey-tools-"));
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** A copy of the shipped folder with one file changed. */
function copy(name: string, file: string, from: string, to: string): string {
  const folder = join(root, name);
  cpSync(join(import.meta.dirname, "../../policies"), folder, { recursive: true });
  const path = join(folder, file);
  writeFileSync(path, replaceOnce(readFileSync(path, "utf8"), from, to));
  return folder;
}

const wider = copy("wider", "agents.yaml", "templates: [observe, ", "templates: [observe, fresh, ");
writeFileSync(
  join(wider, "templates/fresh.yaml"),
  readFileSync(join(wider, "templates/observe.yaml"), "utf8").replace("name: observe", "name: fresh"),
);
const faulty = copy("faulty", "agents.yaml", "owner: orders-lead", "owner: nobody-known");

test.each(["explain", "compile", "simulate", "diff", "coverage"])(
  "policy %s --help shows the line to type, its options and its exit codes",
  async (verb) => {
    const { code, out } = await twokey(verb, "--help");
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^Usage: twokey policy ${verb} `));
    expect(out).toContain("--json");
    expect(out.replaceAll(/\s+/g, " ")).toMatch(/Exit code: 0 .* 1 .* 2 wrong usage/);
  },
);

describe("wrong usage is exit 2, and faults in a folder are exit 1", () => {
  test.each([
    ["explain"],
    ["compile"],
    ["diff", "policies"],
    ["coverage", "--nonsense"],
    ["simulate", "a", "b"],
  ])("policy %s %s", async (...words) => {
    expect(await twokey(...words)).toMatchObject({ code: 2, out: "" });
  });

  test.each([
    ["explain", "observe", "--folder", faulty],
    ["compile", "observe", "--folder", faulty],
    ["coverage", "--folder", faulty],
    ["diff", "policies", faulty],
  ])("policy %s …", async (...words) => {
    const json = await twokey(...words, "--json");
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toEqual({ error: [expect.stringContaining("nobody-known") as string] });
  });
});

test("without --json, what is wrong goes to standard error, and standard output stays empty", async () => {
  const run = await twokey("explain", "observe", "--folder", faulty);
  expect(run).toMatchObject({ code: 1, out: "" });
  expect(run.err).toMatch(/^twokey: agents\.yaml:\d+:\d+: .*nobody-known/m);
});

describe("policy diff", () => {
  test("is exit 0 with differences, and exit 1 for gains only where asked", async () => {
    const gains = await twokey("diff", "policies", wider);
    expect(gains).toMatchObject({ code: 0, err: "" });
    expect(gains.out).toMatch(/^\+ fresh: may read with /m);
    expect(gains.out).toMatch(/^\+ orders-ci: may ask for fresh$/m);
    expect((await twokey("diff", "policies", wider, "--exit-code")).code).toBe(1);
    const losses = await twokey("diff", wider, "policies", "--exit-code");
    expect(losses.code).toBe(0);
    expect(losses.out).toMatch(/^- fresh: may read with /m);
  });

  test("says so when nothing means anything else", async () => {
    const same = await twokey("diff", "policies", "policies", "--exit-code");
    expect(same.code).toBe(0);
    expect(same.out).toMatch(/^no difference in meaning /);
    expect(JSON.parse((await twokey("diff", "policies", "policies", "--json")).out)).toMatchObject({
      changes: [],
    });
  });
});

test("policy explain ends with the policy as STS is sent it, a statement a line", async () => {
  const [text, json, compiled] = await Promise.all([
    twokey("explain", "propose-change"),
    twokey("explain", "propose-change", "--json"),
    twokey("compile", "propose-change", "--json"),
  ]);
  const { policy } = JSON.parse(compiled.out) as { policy: string };
  const shown = text.out.slice(text.out.indexOf('{"Version"'));
  expect(JSON.parse(shown)).toEqual(JSON.parse(policy));
  expect(text.out).toContain(`session policy: ${policy.length} of 2048 characters`);
  expect((JSON.parse(json.out) as { policy: unknown }).policy).toMatchObject({
    text: policy,
    size: policy.length,
  });
  // No terminal, no colours.
  expect(text.out).not.toContain("\u001b");
});

test("policy coverage ends with a row of totals that add up", async () => {
  const { out } = await twokey("coverage");
  const last = out.split("\n").find((line) => /^\d+ services /.test(line)) ?? "";
  const [sum = 0, ...parts] = last.split(/\s+/).slice(2).map(Number);
  expect(sum).toBeGreaterThan(3_500);
  expect(parts.reduce((total, part) => total + part, 0)).toBe(sum);
});

test("policy coverage --service names the actions of one service", async () => {
  const [text, json, none] = await Promise.all([
    twokey("coverage", "--service", "SQS"),
    twokey("coverage", "--service", "sqs", "--json"),
    twokey("coverage", "--service", "nothing"),
  ]);
  expect(text.out).toContain("  PurgeQueue\n");
  expect(JSON.parse(json.out)).toMatchObject({
    service: "sqs",
    actions: { tag: expect.arrayContaining(["PurgeQueue"]) as string[] },
  });
  expect(none).toMatchObject({ code: 1, out: "" });
});
