/**
 * The worked example of docs/policies.md, done by following the page: its template and its edits go into a copy of
 * the shipped set, and what the page says the tool prints is what the tool prints.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { replaceOnce } from "./fixture.ts";
import { BUNDLE } from "../support/bundle.ts";

vi.setConfig({ testTimeout: 120_000 });

const ROOT = join(import.meta.dirname, "..", "..");
const PAGE = readFileSync(join(ROOT, "docs", "policies.md"), "utf8");
const SECTION = PAGE.slice(PAGE.indexOf("\n## A worked example"));
const BLOCKS = [...SECTION.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = "", text = ""]) => ({
  language,
  text,
}));
const TEMPLATE = BLOCKS.find(({ language }) => language === "yaml")?.text ?? "";

const isEdit = (text: string): boolean => /^[-+] /.test(text);
const linesOf = (text: string, sign: string): string =>
  text
    .split("\n")
    .filter((line) => line.startsWith(sign))
    .map((line) => line.slice(1))
    .join("\n");

/** Lines with `-` are replaced by the lines with `+`, as a reader would. */
const edited = (text: string, edit: string): string =>
  replaceOnce(text, linesOf(edit, "-"), linesOf(edit, "+"));

const plain = BLOCKS.filter(({ language }) => language === "").map(({ text }) => text);
const [opening, ...rest] = plain;
const DANGERS = rest.flatMap((text, index) => (isEdit(text) ? [[text, rest[index + 1] ?? ""] as const] : []));

let root: string;
const twokey = (...words: string[]): Promise<{ readonly code: number; readonly out: string }> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [BUNDLE, ...words], { cwd: root }, (_, out, errors) => {
      resolve({ code: child.exitCode ?? -1, out: out + errors });
    });
  });

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "twokey-example-"));
});
afterAll(() => {
  rmSync(root, { recursive: true });
});
beforeEach(() => {
  rmSync(join(root, "policies"), { recursive: true, force: true });
  cpSync(join(ROOT, "policies"), join(root, "policies"), { recursive: true });
  const agents = join(root, "policies", "agents.yaml");
  writeFileSync(agents, edited(readFileSync(agents, "utf8"), opening ?? ""));
  writeFileSync(join(root, "policies", "templates", "requeue.yaml"), TEMPLATE);
});

test("the page has its template, and at least three dangerous edits with what they print", () => {
  expect(TEMPLATE).toContain("name: requeue");
  expect(DANGERS.length).toBeGreaterThanOrEqual(3);
  for (const [edit, output] of DANGERS) expect([isEdit(edit), isEdit(output)]).toEqual([true, false]);
});

describe("following the page", () => {
  test("the template passes check, without a warning, and is proved", async () => {
    const checked = await twokey("policy", "check", "--strict");
    expect(checked.out).toContain("policies: nothing wrong (8 templates");
    expect(checked.code).toBe(0);
    const proved = await twokey("policy", "prove", "requeue");
    expect(proved.out).toContain("requeue: proved");
    expect(proved.code).toBe(0);
    expect((await twokey("policy", "explain", "requeue", "--param", "queue=orders-dlq")).code).toBe(0);
  });

  test.each(DANGERS)("%s is refused in the words of the page", async (edit, output) => {
    writeFileSync(join(root, "policies", "templates", "requeue.yaml"), edited(TEMPLATE, edit));
    const checked = await twokey("policy", "check");
    expect(checked.out).toBe(output);
    expect(checked.code).toBe(1);
  });
});
