/** Security case 15 and the pattern language: anchored, by segment, case-sensitive, never two agents. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matchAgent, matchesPattern, validatePattern } from "../../src/identity/match.ts";
import type { AgentRegistration, AgentRegistry } from "../../src/identity/registry.ts";
import type { VerifiedClaims } from "../../src/identity/verify.ts";

test.each([
  ["repo:org/app", "repo:org/app"],
  ["repo:org/app:*", "repo:org/app:pull_request"],
  ["repo:org/*:ref:refs/heads/main", "repo:org/app:ref:refs/heads/main"],
  ["system:serviceaccount:agents:*", "system:serviceaccount:agents:orders"],
  ["arn:aws:iam::111122223333:role/orders", "arn:aws:iam::111122223333:role/orders"],
])("%s matches %s", (pattern, value) => {
  expect(validatePattern(pattern)).toBeNull();
  expect(matchesPattern(pattern, value)).toBe(true);
});

test.each([
  ["repo:org/app", "repo:org/app-evil"],
  ["repo:org/app", "repo:org/app:evil"],
  ["repo:org/app", "repo:org/app/evil"],
  ["repo:org/app:*", "repo:org/app-evil"],
  ["repo:org/app:*", "repo:org/app-evil:ref"],
])("case 15: %s does not match %s", (pattern, value) => {
  expect(matchesPattern(pattern, value)).toBe(false);
});

test.each([
  ["repo:org/app:*", "repo:org/app"],
  ["repo:org/app:*", "repo:org/app:"],
  ["repo:org/app:*", "repo:org/app:ref:refs"],
  ["repo:org/app:*", "repo:org/app:refs/heads"],
  ["repo:org/app", "repo/org:app"],
  ["repo:org/app", "repo:Org/app"],
  ["repo:org/app", "repo:org/app\n"],
  ["repo:org/app", "x\nrepo:org/app"],
  ["repo:org/app", "evil/repo:org/app"],
  ["repo:org/a.p", "repo:org/app"],
  ["arn:aws:iam::*:role/x", "arn:aws:iam:::role/x"],
])("%s does not match %j", (pattern, value) => {
  expect(matchesPattern(pattern, value)).toBe(false);
});

test.each([
  "",
  "*",
  "*:*",
  "*/*",
  ":",
  "repo:org/app*",
  "repo:**",
  "re*po:x",
  "repo: x",
  "repo:x\n",
  "a\u202eb",
])("the pattern %j is refused, and matches nothing even so", (pattern) => {
  expect(validatePattern(pattern)).toEqual(expect.any(String));
  expect(matchesPattern(pattern, pattern)).toBe(false);
});

const word = fc.stringMatching(/^[A-Za-z0-9._-]{1,8}$/);
const separator = fc.constantFrom(":", "/");
const shape = fc.array(fc.record({ word, separator, wild: fc.boolean() }), { minLength: 1, maxLength: 6 });
const separatorsOf = (text: string): string => text.replaceAll(/[^:/]/g, "");

describe("for any pattern and value", () => {
  const patternOf = (parts: readonly { word: string; separator: string; wild: boolean }[]): string =>
    `repo${parts.map((part) => `${part.separator}${part.wild ? "*" : part.word}`).join("")}`;
  const valueOf = (parts: readonly { word: string; separator: string }[]): string =>
    `repo${parts.map((part) => `${part.separator}${part.word}`).join("")}`;

  test("a match implies the same separators in the same order, and so the same number of segments", () => {
    const part = fc.constantFrom("a", "b", "*", ":", "/", "a:", "");
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), fc.nat(7), part, (parts, place, other) => {
        const pattern = `a${parts.join("")}`;
        const value = `a${parts.with(place % parts.length, other).join("")}`.replaceAll("*", "x");
        if (matchesPattern(pattern, value)) expect(separatorsOf(value)).toBe(separatorsOf(pattern));
      }),
      { numRuns: 2_000 },
    );
  });

  test("a value made from the pattern matches, and with anything before it or literal text after it does not", () => {
    fc.assert(
      fc.property(shape, fc.stringMatching(/^[\w:/*\n-]{1,8}$/), (parts, extra) => {
        const [pattern, value] = [patternOf(parts), valueOf(parts)];
        expect(matchesPattern(pattern, value)).toBe(true);
        expect(matchesPattern(pattern, `${extra}${value}`)).toBe(false);
        // After a closing wildcard more text of that one segment is the wildcard's.
        const open = parts.at(-1)?.wild === true && separatorsOf(extra) === "";
        expect(matchesPattern(pattern, `${value}${extra}`)).toBe(open);
      }),
    );
  });
});

const registration = (over: Partial<AgentRegistration>): AgentRegistration => ({
  name: "orders-ci",
  owner: "orders-lead",
  issuer: "github",
  subject: "repo:org/app:*",
  claims: {},
  keys: [],
  templates: ["observe"],
  ...over,
});

const base = { audience: "https://twokey.example.com", maxAgeSeconds: 60 };
const registry = (...agents: AgentRegistration[]): AgentRegistry => ({
  issuers: [
    {
      ...base,
      kind: "oidc",
      id: "github",
      issuer: "https://ci.example.com",
      jwksUri: null,
      algorithms: ["RS256"],
    },
    { ...base, kind: "enrolled", id: "enrolled", issuer: "twokey:enrolled" },
  ],
  agents,
});

const claims = (over: Partial<VerifiedClaims>): VerifiedClaims => ({
  issuerId: "github",
  subject: "repo:org/app:main",
  tokenId: "t",
  issuedAt: 0,
  expiresAt: 60,
  keyId: null,
  claims: {},
  ...over,
});

const nobody = { ok: false, error: { reason: "no_such_agent" } };

describe("whose token is it", () => {
  test("the one registration that matches names the agent, its owner and how it proved itself", () => {
    expect(matchAgent(claims({}), registry(registration({})))).toEqual({
      ok: true,
      value: {
        name: "orders-ci",
        owner: "orders-lead",
        templates: ["observe"],
        proof: { issuer: "github", subject: "repo:org/app:main" },
      },
    });
  });

  test("case 15: a subject that only begins like a registered one is no agent", () => {
    for (const subject of ["repo:org/app-evil", "repo:org/app-evil:main", "repo:org/app"]) {
      expect(matchAgent(claims({ subject }), registry(registration({})))).toMatchObject(nobody);
    }
  });

  test("another issuer's token, and an issuer that is not configured, prove nobody", () => {
    const agents = registry(registration({}));
    expect(matchAgent(claims({ issuerId: "gitlab" }), agents)).toMatchObject(nobody);
    expect(matchAgent(claims({}), { ...agents, issuers: [] })).toMatchObject(nobody);
  });

  test("every further claim must be there, be text and match", () => {
    const agents = registry(registration({ claims: { repository_owner: "org", constructor: "x" } }));
    const given = (own: Record<string, unknown>) => matchAgent(claims({ claims: own }), agents);
    expect(given({ repository_owner: "org", constructor: "x" })).toMatchObject({ ok: true });
    for (const owner of ["org-evil", "", ["org"], 7, undefined]) {
      expect(given({ repository_owner: owner, constructor: "x" })).toMatchObject(nobody);
    }
    expect(given({ repository_owner: "org" })).toMatchObject(nobody);
  });

  test("a token that matches two registrations is refused as ambiguous", () => {
    const two = registry(registration({}), registration({ name: "orders-bot", subject: "repo:org/*:main" }));
    expect(matchAgent(claims({}), two)).toMatchObject({
      error: { reason: "no_such_agent", detail: expect.stringContaining("ambiguous") as string },
    });
  });

  test("an enrolled key speaks for the agent it belongs to and no other", () => {
    const own = (name: string, kid: string) =>
      registration({ name, issuer: "enrolled", subject: name, keys: [{ kid, x: "x" }] });
    const agents = registry(own("one", "kid-1"), own("two", "kid-2"));
    const as = (subject: string, keyId: string | null) =>
      matchAgent(claims({ issuerId: "enrolled", subject, keyId }), agents);
    expect(as("one", "kid-1")).toMatchObject({ value: { name: "one" } });
    for (const [subject, kid] of [
      ["two", "kid-1"],
      ["one", "kid-9"],
      ["one", null],
      ["*", "kid-1"],
    ] as const) {
      expect(as(subject, kid)).toMatchObject(nobody);
    }
  });
});
