import fc from "fast-check";
import { expect, test } from "vitest";
import { base32, nameSession, SESSION_RANDOM_BYTES, sessionTags } from "../../src/session/name.ts";
import { requestDigest } from "../../src/session/request-digest.ts";

// RFC 4648, section 10, without padding and in lower case.
test.each([
  ["", ""],
  ["f", "my"],
  ["fo", "mzxq"],
  ["foo", "mzxw6"],
  ["foob", "mzxw6yq"],
  ["fooba", "mzxw6ytb"],
  ["foobar", "mzxw6ytboi"],
])("base32 of %j is RFC 4648's %j", (text, expected) => {
  expect(base32(Buffer.from(text))).toBe(expected);
});

const random = fc.uint8Array({ minLength: SESSION_RANDOM_BYTES, maxLength: SESSION_RANDOM_BYTES });

test("ids and session names have the shape STS and CloudTrail readers count on", () => {
  fc.assert(
    fc.property(random, (bytes) => {
      // The longest agent name there may be.
      const { id, roleSessionName } = nameSession("a".repeat(40), bytes);
      expect(id).toMatch(/^tks-[a-z2-7]{24}$/);
      expect(roleSessionName).toMatch(/^a{40}-[a-z2-7]{8}$/);
      expect(roleSessionName.length).toBeLessThanOrEqual(64);
    }),
  );
});

test("fewer random bytes than a name takes is a bug, not a shorter name", () => {
  expect(() => nameSession("orders-ci", new Uint8Array(SESSION_RANDOM_BYTES - 1))).toThrow();
});

test("session tags stay under 120 characters in all, with an escalation too", () => {
  const { id } = nameSession("orders-ci", new Uint8Array(SESSION_RANDOM_BYTES));
  const size = (tags: ReturnType<typeof sessionTags>): number =>
    tags.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  expect(size(sessionTags(id, null))).toBe("twokey:principalai-agenttwokey:session".length + 28);
  expect(size(sessionTags(id, `tke-${"a".repeat(24)}`))).toBeLessThan(120);
});

test("the request digest ignores the order of parameters and nothing else", () => {
  const wish = {
    template: "data-repair",
    parameters: { table: ["orders"], bucket: ["orders-staging"] },
    account: null,
    durationSeconds: 900,
    task: { id: null, intent: "change", summary: "repair" },
  } as const;
  const same = { ...wish, parameters: { bucket: ["orders-staging"], table: ["orders"] } };
  expect(requestDigest(same)).toBe(requestDigest(wish));
  const others = [
    { ...wish, template: "observe" },
    { ...wish, parameters: { table: ["orders"] } },
    { ...wish, parameters: { table: ["orders", "orders-staging"], bucket: [] } },
    { ...wish, account: "111122223333" },
    { ...wish, durationSeconds: 901 },
    { ...wish, task: { ...wish.task, summary: "repair " } },
    { ...wish, task: { ...wish.task, id: "T-1" } },
  ];
  expect(new Set([wish, ...others].map(requestDigest)).size).toBe(others.length + 1);
});
