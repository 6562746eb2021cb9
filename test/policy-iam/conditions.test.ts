/**
 * Condition operators as the IAM User Guide states them ("Condition operators", "Conditions with multiple context
 * keys or values", "Variables and tags"). Each row: does a statement with this condition apply to this context?
 */
import { describe, expect, test } from "vitest";
import type { ConditionBlock, ContextValue } from "../../src/policy/iam/types.ts";
import { ask, parsed, question, layers } from "./ask.ts";
import { evaluate } from "../../src/policy/iam/evaluate.ts";

type Context = Readonly<Record<string, ContextValue>>;
type Row = readonly [title: string, condition: ConditionBlock, context: Context, applies: boolean];

/** Asked of an Allow and of a Deny: the effect must not change whether a statement applies. */
function applies(Condition: ConditionBlock, context: Context): boolean {
  const statement = { Action: "s3:GetObject", Resource: "*", Condition };
  const allowed = ask({ identity: [{ Effect: "Allow", ...statement }] }, { context }).decision === "allowed";
  const denied =
    ask({ identity: [{ Effect: "Deny", ...statement }] }, { context }).decision === "explicitDeny";
  expect(denied).toBe(allowed);
  return allowed;
}

const check = (rows: readonly Row[]) => {
  test.each(rows)("%s", (_title, condition, context, expected) => {
    expect(applies(condition, context)).toBe(expected);
  });
};

const team = (operator: string, ...values: string[]): ConditionBlock => ({
  [operator]: { "aws:PrincipalTag/team": values },
});
const is = (value: ContextValue): Context => ({ "aws:PrincipalTag/team": value });

describe("strings", () => {
  check([
    ["StringEquals: the same", team("StringEquals", "blue"), is("blue"), true],
    ["StringEquals: values keep their case", team("StringEquals", "blue"), is("Blue"), false],
    ["StringEquals: a star is a star", team("StringEquals", "b*"), is("blue"), false],
    ["StringEquals: one of several", team("StringEquals", "red", "blue"), is("blue"), true],
    ["StringEquals: absent", team("StringEquals", "blue"), {}, false],
    ["StringEquals: an empty value is present", team("StringEquals", ""), is(""), true],
    [
      "StringEquals: the key's name ignores case",
      team("StringEquals", "blue"),
      { "AWS:principaltag/TEAM": "blue" },
      true,
    ],
    ["StringNotEquals: another", team("StringNotEquals", "blue"), is("red"), true],
    ["StringNotEquals: the same", team("StringNotEquals", "blue"), is("blue"), false],
    ["StringNotEquals: none of several (NOR)", team("StringNotEquals", "blue", "red"), is("red"), false],
    ["StringNotEquals: absent", team("StringNotEquals", "blue"), {}, true],
    ["StringEqualsIgnoreCase", team("StringEqualsIgnoreCase", "Blue"), is("bLUE"), true],
    ["StringNotEqualsIgnoreCase", team("StringNotEqualsIgnoreCase", "Blue"), is("bLUE"), false],
    ["StringNotEqualsIgnoreCase: absent", team("StringNotEqualsIgnoreCase", "Blue"), {}, true],
    ["StringLike: star and question mark", team("StringLike", "b?u*"), is("blue"), true],
    ["StringLike: anchored at both ends", team("StringLike", "lu"), is("blue"), false],
    ["StringLike: keeps case", team("StringLike", "B*"), is("blue"), false],
    ["StringLike: a dot is a dot", team("StringLike", "b.ue"), is("blue"), false],
    ["StringNotLike", team("StringNotLike", "b*"), is("blue"), false],
    ["StringNotLike: absent", team("StringNotLike", "b*"), {}, true],
  ]);
});

describe("numbers, dates, booleans, bytes", () => {
  const keys = (operator: string, value: string): ConditionBlock => ({
    [operator]: { "s3:max-keys": value },
  });
  const time = (operator: string, value: string): ConditionBlock => ({
    [operator]: { "aws:CurrentTime": value },
  });
  const now: Context = { "aws:CurrentTime": "2026-03-01T12:00:00Z" };
  const tls = { Bool: { "aws:SecureTransport": "false" } };
  check([
    [
      "NumericEquals compares numbers, not texts",
      keys("NumericEquals", "10"),
      { "s3:max-keys": "10.0" },
      true,
    ],
    ["NumericLessThanEquals: at most 10", keys("NumericLessThanEquals", "10"), { "s3:max-keys": 10 }, true],
    ["NumericLessThanEquals: 11", keys("NumericLessThanEquals", "10"), { "s3:max-keys": 11 }, false],
    ["NumericLessThan: 9 before 10", keys("NumericLessThan", "10"), { "s3:max-keys": "9" }, true],
    [
      "NumericGreaterThan: 10 is not above 10",
      keys("NumericGreaterThan", "10"),
      { "s3:max-keys": 10 },
      false,
    ],
    ["NumericGreaterThanEquals: 10", keys("NumericGreaterThanEquals", "10"), { "s3:max-keys": 10 }, true],
    ["NumericNotEquals: absent", keys("NumericNotEquals", "10"), {}, true],
    [
      "Numeric: what is no number is in no order",
      keys("NumericLessThan", "10"),
      { "s3:max-keys": "" },
      false,
    ],
    ["DateGreaterThan", time("DateGreaterThan", "2026-03-01T11:59:59Z"), now, true],
    ["DateLessThan with a zone", time("DateLessThan", "2026-03-01T13:00:00+02:00"), now, false],
    ["DateEquals: one instant in two zones", time("DateEquals", "2026-03-01T14:00:00+02:00"), now, true],
    ["DateEquals: epoch seconds", time("DateEquals", "1772366400"), now, true],
    [
      "DateLessThanEquals: a day begins at midnight UTC",
      time("DateLessThanEquals", "2026-03-01"),
      now,
      false,
    ],
    [
      "DateGreaterThanEquals: fractions count",
      time("DateGreaterThanEquals", "2026-03-01T12:00:00.001Z"),
      now,
      false,
    ],
    ["DateNotEquals: absent", time("DateNotEquals", "2026-03-01"), {}, true],
    ["Bool: the same", tls, { "aws:SecureTransport": false }, true],
    ["Bool: the other", tls, { "aws:SecureTransport": "true" }, false],
    ["Bool: absent", tls, {}, false],
    ["BinaryEquals", { BinaryEquals: { "aws:bytes": "QmluYXJ5" } }, { "aws:bytes": "QmluYXJ5" }, true],
    [
      "BinaryEquals: other bytes",
      { BinaryEquals: { "aws:bytes": "QmluYXJ5" } },
      { "aws:bytes": "qmluYXJ5" },
      false,
    ],
  ]);
});

describe("addresses", () => {
  const from = (operator: string, ...ranges: string[]): ConditionBlock => ({
    [operator]: { "aws:SourceIp": ranges },
  });
  const at = (ip: string): Context => ({ "aws:SourceIp": ip });
  const both = ["203.0.113.0/24", "2001:DB8:1234:5678::/64"];
  check([
    ["the documentation's IPv4 range: first", from("IpAddress", ...both), at("203.0.113.0"), true],
    ["the documentation's IPv4 range: last", from("IpAddress", ...both), at("203.0.113.255"), true],
    ["the documentation's IPv4 range: past it", from("IpAddress", ...both), at("203.0.114.0"), false],
    ["the documentation's IPv6 range", from("IpAddress", ...both), at("2001:db8:1234:5678:ffff::1"), true],
    ["past the IPv6 range", from("IpAddress", ...both), at("2001:db8:1234:5679::1"), false],
    ["an address alone is itself", from("IpAddress", "203.0.113.7"), at("203.0.113.7"), true],
    ["an address alone is no other", from("IpAddress", "203.0.113.7"), at("203.0.113.6"), false],
    ["bits inside a byte: in", from("IpAddress", "10.0.0.0/12"), at("10.15.255.255"), true],
    ["bits inside a byte: out", from("IpAddress", "10.0.0.0/12"), at("10.16.0.0"), false],
    ["everything", from("IpAddress", "0.0.0.0/0"), at("198.51.100.1"), true],
    ["an IPv4 range holds no IPv6 address", from("IpAddress", "0.0.0.0/0"), at("::1"), false],
    ["octal look-alikes are no address", from("IpAddress", "10.0.0.0/8"), at("010.0.0.1"), false],
    ["NotIpAddress: inside", from("NotIpAddress", ...both), at("203.0.113.9"), false],
    ["NotIpAddress: outside", from("NotIpAddress", ...both), at("198.51.100.1"), true],
    ["NotIpAddress: absent", from("NotIpAddress", ...both), {}, true],
  ]);
});

describe("ARNs", () => {
  const source = (operator: string, arn: string): ConditionBlock => ({
    [operator]: { "aws:SourceArn": arn },
  });
  const documented = "arn:aws:someservice:*:111122223333:finance/*";
  const crossing = {
    "aws:SourceArn": "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
  };
  const topic = { "aws:SourceArn": "arn:aws:sns:us-east-1:111122223333:orders" };
  check([
    [
      "the documentation's example: StringLike crosses colons",
      source("StringLike", documented),
      crossing,
      true,
    ],
    ["the documentation's example: ArnLike does not", source("ArnLike", documented), crossing, false],
    [
      "ArnEquals takes wildcards as ArnLike does",
      source("ArnEquals", "arn:aws:sns:*:111122223333:*"),
      topic,
      true,
    ],
    [
      "the last part may hold colons",
      source("ArnLike", "arn:aws:sns:us-east-1:111122223333:o*"),
      { "aws:SourceArn": "arn:aws:sns:us-east-1:111122223333:orders:sub" },
      true,
    ],
    ["case counts", source("ArnLike", "arn:aws:sns:us-east-1:111122223333:Orders"), topic, false],
    ["ArnNotLike", source("ArnNotLike", "arn:aws:sns:*:111122223333:*"), topic, false],
    ["ArnNotEquals: absent", source("ArnNotEquals", "arn:aws:sns:*:111122223333:*"), {}, true],
    [
      "what is no ARN is like none",
      source("ArnLike", "arn:*:*:*:*:*"),
      { "aws:SourceArn": "arn:aws:sns" },
      false,
    ],
  ]);
});

describe("IfExists and Null", () => {
  check([
    ["StringEqualsIfExists: absent", team("StringEqualsIfExists", "blue"), {}, true],
    ["StringEqualsIfExists: another", team("StringEqualsIfExists", "blue"), is("red"), false],
    ["StringNotEqualsIfExists: absent", team("StringNotEqualsIfExists", "blue"), {}, true],
    ["StringNotEqualsIfExists: the same", team("StringNotEqualsIfExists", "blue"), is("blue"), false],
    ["ForAnyValue:StringEqualsIfExists: absent", team("ForAnyValue:StringEqualsIfExists", "blue"), {}, true],
    ["Null true: absent", team("Null", "true"), {}, true],
    ["Null true: present", team("Null", "true"), is("blue"), false],
    ["Null false: absent", team("Null", "false"), {}, false],
    ["Null false: present", team("Null", "false"), is("blue"), true],
    ["Null true: an empty list is nothing", team("Null", "true"), is([]), true],
  ]);
});

describe("several values, keys and operators", () => {
  const attributes = (operator: string): ConditionBlock => ({
    [operator]: { "dynamodb:requestedAttributes": ["PostDateTime", "Message", "Tags"] },
  });
  const asked = (...values: string[]): Context => ({ "dynamodb:requestedAttributes": values });
  const two: ConditionBlock = { StringEquals: { "aws:a": "1", "aws:b": "2" }, Bool: { "aws:c": "true" } };
  check([
    [
      "ForAllValues: the documentation's example",
      attributes("ForAllValues:StringLike"),
      asked("PostDateTime", "Tags"),
      true,
    ],
    [
      "ForAllValues: one too many",
      attributes("ForAllValues:StringLike"),
      asked("PostDateTime", "UserName"),
      false,
    ],
    ["ForAllValues: absent", attributes("ForAllValues:StringLike"), {}, true],
    ["ForAllValues: empty", attributes("ForAllValues:StringLike"), asked(), true],
    ["ForAllValues: an empty string is no value", attributes("ForAllValues:StringLike"), asked(""), true],
    ["ForAnyValue: one of them", attributes("ForAnyValue:StringLike"), asked("UserName", "Message"), true],
    ["ForAnyValue: none of them", attributes("ForAnyValue:StringLike"), asked("UserName"), false],
    ["ForAnyValue: absent", attributes("ForAnyValue:StringLike"), {}, false],
    ["ForAnyValue: empty", attributes("ForAnyValue:StringLike"), asked(), false],
    [
      "ForAllValues of a negated operator: none listed",
      attributes("ForAllValues:StringNotEquals"),
      asked("UserName"),
      true,
    ],
    [
      "ForAllValues of a negated operator: one listed",
      attributes("ForAllValues:StringNotEquals"),
      asked("UserName", "Tags"),
      false,
    ],
    [
      "ForAnyValue of a negated operator: one not listed",
      attributes("ForAnyValue:StringNotEquals"),
      asked("UserName", "Tags"),
      true,
    ],
    [
      "ForAnyValue of a negated operator: all listed",
      attributes("ForAnyValue:StringNotEquals"),
      asked("Tags"),
      false,
    ],
    ["ForAnyValue of a negated operator: absent", attributes("ForAnyValue:StringNotEquals"), {}, false],
    [
      "a plain operator on several values: any matches",
      attributes("StringEquals"),
      asked("UserName", "Tags"),
      true,
    ],
    [
      "a plain negated operator on several values: none may match",
      attributes("StringNotEquals"),
      asked("UserName", "Tags"),
      false,
    ],
    ["all keys and operators hold", two, { "aws:a": "1", "aws:b": "2", "aws:c": true }, true],
    ["one key does not", two, { "aws:a": "1", "aws:b": "3", "aws:c": true }, false],
    ["one operator does not", two, { "aws:a": "1", "aws:b": "2", "aws:c": false }, false],
  ]);
});

describe("policy variables", () => {
  const owner = (operator: string, value: string): ConditionBlock => ({ [operator]: { "s3:owner": value } });
  const by = (username: ContextValue, value: string): Context => ({
    "aws:username": username,
    "s3:owner": value,
  });
  check([
    ["a variable is replaced", owner("StringEquals", "${aws:username}"), by("lead", "lead"), true],
    ["its key ignores case", owner("StringEquals", "${AWS:UserName}"), by("lead", "lead"), true],
    ["it stands anywhere", owner("StringLike", "home/${aws:username}/*"), by("lead", "home/lead/x"), true],
    ["what is put in is literal", owner("StringLike", "${aws:username}"), by("*", "lead"), false],
    [
      "what is put in is not read again",
      owner("StringEquals", "${aws:username}"),
      by("${aws:PrincipalArn}", "lead"),
      false,
    ],
    [
      "a default stands in for an absent key",
      owner("StringEquals", "${aws:username, 'nobody'}"),
      { "s3:owner": "nobody" },
      true,
    ],
    [
      "a default gives way to a value",
      owner("StringEquals", "${aws:username, 'nobody'}"),
      by("lead", "nobody"),
      false,
    ],
    [
      "a star in a default is literal",
      owner("StringLike", "${aws:username, '*'}"),
      { "s3:owner": "lead" },
      false,
    ],
    ["${*} is an asterisk", owner("StringLike", "a${*}"), { "s3:owner": "a*" }, true],
    ["${*} is no wildcard", owner("StringLike", "a${*}"), { "s3:owner": "ab" }, false],
    ["${?} is a question mark", owner("StringLike", "a${?}"), { "s3:owner": "ab" }, false],
    ["${$} is a dollar sign", owner("StringEquals", "${$}{x}"), { "s3:owner": "${x}" }, true],
    [
      "ARN operators take variables",
      owner("ArnEquals", "arn:aws:iam::111122223333:user/${aws:username}"),
      by("lead", "arn:aws:iam::111122223333:user/lead"),
      true,
    ],
    ["unresolved: no match", owner("StringEquals", "${aws:username}"), { "s3:owner": "lead" }, false],
    [
      "unresolved: no match for a negated operator",
      owner("StringNotEquals", "${aws:username}"),
      { "s3:owner": "lead" },
      false,
    ],
    [
      "unresolved: no match with IfExists either",
      owner("StringEqualsIfExists", "${aws:username}"),
      {},
      false,
    ],
    [
      "unresolved in one of several values",
      { StringEquals: { "s3:owner": ["lead", "${aws:username}"] } },
      { "s3:owner": "lead" },
      false,
    ],
    [
      "a multi-valued key is no variable",
      owner("StringEquals", "${aws:username}"),
      by(["lead"], "lead"),
      false,
    ],
    [
      "a multi-valued key is none with a default either",
      owner("StringEquals", "${aws:username, 'lead'}"),
      by(["x", "y"], "lead"),
      false,
    ],
  ]);

  test("the older version takes a variable for plain text", () => {
    const policy = parsed(
      [
        {
          Effect: "Allow",
          Action: "s3:*",
          Resource: "*",
          Condition: owner("StringEquals", "${aws:username}"),
        },
      ],
      "identity",
      "2008-10-17",
    );
    const decide = (context: Context) =>
      evaluate(question({ context }), { ...layers({}), identity: [policy] }).decision;
    expect(decide({ "s3:owner": "${aws:username}" })).toBe("allowed");
    expect(decide(by("lead", "lead"))).toBe("implicitDeny");
  });

  const home = "arn:aws:s3:::orders/${aws:username}/*";
  test.each<[string, "Resource" | "NotResource", readonly string[], Context, string, boolean]>([
    ["in Resource", "Resource", [home], { "aws:username": "lead" }, "arn:aws:s3:::orders/lead/x", true],
    [
      "of another in Resource",
      "Resource",
      [home],
      { "aws:username": "lead" },
      "arn:aws:s3:::orders/deputy/x",
      false,
    ],
    [
      "a star put into Resource is literal",
      "Resource",
      [home],
      { "aws:username": "*" },
      "arn:aws:s3:::orders/deputy/x",
      false,
    ],
    ["unresolved in Resource", "Resource", [home], {}, "arn:aws:s3:::orders/lead/x", false],
    [
      "unresolved beside a plain Resource",
      "Resource",
      [home, "arn:aws:s3:::all/*"],
      {},
      "arn:aws:s3:::all/x",
      false,
    ],
    [
      "in NotResource",
      "NotResource",
      [home],
      { "aws:username": "lead" },
      "arn:aws:s3:::orders/lead/x",
      false,
    ],
    [
      "of another in NotResource",
      "NotResource",
      [home],
      { "aws:username": "lead" },
      "arn:aws:s3:::orders/deputy/x",
      true,
    ],
    ["unresolved in NotResource", "NotResource", [home], {}, "arn:aws:s3:::orders/deputy/x", false],
    [
      "the documentation's default",
      "Resource",
      ["arn:aws:s3:::bucket-${aws:PrincipalTag/team, 'company-wide'}"],
      {},
      "arn:aws:s3:::bucket-company-wide",
      true,
    ],
  ])("a variable %s", (_title, element, arns, context, resource, expected) => {
    for (const Effect of ["Allow", "Deny"] as const) {
      const { decision } = ask(
        { identity: [{ Effect, Action: "s3:*", [element]: arns }] },
        { context, resource },
      );
      expect(decision !== "implicitDeny").toBe(expected);
    }
  });
});
