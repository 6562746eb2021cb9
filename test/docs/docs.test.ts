/** What the documentation claims, held against the code: links, files, examples, flags, variables, codes. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import {
  credentialsAnswerSchema,
  problemSchema,
  sessionsAnswerSchema,
  templatesAnswerSchema,
} from "../../src/http/answer-schemas.ts";
import { credentialsRequest } from "../../src/http/schemas.ts";
import { checkSet } from "../../src/policy/check-set.ts";
import packageJson from "../../package.json" with { type: "json" };
import { commandTree, type Usage } from "./help.ts";
import { blocksOf, codeOf, mentions, PAGES, ROOT } from "./pages.ts";
import { withFragment } from "./policy-fragment.ts";

test("every relative link and image leads to a file, and to a heading of it", () => {
  const dead = PAGES.flatMap(({ name, links }) =>
    links
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [file = "", anchor] = link.split("#");
        const target = file === "" ? name : posix.join(dirname(name), file);
        if (target.startsWith("..") || !existsSync(join(ROOT, target))) return true;
        return (
          anchor !== undefined && PAGES.find((page) => page.name === target)?.anchors.has(anchor) !== true
        );
      })
      .map((link) => `${name}: ${link}`),
  );
  expect(dead).toEqual([]);
});

/** Shown because a reader has them, not because they are here. */
const OTHERS_FILES = new Set([".gitlab-ci.yml"]);

test("every file named in back-quotes exists", () => {
  const files = readdirSync(ROOT, { recursive: true, encoding: "utf8", withFileTypes: false }).filter(
    (name) => !/^(node_modules|\.git|dist|\.twokey)(\/|$)/.test(name),
  );
  const named = mentions(
    /^(?:[\w.*-]+\/)*[\w*.-]+\.(?:ts|tsx|mjs|ya?ml|md|svg)$|^(?:src|test|docs|bench|infra|policies)\/.*$/g,
    ({ spans }) => spans,
  );
  expect(named.length).toBeGreaterThan(5);
  const missing = named.filter(([, path]) => {
    const pattern = path.replace(/\/$/, "").replaceAll(/[.+]/g, "\\$&").replaceAll("*", "[^/]+");
    // The files of a policy set are named as they are inside it.
    const exact = new RegExp(`^(policies/)?${pattern}$`);
    return !OTHERS_FILES.has(path) && !files.some((file) => exact.test(file));
  });
  expect(missing).toEqual([]);
});

test("every npm script named exists", () => {
  const scripts = Object.keys(packageJson.scripts);
  const named = mentions(/\bnpm (?:run (?:--silent )?([\w:-]+)|(?:test))/g, codeOf).map(([, name]) =>
    name.replace(/^npm /, ""),
  );
  expect(named).toContain("demo");
  expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
});

describe("examples", () => {
  const table = loadActionTable();
  /** Written for somebody else's program. */
  const FOREIGN = /^# (\.gitlab-ci\.yml|in the pod)\n/;
  const fragments = blocksOf("yaml").filter(({ text }) => !FOREIGN.test(text));

  test.each(fragments.map((block) => [block.at, block] as const))(
    "the policy at %s is accepted in the shipped set",
    (_at, { text }) => {
      const checked = checkSet(withFragment(parse(text)), table);
      expect(checked.ok ? [] : checked.error).toEqual([]);
    },
  );

  test("every JSON block is a request or an answer of the API", () => {
    const schemas = [
      credentialsRequest,
      credentialsAnswerSchema,
      templatesAnswerSchema,
      sessionsAnswerSchema,
      problemSchema,
    ];
    const strange = blocksOf("json").filter(({ text }) => {
      const value: unknown = JSON.parse(text);
      return !schemas.some((schema) => schema.safeParse(value).success);
    });
    expect(strange.map(({ at }) => at)).toEqual([]);
  });

  test("a block is in a language somebody checks", () => {
    // `js` and `python` are run by test/notify and commands.test.ts. `ts` is an outline for contributors; a block of no language is a picture or what a program prints.
    const checked = ["sh", "yaml", "json", "http", "ini", "js", "python", "ts", ""];
    const others = PAGES.flatMap(({ blocks }) =>
      blocks.filter(({ language }) => !checked.includes(language)),
    );
    expect(others.map(({ at, language }) => `${at} ${language}`)).toEqual([]);
  });
});

describe("the command line", () => {
  let tree: ReadonlyMap<string, Usage>;
  beforeAll(async () => {
    tree = await commandTree();
  });

  test("every twokey command and flag named exists", () => {
    const lines = PAGES.flatMap((page) => codeOf(page).map((line) => [page.name, line] as const));
    const wrong = lines.flatMap(([page, line]) => faultsIn(line, tree).map((fault) => `${page}: ${fault}`));
    expect(lines.filter(([, line]) => line.startsWith("twokey ")).length).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  test("every flag named alone is one of some command's", () => {
    const flags = new Set([...tree.values()].flatMap(({ flags }) => [...flags]));
    const named = mentions(/^(--[a-z][a-z-]*)/g, ({ spans }) => spans);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(([, flag]) => !flags.has(flag))).toEqual([]);
  });

  test("every command says what it is for, in one style, and shows the whole line to type", () => {
    const odd = [...tree].flatMap(([path, { usage, summary, description }]) => {
      const whole = path === "" ? "twokey " : `twokey ${path} `;
      const styled = [summary, description].every((says) => /^[a-z].*[^.]$/.test(says));
      return usage.startsWith(whole) && (path === "" || styled) ? [] : [[path, usage, summary, description]];
    });
    expect(odd).toEqual([]);
  });

  test("commands that a help text mentions exist", () => {
    const wrong = [...tree].flatMap(([path, { text }]) =>
      [...text.matchAll(/`(twokey [^`]+)`|^ {2}(twokey .+)$/gm)].flatMap((match) =>
        faultsIn(match[1] ?? match[2] ?? "", tree).map((fault) => `${path} --help: ${fault}`),
      ),
    );
    expect(wrong).toEqual([]);
  });
});

/** `twokey exec --x -- aws --y`: what follows `--` is another program's. */
function faultsIn(line: string, tree: ReadonlyMap<string, Usage>): readonly string[] {
  const [own = ""] = line.split(/ -- | #|[|&;]/);
  const words = own.split(/[\s=]+/);
  if (words[0] !== "twokey") return [];
  let path = "";
  let below = words.slice(1);
  for (const word of words.slice(1)) {
    const next = path === "" ? word : `${path} ${word}`;
    if (!tree.has(next)) break;
    path = next;
    below = below.slice(1);
  }
  const usage = tree.get(path);
  const parent = [...tree.keys()].some((other) => other !== path && other.startsWith(path));
  if (parent && /^[a-z]/.test(below[0] ?? "")) return [`no command: ${line}`];
  const flags = words.filter((word) => /^--[a-z]/.test(word));
  return flags.filter((flag) => usage?.flags.has(flag) !== true).map((flag) => `${path} has no ${flag}`);
}

/** Read by the tests alone; contributors set it. */
const OF_THE_TESTS = ["TWOKEY_FAULTS"];

test("every TWOKEY_ variable the code reads is documented, and the other way round", () => {
  const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(ROOT, "src", name), "utf8"));
  const quoted = sources.flatMap((text) => [...text.matchAll(/"(TWOKEY_[A-Z_]+)"/g)]);
  const read = new Set([...OF_THE_TESTS, ...quoted.map((match) => match[1] ?? "")]);
  const told = new Set(mentions(/\bTWOKEY_[A-Z_]+\b/g, codeOf).map(([, name]) => name));
  expect([...told].sort()).toEqual([...read].sort());
});

test("every refusal of src/failure.ts stands once in docs/api.md", () => {
  const union = readFileSync(join(ROOT, "src/failure.ts"), "utf8");
  const codes = [...union.matchAll(/readonly code: "(\w+)"/g)].map((match) => match[1] ?? "");
  const rows = readFileSync(join(ROOT, "docs/api.md"), "utf8").split("\n");
  expect(codes.length).toBeGreaterThan(15);
  expect(
    codes.filter((code) => rows.filter((row) => row.startsWith(`| \`${code}\` |`)).length !== 1),
  ).toEqual([]);
});
