import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Document, parse, visit } from "yaml";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { checkSet } from "../../src/policy/check-set.ts";
import { canonicalJson } from "../../src/policy/digest.ts";
import { parseSet } from "../../src/policy/parse-set.ts";
import { LIMITS } from "../../src/policy/schema/yaml.ts";
import type { PolicySet } from "../../src/policy/set.ts";
import { editDistance } from "../../src/policy/suggest.ts";
import { asFiles, FILES, replaceOnce, shipped } from "./fixture.ts";

const table = loadActionTable();

function parsed(files: Readonly<Record<string, string>> = FILES): PolicySet {
  const result = parseSet(asFiles(files), table);
  if (!result.ok) throw new Error(JSON.stringify(result.error, null, 2));
  return result.value;
}

const withText = (file: string, find: string, put: string): Record<string, string> => ({
  ...FILES,
  [file]: replaceOnce(FILES[file] ?? "", find, put),
});

const messages = (files: Readonly<Record<string, string>>): readonly string[] => {
  const result = parseSet(asFiles(files), table);
  return result.ok ? [] : result.error.map(({ file, message }) => `${file}: ${message}`);
};

const rename = (from: string, to: string): Record<string, string> =>
  Object.fromEntries(Object.entries(FILES).map(([name, text]) => [name === from ? to : name, text]));

describe("what a set means", () => {
  test("durations are seconds, single values lists, and placeholders stay text", () => {
    const set = parsed();
    const change = set.templates.find(({ name }) => name === "change-stack");
    expect(change?.duration).toEqual({ defaultSeconds: 900, maxSeconds: 1800 });
    expect(change?.parameters["stack"]).toEqual({
      ...{ description: "ARN of the stack.", optional: false, max: 1 },
      like: ["arn:aws:cloudformation:*:*:stack/*/*"],
    });
    expect(change?.allow).toEqual([
      {
        ...{ sid: "Execute", action: ["cloudformation:ExecuteChangeSet"], resource: ["${stack}"] },
        condition: { StringEquals: { "cloudformation:ChangeSetName": "${change_set}" } },
      },
    ]);
    expect(set.approvals).toEqual([
      {
        ...{
          templates: ["change-stack"],
          accounts: null,
          quorum: 2,
          groups: ["platform"],
          evidence: "passkey",
        },
        ...{ pendingSeconds: 3600, usableSeconds: 900 },
      },
    ]);
    // A file that says nothing of them: nobody administers, and a changed folder is served at once.
    expect(set.administrators).toEqual([]);
    expect(set.activation).toBeNull();
    expect(set.registry.agents[1]).toMatchObject({ name: "laptop", subject: "laptop", claims: {} });
    expect(set.registry.issuers[0]).toMatchObject({ kind: "oidc", jwksUri: null, maxAgeSeconds: 600 });
  });

  test("with activation: approval, the rule says who decides a changed set", () => {
    const set = parsed(
      withText(
        "approvals.yaml",
        "rules:\n",
        "administrators: [platform, orders]\nactivation: approval\n" +
          "activation_rule: { quorum: 2, groups: platform, evidence: passkey, pending: 24h }\nrules:\n",
      ),
    );
    expect(set.administrators).toEqual(["platform", "orders"]);
    expect(set.activation).toEqual({
      ...{ quorum: 2, groups: ["platform"], evidence: "passkey" },
      ...{ pendingSeconds: 86_400, usableSeconds: 86_400 },
    });
  });

  test("a whole number is a duration in seconds", () => {
    const set = parsed(withText("agents.yaml", "max_age: 10m", "max_age: 90"));
    expect(set.registry.issuers[0]?.maxAgeSeconds).toBe(90);
  });

  test("actions take their published spelling, because IAM ignores case", () => {
    const set = parsed(
      withText("templates/look.yaml", "cloudformation:ListStacks", "CloudFormation:liststacks"),
    );
    const look = set.templates.find(({ name }) => name === "look");
    expect(look?.allow[0]?.action).toContain("cloudformation:ListStacks");
  });

  test("nothing in a set can be changed", () => {
    const frozen = (value: unknown): boolean =>
      typeof value !== "object" ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(parsed())).toBe(true);
  });

  test("the shipped set is without faults, its expectations included", () => {
    const checked = checkSet(shipped(), table);
    expect(checked.ok ? [] : checked.error).toEqual([]);
  });

  test("an expectation the compiled template does not meet is a fault where it stands", () => {
    const result = checkSet(
      asFiles(withText("templates/look.yaml", "decision: allowed", "decision: explicitDeny")),
      table,
    );
    expect(result.ok ? [] : result.error).toMatchObject([
      {
        file: "templates/look.yaml",
        line: 17,
        column: 15,
        message: expect.stringContaining("expected explicitDeny, got allowed") as string,
      },
    ]);
  });

  test("a template the compiler refuses is a fault at the action it refuses", () => {
    const result = checkSet(
      asFiles(withText("templates/look.yaml", "cloudformation:ListStacks]", "iam:CreateUser]")),
      table,
    );
    expect(result.ok ? [] : result.error).toMatchObject([
      {
        file: "templates/look.yaml",
        line: 11,
        column: 45,
        message: expect.stringContaining("floor") as string,
      },
      {
        file: "templates/look.yaml",
        line: 11,
        column: 45,
        message: expect.stringContaining("intent") as string,
      },
    ]);
  });
});

describe("which files belong to a set", () => {
  test("a missing file is a fault", () => {
    const rest = Object.entries(FILES).filter(([name]) => name !== "people.yaml");
    expect(messages(Object.fromEntries(rest))).toEqual(["people.yaml: the file is missing"]);
  });
  test("an unknown file is a fault, and the nearest name is suggested", () => {
    const result = parseSet(asFiles({ ...FILES, "guardrail.yaml": "" }), table);
    expect(result.ok ? [] : result.error).toMatchObject([
      { file: "guardrail.yaml", fix: "did you mean `guardrails.yaml`?" },
    ]);
  });
  test("a template with another ending is not silently left out", () => {
    const result = parseSet(asFiles({ ...FILES, "templates/more.yml": "" }), table);
    expect(result.ok ? [] : result.error).toMatchObject([{ fix: "did you mean `templates/more.yaml`?" }]);
  });
  test("an empty set is a fault of every file", () => {
    expect(messages({})).toHaveLength(6);
  });
  test("an empty file and an empty list are faults", () => {
    expect(messages({ ...FILES, "approvals.yaml": "" })).toEqual(
      expect.arrayContaining([expect.stringContaining("approvals.yaml: ")]),
    );
    expect(messages({ ...FILES, "agents.yaml": "issuers: []\nagents: []\n" })).toEqual([
      "agents.yaml: `issuers` is empty",
      "agents.yaml: `agents` is empty",
    ]);
  });
  test("an escalation template that no rule names is a fault", () => {
    expect(messages({ ...FILES, "approvals.yaml": "rules: []\n" })).toEqual([
      "templates/change-stack.yaml: no rule of approvals.yaml names `change-stack`: nobody could approve it",
    ]);
  });
  test("case 26: a template named --help, -x or ../x is refused", () => {
    for (const name of ["--help", "-x", ".."]) {
      expect(messages(rename("templates/look.yaml", `templates/${name}.yaml`)).join()).toContain(
        "the file is named",
      );
      const both = { ...rename("templates/look.yaml", `templates/${name}.yaml`) };
      both[`templates/${name}.yaml`] = replaceOnce(
        FILES["templates/look.yaml"] ?? "",
        "name: look",
        `name: ${name}`,
      );
      expect(messages(both).join()).toContain("is not a template's name");
    }
    expect(messages(rename("templates/look.yaml", "templates/../x.yaml")).join()).toContain(
      "no file of this name",
    );
  });
});

test("case 4: an issuer without an audience is refused at start-up", () => {
  const without = withText(
    "agents.yaml",
    "    audience: https://twokey.example.com\n    algorithms",
    "    algorithms",
  );
  const empty = withText(
    "agents.yaml",
    "audience: https://twokey.example.com\n    algorithms",
    'audience: ""\n    algorithms',
  );
  for (const files of [without, empty]) {
    expect(checkSet(asFiles(files), table).ok).toBe(false);
    expect(messages(files).join()).toContain("`audience`");
  }
});

test("the owner of an agent does not count towards the quorum of its escalations", () => {
  const owner = (id: string): string => `owner: ${id}\n    issuer: github`;
  expect(messages(withText("agents.yaml", owner("orders-lead"), owner("platform-one")))).toEqual([
    "approvals.yaml: 2 must agree, and for `orders-ci` only 1 may decide: its owner `platform-one` does not count",
  ]);
});

test("case 25: two accounts with one external id are refused", () => {
  const second = (FILES["accounts.yaml"] ?? "")
    .replace("accounts:\n", "")
    .replaceAll("111122223333", "444455556666")
    .replace("name: demo", "name: other");
  expect(messages({ ...FILES, "accounts.yaml": `${FILES["accounts.yaml"] ?? ""}${second}` })).toEqual([
    "accounts.yaml: another entry has the same `external_id` already",
  ]);
});

describe("the digest", () => {
  /** The same data written anew: other quotes, other key order, other file order, comments. */
  const rewritten = (seed: number): Record<string, string> => {
    let state = seed;
    const random = (): number => (state = (state * 1103515245 + 12345) % 2147483648);
    const entries = Object.entries(FILES).map(([name, text]): [string, string] => {
      const document = new Document(parse(text));
      visit(document, {
        Map: (_, map) => void map.items.sort(() => (random() % 2 === 0 ? 1 : -1)),
        Scalar: (key, scalar) => {
          if (key !== "key" && typeof scalar.value === "string") {
            scalar.type = random() % 2 === 0 ? "QUOTE_DOUBLE" : "QUOTE_SINGLE";
          }
        },
      });
      document.commentBefore = ` ${random()}`;
      return [name, document.toString({ lineWidth: 0 })];
    });
    return Object.fromEntries(random() % 2 === 0 ? entries : entries.reverse());
  };

  test("does not change with formatting, comments, order of keys or order of files", () => {
    const { digest } = parsed();
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        (seed) => parsed(rewritten(seed)).digest === digest,
      ),
      { numRuns: 20 },
    );
  });

  test("changes with the meaning and with the action data", () => {
    const digests = [
      parsed().digest,
      parsed(withText("approvals.yaml", "usable: 15m", "usable: 16m")).digest,
      parsed(withText("agents.yaml", "main\n", "master\n")).digest,
    ];
    const other = parseSet(asFiles(FILES), { ...table, version: "another" });
    expect(new Set([...digests, other.ok ? other.value.digest : ""]).size).toBe(4);
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
  });

  test("canonical JSON is RFC 8785's own example, byte for byte", () => {
    const example = {
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
      literals: [null, true, false],
    };
    expect(canonicalJson(example)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test("canonical JSON refuses what JSON cannot hold", () => {
    for (const value of [undefined, Number.NaN, Infinity, 1n, [undefined]]) {
      expect(() => canonicalJson(value)).toThrow(TypeError);
    }
  });
});

describe("hostile text", () => {
  const only = (text: string): readonly string[] => messages({ ...FILES, "people.yaml": text });

  test("random text is answered with faults, never with a throw", () => {
    const yamlish = fc
      .array(
        fc.constantFrom(
          "- ",
          ": ",
          "? ",
          "a",
          "\n",
          "  ",
          "{",
          "}",
          "[",
          "]",
          "&x ",
          "*x",
          "!t ",
          '"',
          "|",
          ">",
          "#",
          "---\n",
          "%",
          "<<",
          "__proto__",
          "\t",
        ),
        { maxLength: 60 },
      )
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(FILES)), fc.oneof(fc.string(), yamlish), (name, text) => {
        expect(parseSet(asFiles({ ...FILES, [name]: text }), table).ok).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  test("a value of the wrong kind anywhere is a fault, never a throw", () => {
    const names = Object.keys(FILES);
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.nat(200),
        fc.constantFrom("~", "[]", "{}", "7", ".nan", "[[1]]", "{a: {b: 1}}"),
        (name, at, value) => {
          const document = new Document(parse(FILES[name] ?? ""));
          let count = 0;
          visit(document, {
            Pair: (_, pair) => {
              if (count++ === at) pair.value = parse(value) as never;
            },
          });
          expect(() => parseSet(asFiles({ ...FILES, [name]: document.toString() }), table)).not.toThrow();
        },
      ),
      { numRuns: 100 },
    );
  });

  test("aliases that multiply are refused before anything expands them", () => {
    const rows = Array.from(
      { length: 30 },
      (_, n) => `l${n}: &l${n} [${`*l${Math.max(n - 1, 0)}, `.repeat(9)}]`,
    );
    expect(only(`l: &l [x]\n${rows.join("\n")}\n`).join()).toContain("aliases are not used");
  });

  test("nesting that would exhaust the parser's stack is refused before it", () => {
    // Thousands of `- ` on one line end the process inside the regular expression engine of this YAML parser.
    for (const text of [
      "- ".repeat(30_000),
      "? ".repeat(30_000),
      "[".repeat(30_000),
      `${"- ".repeat(500)}a`,
    ]) {
      expect(only(text).join()).toMatch(/longer than|nested too deeply/);
    }
    const staircase = Array.from({ length: 400 }, (_, depth) => `${" ".repeat(depth)}- `).join("\n");
    expect(only(staircase).join()).toContain("nested too deeply");
    expect(only(`a: ${"[\n".repeat(400)}`).join()).toContain("nested too deeply");
  });

  test("a file longer than the limit is refused", () => {
    expect(only("# x\n".repeat(LIMITS.fileCharacters / 4 + 1)).join()).toContain("longer than");
  });

  test("keys that mean something to JavaScript, directives and unreadable characters are refused", () => {
    expect(only("__proto__: { people: [] }").join()).toContain("`__proto__` cannot be used as a key");
    expect(only("constructor: 1").join()).toContain("`constructor` cannot be used as a key");
    expect(only("%YAML 1.1\n---\npeople: []").join()).toContain("directives are not used");
    expect(only('people: "\u202eabc"').join()).toContain("text-direction");
    expect(only("people: []\n---\npeople: []").join()).toContain("not readable as YAML");
  });
});

test("the edit distance is a metric that counts a swap as one", () => {
  expect(editDistance("gihtub", "github")).toBe(1);
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("", "abc")).toBe(3);
});
