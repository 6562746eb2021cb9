/** The JSON Schemas for editors: kept true, named by the files, and of one mind with the check. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { jsonSchemas } from "../../src/policy/schema/json-schema.ts";
import { FILES, replaceOnce, shipped } from "./fixture.ts";

const ROOT = join(import.meta.dirname, "..", "..", "policies");
const SCHEMAS = jsonSchemas(loadActionTable());

/** zod reads the schema as an editor would: knowing nothing of how it was made. */
const judge = (schema: string, text: string): boolean =>
  z.fromJSONSchema(JSON.parse(SCHEMAS[schema] ?? "") as z.core.JSONSchema.JSONSchema).safeParse(parse(text))
    .success;

const schemaOf = (file: string): string =>
  file.startsWith("templates/") ? "template.json" : file.replace(/yaml$/, "json");

test("the schemas in policies/.schema are the ones the code generates (else: twokey policy schema --out policies/.schema)", () => {
  const committed = Object.fromEntries(
    readdirSync(join(ROOT, ".schema")).map((name) => [
      name,
      readFileSync(join(ROOT, ".schema", name), "utf8"),
    ]),
  );
  expect(committed).toEqual(SCHEMAS);
});

test.each(shipped().map(({ name, text }) => [name, text] as const))(
  "%s names its schema and satisfies it",
  (name, text) => {
    const [, path = ""] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
    expect(posix.join(dirname(name), path)).toBe(`.schema/${schemaOf(name)}`);
    expect(existsSync(join(ROOT, dirname(name), path))).toBe(true);
    expect(judge(schemaOf(name), text)).toBe(true);
  },
);

const WRONG: readonly (readonly [file: string, find: string, put: string])[] = [
  ["templates/look.yaml", "title: Look around", "titel: Look around"],
  ["templates/look.yaml", "kind: standing", "kind: standin"],
  ["templates/look.yaml", "  - Sid: Look\n", "  - Sid: Look\n    Effect: Deny\n"],
  ["templates/look.yaml", "default: 15m", "default: 15 minutes"],
  ["templates/look.yaml", 'accounts: ["111122223333"]', "accounts: [111122223333]"],
  ["templates/change-stack.yaml", "intent: destroy", "intent: anything"],
  ["agents.yaml", "algorithms: [RS256]", "algorithms: [HS256]"],
  ["approvals.yaml", "quorum: 2", "quorum: 1"],
  ["guardrails.yaml", "environment:\n", "enviroment:\n"],
];

test.each(WRONG)("an editor marks %s with %j → %j", (file, find, put) => {
  const text = FILES[file] ?? "";
  expect(judge(schemaOf(file), text)).toBe(true);
  expect(judge(schemaOf(file), replaceOnce(text, find, put))).toBe(false);
});

test("what is written in two ways is accepted in both", () => {
  const text = FILES["templates/look.yaml"] ?? "";
  for (const [find, put] of [
    ["default: 15m", "default: 900"],
    ['accounts: ["111122223333"]', "accounts: all"],
    [
      "Action: [cloudformation:DescribeStacks, cloudformation:ListStacks]",
      "Action: cloudformation:DescribeStacks",
    ],
    [
      '    Resource: "*"\n',
      '    Resource: ["*"]\n    Condition: { Bool: { "aws:SecureTransport": true } }\n',
    ],
  ] as const) {
    expect(judge("template.json", replaceOnce(text, find, put))).toBe(true);
  }
});
