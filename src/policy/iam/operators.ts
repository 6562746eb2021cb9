/**
 * The one table of condition operators: what each compares, whether it is negated, whether it takes variables. A
 * row compiles one value of the policy into a test of one value of the request. How several values, several keys
 * and absent keys combine is condition.ts's business, the same for every operator.
 */
import { err, ok, type Result } from "../../result.ts";
import type { ContextIndex } from "./context.ts";
import {
  ipRangeHolds,
  readBase64,
  readBoolean,
  readDate,
  readIpRange,
  readNumber,
  type IpRange,
} from "./literals.ts";
import { arnPartsOfCodes, compileGlob, globCodes, matchesGlob, type Glob } from "./match.ts";
import { expand, globPieces, isConstant, type Template } from "./variables.ts";

export type ValueTest = (value: string, context: ContextIndex) => boolean;

export interface Operator {
  readonly negated: boolean;
  /** AWS substitutes variables for string and ARN operators only; elsewhere `${` is a fault of the value. */
  readonly variables: boolean;
  /** Builds the positive test. The fault is a phrase such as "is not a number". */
  readonly compile: (value: Template) => Result<ValueTest, string>;
}

type Compile = Operator["compile"];

const EMPTY: ContextIndex = new Map();

/** Compares with the value as it is, or as it is for each request where it holds variables. */
function textTest(prepare: (text: string) => string): Compile {
  return (template) => {
    if (!isConstant(template)) {
      return ok((value, context) => prepare(value) === prepare(expand(template, context)));
    }
    const wanted = prepare(expand(template, EMPTY));
    return ok((value) => prepare(value) === wanted);
  };
}

const globTest: Compile = (template) => {
  if (!isConstant(template)) {
    return ok((value, context) => matchesGlob(compileGlob(globPieces(template, context)), value));
  }
  const glob = compileGlob(globPieces(template, EMPTY));
  return ok((value) => matchesGlob(glob, value));
};

/** "Each of the six colon-delimited components of the ARN is checked separately": no wildcard crosses a colon. */
const arnTest: Compile = (template) => {
  const parts = (context: ContextIndex) => arnPartsOfCodes(globCodes(globPieces(template, context)));
  if (!isConstant(template)) return ok((value, context) => arnMatches(parts(context), value));
  const constant = parts(EMPTY);
  if (constant.length !== 6) return err("is not an ARN of six parts");
  return ok((value) => arnMatches(constant, value));
};

function arnMatches(parts: readonly Glob[], value: string): boolean {
  if (parts.length !== 6) return false;
  let from = 0;
  for (const [at, part] of parts.entries()) {
    const colon = at === 5 ? value.length : value.indexOf(":", from);
    if (colon === -1 || !matchesGlob(part, value.slice(from, colon))) return false;
    from = colon + 1;
  }
  return true;
}

/** A value of the request that cannot be read equals nothing and stands in no order. */
function typedTest<T>(
  read: (text: string) => T | null,
  what: string,
  matches: (request: T, policy: T) => boolean,
): Compile {
  return (template) => {
    const policy = read(expand(template, EMPTY));
    if (policy === null) return err(`is not ${what}`);
    return ok((value) => {
      const request = read(value);
      return request !== null && matches(request, policy);
    });
  };
}

const numeric = (matches: (request: number, policy: number) => boolean): Compile =>
  typedTest(readNumber, "a number", matches);
const date = (matches: (request: number, policy: number) => boolean): Compile =>
  typedTest(readDate, "an ISO 8601 date or epoch time", matches);

const same = (a: unknown, b: unknown): boolean => a === b;
const less = (a: number, b: number): boolean => a < b;
const atMost = (a: number, b: number): boolean => a <= b;
const more = (a: number, b: number): boolean => a > b;
const atLeast = (a: number, b: number): boolean => a >= b;

const equalsTest = textTest((text) => text);
// Values may be any text, so the folding is Unicode's here, unlike that of action and key names.
const equalsIgnoreCaseTest = textTest((text) => text.toLowerCase());
const ipTest = typedTest<IpRange>(readIpRange, "an IP address or CIDR range", (request, policy) =>
  ipRangeHolds(policy, request),
);

const withVariables = (compile: Compile, negated = false): Operator => ({
  compile,
  negated,
  variables: true,
});
const plain = (compile: Compile, negated = false): Operator => ({ compile, negated, variables: false });

export const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ["StringEquals", withVariables(equalsTest)],
  ["StringNotEquals", withVariables(equalsTest, true)],
  ["StringEqualsIgnoreCase", withVariables(equalsIgnoreCaseTest)],
  ["StringNotEqualsIgnoreCase", withVariables(equalsIgnoreCaseTest, true)],
  ["StringLike", withVariables(globTest)],
  ["StringNotLike", withVariables(globTest, true)],
  ["ArnEquals", withVariables(arnTest)],
  ["ArnLike", withVariables(arnTest)],
  ["ArnNotEquals", withVariables(arnTest, true)],
  ["ArnNotLike", withVariables(arnTest, true)],
  ["NumericEquals", plain(numeric(same))],
  ["NumericNotEquals", plain(numeric(same), true)],
  ["NumericLessThan", plain(numeric(less))],
  ["NumericLessThanEquals", plain(numeric(atMost))],
  ["NumericGreaterThan", plain(numeric(more))],
  ["NumericGreaterThanEquals", plain(numeric(atLeast))],
  ["DateEquals", plain(date(same))],
  ["DateNotEquals", plain(date(same), true)],
  ["DateLessThan", plain(date(less))],
  ["DateLessThanEquals", plain(date(atMost))],
  ["DateGreaterThan", plain(date(more))],
  ["DateGreaterThanEquals", plain(date(atLeast))],
  ["Bool", plain(typedTest(readBoolean, "true or false", same))],
  ["BinaryEquals", plain(typedTest(readBase64, "base64", same))],
  ["IpAddress", plain(ipTest)],
  ["NotIpAddress", plain(ipTest, true)],
]);
