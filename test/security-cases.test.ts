/**
 * The security acceptance list as a manifest. Every case that is built is cited by at least one test named
 * `case N: …`; a case that is not built yet says so here, and may not be cited as if it were.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

type State = "built" | "not yet";

const CASES: Readonly<Record<number, readonly [State, string]>> = {
  1: ["built", "HS256 signed with the issuer's RSA public key"],
  2: ["built", "alg: none"],
  3: ["built", "a JWKS key without alg, and a token that says HS256"],
  4: ["built", "a token for another audience; an issuer without audience"],
  5: ["built", "another iss with the same keys"],
  6: ["built", "iss as an array, payload as an array, a sub that is no string"],
  7: ["built", "exp, iat or sub missing"],
  8: ["built", "clock skew and age"],
  9: ["built", "reuse after exp"],
  10: ["built", "the same jti twice for an escalation"],
  11: ["built", "10,000 unknown kids"],
  12: ["built", "a JWKS address that is a file, link-local or a redirect"],
  13: ["built", "a discovery document that changes"],
  14: ["built", "jku, x5u, jwk, unknown crit"],
  15: ["built", "a subject that only begins like the registered one"],
  16: ["built", "duplicate keys in the payload"],
  17: ["built", "a parameter value that closes the JSON string"],
  18: ["built", "* or ? in a parameter"],
  19: ["built", "${ in a parameter"],
  20: ["built", "the agent sends tags"],
  21: ["built", "a session name from hostile text"],
  22: ["built", "too many resources for the size limits"],
  23: ["built", "case, trailing slash, look-alikes"],
  24: ["built", "sts:AssumeRole from a vended session"],
  25: ["built", "another account's role or another agent's template"],
  26: ["built", "names such as --help and ../x"],
  27: ["built", "durations such as 1e9 and NaN"],
  28: ["built", "the agent's owner approves"],
  29: ["built", "two accounts of one person"],
  30: ["built", "an agent token on the decision route"],
  31: ["built", "the same refusal through every other way in"],
  32: ["built", "an approver who loses the role"],
  33: ["built", "a request edited after one approval"],
  34: ["built", "a grant used with something else"],
  35: ["built", "a stricter policy between approval and mint"],
  36: ["built", "one grant, 100 parallel mints"],
  37: ["built", "an assertion for another request"],
  38: ["built", "approve and deny at once"],
  39: ["built", "approval after expiry"],
  40: ["built", "a reason of 64 KiB"],
  41: ["built", "hostile text in a reason"],
  42: ["built", "hostile text in a chat message"],
  43: ["built", "no vote by webhook"],
  44: ["built", "a cookie without a fresh passkey"],
  45: ["built", "cross-site requests"],
  46: ["built", "50 escalations from one agent"],
  47: ["built", "bad passkey assertions"],
  48: ["built", "paths and bodies; forwarded addresses; no first-visitor administrator"],
  49: ["built", "another agent's sessions and escalations"],
  50: ["built", "canary secrets"],
};

const cited = new Map<number, string[]>();
for (const name of readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })) {
  if (!name.endsWith(".test.ts") || name === "security-cases.test.ts") continue;
  const text = readFileSync(join(import.meta.dirname, name), "utf8");
  for (const [, digits] of text.matchAll(/["'`]case (\d+)\b/g)) {
    const number = Number(digits);
    cited.set(number, [...(cited.get(number) ?? []), name]);
  }
}

test.each(Object.entries(CASES).filter(([, [state]]) => state === "built"))(
  "case %s is cited by a test",
  (number) => {
    expect(cited.get(Number(number)) ?? []).not.toEqual([]);
  },
);

test("no test cites a case that is not built, or that does not exist", () => {
  expect([...cited.keys()].filter((number) => CASES[number]?.[0] !== "built")).toEqual([]);
});
