/** The shipped templates are proved, and the proof is not an empty one. */
import { describe, expect, test, vi } from "vitest";
import { proveCommand } from "../../src/cli/policy/prove.ts";
import { ceilingOf, proveTemplate, provable } from "../../src/policy/prove/prove.ts";
import { accountOfManyRoles, accounts, guardrails, proveOwn, served, shipped, table } from "./set.ts";

/** `npm test` asks about every twenty-fifth of the actions that are not a template's own; at night, about all of them. */
const NIGHTLY = process.env.TWOKEY_NIGHTLY === "1";
const every = NIGHTLY ? 1 : 25;

/** Milliseconds: a proof is seconds of pure arithmetic, and the machine may be busy with other tests. */
const ROOM = 240_000;

/** What has to be possible, or the template would be of no use: by hand, from what each says it is for. */
const USEFUL: Readonly<Record<string, readonly string[]>> = {
  "data-repair": ["nonProduction", "safeReads"],
  observe: ["safeReads"],
  "production-stack-change": ["approved", "safeReads"],
  "read-change-set": ["safeReads"],
  "propose-change": ["exceptions", "nonProduction", "safeReads", "used"],
  "stack-service": ["exceptions", "nonProduction", "safeReads"],
  "staging-deploy": ["nonProduction", "safeReads", "used"],
};

describe("every published action, in every state of its resource, cannot hurt production through", () => {
  test("all templates there are: each is named here", () => {
    expect([...served.templates.keys()].sort()).toEqual(Object.keys(USEFUL).sort());
    const published = table.services.reduce((sum, service) => sum + table.actions(service).length, 0);
    expect(published).toBe(22_091);
  });

  test.each(Object.entries(USEFUL))(
    "%s",
    (name, useful) => {
      const proof = proveTemplate(provable(shipped(name)), { table, guardrails, accounts, every });
      expect(proof).toMatchObject({ template: name, proved: true, faults: [], counterexamples: [] });
      const { allowed } = proof;
      const found = Object.entries(allowed).filter(([, count]) => count > 0);
      expect(found.map(([why]) => why).sort()).toEqual([...useful].sort());
      if (NIGHTLY) expect(proof.requests).toBeGreaterThan(22_091 * 10);
    },
    ROOM,
  );

  test.each(["staging-deploy", "propose-change"])(
    "%s, where each environment has a role of its own",
    (name) => {
      const proof = proveOwn(shipped(name), { accounts: [accountOfManyRoles()], step: 7 });
      expect(proof).toMatchObject({ proved: true, counterexamples: [] });
    },
  );
});

test("the exception a template states is listed with all that it permits", () => {
  const { exceptions } = proveOwn(shipped("propose-change"), { step: 7 });
  expect(exceptions).toEqual([
    { exception: "prepare-change-set", permits: ["cloudformation:CreateChangeSet"] },
  ]);
});

test("a template that no representative parameters bring to a session is not called proved", () => {
  const proof = proveOwn({ template: shipped("observe").template, forms: () => [] });
  expect(proof).toMatchObject({ proved: false, sessions: 0 });
});

describe("the ceiling is a Deny of everything but the template's own actions, on `*`, in one statement", () => {
  const deny = { Effect: "Deny", NotAction: ["s3:GetObject"], Resource: "*" } as const;
  const inOne = (...statements: readonly object[]) =>
    ceilingOf([{ Version: "2012-10-17", Statement: statements as never }]);

  test("so it says what is left open", () => {
    expect(inOne({ ...deny, Sid: "Ceiling" })).toEqual(["s3:GetObject"]);
    expect(inOne({ ...deny, NotAction: "s3:GetObject" })).toEqual(["s3:GetObject"]);
  });

  test.each([
    ["an Allow", { ...deny, Effect: "Allow" }],
    ["a condition", { ...deny, Condition: { Bool: { "aws:SecureTransport": "true" } } }],
    ["some resources", { ...deny, Resource: "arn:aws:s3:::*" }],
    ["a list of actions", { Effect: "Deny", Action: "s3:*", Resource: "*" }],
    ["NotResource", { Effect: "Deny", NotAction: "s3:GetObject", NotResource: "arn:aws:s3:::x" }],
  ])("and %s makes none", (_what, statement) => {
    expect(inOne(statement)).toBeNull();
  });
});

describe("twokey policy prove", () => {
  async function run(...argv: readonly string[]) {
    const written = { out: "", err: "" };
    vi.spyOn(process.stdout, "write").mockImplementation((text) => ((written.out += String(text)), true));
    vi.spyOn(process.stderr, "write").mockImplementation((text) => ((written.err += String(text)), true));
    process.exitCode = 0;
    try {
      await proveCommand().parseAsync([...argv], { from: "user" });
      return { ...written, exit: process.exitCode };
    } finally {
      vi.restoreAllMocks();
      process.exitCode = undefined;
    }
  }

  const folder = new URL("../../policies", import.meta.url).pathname;

  test(
    "prints one template's proof as JSON, no bar where nobody watches, and exits 0",
    async () => {
      const { out, err, exit } = await run("propose-change", "--folder", folder, "--json");
      expect({ err, exit }).toEqual({ err: "", exit: 0 });
      expect(JSON.parse(out)).toMatchObject([
        { template: "propose-change", proved: true, allowed: { approved: 0 }, counterexamples: [] },
      ]);
    },
    ROOM,
  );

  test("says which templates there are when it does not know one, and exits 1", async () => {
    const { err, exit } = await run("no-such-template", "--folder", folder);
    expect(exit).toBe(1);
    expect(err).toContain("staging-deploy");
  });
});
