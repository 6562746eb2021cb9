import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { globCovers, globMatch, globsMayOverlap } from "../../src/policy/iam/match.ts";

/** The oracle: a regular expression, slow and plain. */
const oracle = (pattern: string, value: string): boolean =>
  new RegExp(
    `^${pattern
      .replace(/[.+^$()|[\]\\{}]/g, "\\$&")
      .replace(/\*/g, "[\\s\\S]*")
      .replace(/\?/g, "[\\s\\S]")}$`,
  ).test(value);

const letters = (...units: string[]) =>
  fc.array(fc.constantFrom(...units), { maxLength: 7 }).map((list) => list.join(""));
const pattern = letters("a", "b", "*", "?");
const value = letters("a", "b", ":", "*");
/** Every string over the symbols, up to the length. */
const strings = (symbols: readonly string[], longest: number): readonly string[] =>
  longest === 0
    ? [""]
    : ["", ...symbols.flatMap((first) => strings(symbols, longest - 1).map((rest) => first + rest))];

test("a glob matches what the regular expression of the same meaning matches", () => {
  fc.assert(
    fc.property(pattern, value, (p, v) => globMatch(p, v) === oracle(p, v)),
    { numRuns: 5000 },
  );
  fc.assert(fc.property(fc.string(), fc.string(), (p, v) => globMatch(p, v) === oracle(p, v)));
});

test("a glob without wildcards matches itself and nothing else", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (p, v) => {
      const plain = p.replace(/[*?]/g, "");
      return globMatch(plain, v) === (plain === v) && globMatch(plain, plain);
    }),
  );
});

test.each([
  ["s3:Get*", "s3:GetObject", true],
  ["s3:Get", "s3:GetObject", false],
  ["GetObject", "s3:GetObject", false],
  ["s3.GetObject", "s3:GetObject", false],
  ["s3:(Get|Put)Object", "s3:GetObject", false],
  ["s3:[A-Z]etObject", "s3:GetObject", false],
  ["arn:aws:s3:::a/?", "arn:aws:s3:::a/b", true],
  ["arn:aws:s3:::a/?", "arn:aws:s3:::a/", false],
  ["a*b\n", "a-b\n", true],
  ["*", "", true],
  ["?", "", false],
])("glob %j against %j is %j", (p, v, expected) => {
  expect(globMatch(p, v)).toBe(expected);
});

test("ignoring case folds ASCII letters and no look-alikes", () => {
  expect(globMatch("kms:*", "KMS:Decrypt", { ignoreCase: true })).toBe(true);
  expect(globMatch("kms:*", "KMS:Decrypt")).toBe(false);
  expect(globMatch("kms:*", "\u212Ams:Decrypt", { ignoreCase: true })).toBe(false);
  expect(globMatch("s3:*", "\u017F3:GetObject", { ignoreCase: true })).toBe(false);
});

test("a hostile pattern costs no more than its length times the value's", () => {
  expect(globMatch("*a".repeat(200) + "b", "a".repeat(5000))).toBe(false);
  expect(globCovers("*a?".repeat(60), "*a*b?".repeat(60))).toBe(false);
  expect(globsMayOverlap("*a?".repeat(200) + "b", "*a?".repeat(200) + "c")).toBe(false);
});

test("a question of inclusion that would take too long is answered with the safe no", () => {
  expect(globCovers(`*a${"?".repeat(30)}*`, `${"*a".repeat(15)}${"?".repeat(30)}`)).toBe(false);
});

describe("inclusion and overlap", () => {
  // Exhaustive: two patterns of three symbols differ, if at all, on a word of seven; c is a letter neither names.
  const patterns = strings(["a", "b", "*", "?"], 3);
  const words = strings(["a", "b", "c"], 7);
  const languages = patterns.map((p) => {
    const member = words.map((word) => oracle(p, word));
    return { p, member };
  });
  const pairs = languages.flatMap((a) => languages.map((b) => [a, b] as const));

  test("globCovers says yes exactly when every word of the narrow glob is in the wide one", () => {
    const wrong = pairs.filter(
      ([wide, narrow]) =>
        globCovers(wide.p, narrow.p) !== narrow.member.every((is, at) => !is || wide.member[at]),
    );
    expect(wrong.map(([wide, narrow]) => [wide.p, narrow.p])).toEqual([]);
  });

  test("globsMayOverlap says yes exactly when the two globs share a word", () => {
    const wrong = pairs.filter(
      ([a, b]) => globsMayOverlap(a.p, b.p) !== a.member.some((is, at) => is && b.member[at] === true),
    );
    expect(wrong.map(([a, b]) => [a.p, b.p])).toEqual([]);
  });

  test("of longer globs too, what is covered is matched", () => {
    const run = fc.constantFrom("", "a", "b", "ab", "c:");
    const filled = fc.tuple(pattern, fc.array(run, { minLength: 7, maxLength: 7 })).map(([narrow, runs]) => {
      const word = Array.from(narrow)
        .map((c, at) => (c === "*" ? (runs[at] ?? "") : c === "?" ? "c" : c))
        .join("");
      return { narrow, word };
    });
    fc.assert(
      fc.property(pattern, filled, (wide, { narrow, word }) => {
        expect(globMatch(narrow, word)).toBe(true);
        return !globCovers(wide, narrow) || globMatch(wide, word);
      }),
      { numRuns: 5000 },
    );
  });

  test("whatever one glob covers, it overlaps", () => {
    fc.assert(
      fc.property(
        pattern,
        pattern,
        (wide, narrow) => !globCovers(wide, narrow) || globsMayOverlap(wide, narrow),
      ),
    );
  });

  test.each([
    ["s3:*", "s3:Get*", true],
    ["s3:Get*", "s3:*", false],
    ["*", "anything:at*all?", true],
    ["?*", "*?", true],
    ["?", "*", false],
    ["a*c*", "a*b*c", true],
    ["arn:aws:s3:::orders-*/*", "arn:aws:s3:::orders-staging/*", true],
    ["arn:aws:s3:::orders-staging*", "arn:aws:s3:::orders-*", false],
  ])("globCovers(%j, %j) is %j", (wide, narrow, expected) => {
    expect(globCovers(wide, narrow)).toBe(expected);
  });

  test("both ignore case when told to", () => {
    expect(globCovers("S3:*", "s3:Get*", { ignoreCase: true })).toBe(true);
    expect(globCovers("S3:*", "s3:Get*")).toBe(false);
    expect(globsMayOverlap("S3:*", "s3:Get*", { ignoreCase: true })).toBe(true);
    expect(globsMayOverlap("S3:*", "s3:Get*")).toBe(false);
  });
});
