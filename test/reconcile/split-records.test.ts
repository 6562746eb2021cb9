/** The text of CloudTrail files, cut into records: every form, at every place it may be cut, and every way it is spoilt. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEEPEST_RECORD, LONGEST_RECORD, splitter } from "../../src/audit/split-records.ts";

/** The records, parsed; or the fault. */
function split(...chunks: readonly string[]): unknown {
  const cut = splitter();
  const records: unknown[] = [];
  for (const chunk of chunks) {
    const done = cut.push(chunk);
    if (!done.ok) return done.error;
    records.push(...done.value.map(({ text }) => JSON.parse(text) as unknown));
  }
  const end = cut.end();
  return end.ok ? records : end.error;
}

const RECORDS = [
  { eventID: "1", text: 'a "quoted" } ] , { [', nested: { list: [[], {}, ["\\"]] } },
  { eventID: "2", Records: [{ a: 1 }] },
  {},
];
const LINES = RECORDS.map((record) => JSON.stringify(record)).join("\n");

test.each([
  ["CloudTrail's own file", JSON.stringify({ Records: RECORDS }), RECORDS],
  ["the same, laid out", ` \n${JSON.stringify({ Records: RECORDS }, null, 2)}\n`, RECORDS],
  ["a list", JSON.stringify(RECORDS), RECORDS],
  ["a record a line", `${LINES}\n`, RECORDS],
  ["records divided by tabs", LINES.replaceAll("\n", "\t"), RECORDS],
  ["a file without events", '{"Records":[]}', []],
  [
    "files after one another",
    `${JSON.stringify({ Records: RECORDS })}{"Records":[]}${LINES}`,
    [...RECORDS, ...RECORDS],
  ],
])("%s gives its records, wherever the text is cut", (_form, text, expected) => {
  expect(split(text)).toEqual(expected);
  expect(split(...(text.match(/[^]/g) ?? []))).toEqual(expected);
  for (let at = 0; at < text.length; at += 1)
    expect(split(text.slice(0, at), text.slice(at))).toEqual(expected);
});

test("any JSON objects come out as they went in, in either form and any parts", () => {
  const records = fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), { minLength: 1 });
  fc.assert(
    fc.property(records, fc.boolean(), fc.integer({ min: 1, max: 50 }), (made, wrapped, size) => {
      const values = made.map((record) => ({ eventID: "x", ...record }));
      const text = wrapped
        ? JSON.stringify({ Records: values })
        : values.map((one) => JSON.stringify(one)).join("\n");
      const parts = text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
      expect(split(...parts)).toEqual(JSON.parse(JSON.stringify(values)));
    }),
  );
});

describe("what is no such text is refused, with its line", () => {
  test.each([
    ["nothing", "", 1, /nothing/],
    ["white space", "\n\n", 3, /nothing/],
    ["other text", "hello", 1, /no CloudTrail file/],
    ["a number", "{}\n17", 2, /no CloudTrail file/],
    ["a list of strings", '["a"]', 1, /no CloudTrail file/],
    ["a list without commas", "[{}{}]", 1, /no CloudTrail file/],
    ["a comma at the end", "[{},]", 1, /no CloudTrail file/],
    ["a field behind the records", '{"Records":[{}],"x":1}', 1, /no CloudTrail file/],
    ["a record cut off", '{"Records":[{"a":1},\n{"b"', 2, /cut off/],
    ["a list cut off", '{"Records":[{"a":1}', 1, /cut off/],
    ["the last brace cut off", '{"Records":[{"a":1}]', 1, /cut off/],
    ["a string cut off", '{"a":"', 1, /cut off/],
  ])("%s", (_what, text, line, message) => {
    expect(split(text)).toEqual({ line, message: expect.stringMatching(message) as string });
  });

  test("a record nested too deep for whoever reads it", () => {
    const deep = (levels: number): string => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
    expect(split(deep(DEEPEST_RECORD))).toHaveLength(1);
    expect(split(deep(DEEPEST_RECORD + 1))).toMatchObject({
      message: expect.stringMatching(/deeper/) as string,
    });
  });

  test("a record that never ends, before it fills the memory", () => {
    const cut = splitter();
    const part = "x".repeat(65_536);
    let taken = 0;
    for (let done = cut.push('{"a":"'); done.ok; done = cut.push(part)) taken += part.length;
    expect(taken).toBeLessThan(LONGEST_RECORD + 2 * part.length);
  });
});
