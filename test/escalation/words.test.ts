import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { escalationCode, WORDS } from "../../src/escalation/code.ts";
import { joinKey } from "../../src/escalation/join-key.ts";
import { tooSoon, type Polls } from "../../src/escalation/poll.ts";
import { canonicalJson } from "../../src/policy/digest.ts";
import { escalateCommand } from "../../src/policy/escalate-command.ts";
import { CONTENT } from "./escalations.ts";

test("the code is two words that follow from the digest and nothing else", () => {
  const digest = "ab".repeat(32);
  const bytes = createHash("sha256").update(`twokey-code-v1\n${digest}`).digest();
  expect(escalationCode(digest)).toBe(`${WORDS[bytes[0] ?? -1] ?? ""}-${WORDS[bytes[1] ?? -1] ?? ""}`);
  expect(escalationCode(digest)).toMatch(/^[a-z]+-[a-z]+$/);
  expect(escalationCode("ab".repeat(31) + "ac")).not.toBe(escalationCode(digest));
});

test("there are 256 words, short and all different", () => {
  expect(new Set(WORDS).size).toBe(256);
  expect(WORDS.filter((word) => !/^[a-z]{3,9}$/.test(word))).toEqual([]);
});

test("two askings for the same thing have one key, whatever words and proof they come with", () => {
  const key = joinKey(CONTENT, canonicalJson);
  const other = "esc-bbbbbbbbbbbbbbbbbbbbbbbb";
  const again = {
    ...CONTENT,
    id: other,
    reason: "once more",
    task: { id: null, intent: "change", summary: "x" } as const,
    proof: { issuer: "github", subject: "x" },
    tags: CONTENT.tags.map((tag) => (tag.key === "twokey:escalation" ? { ...tag, value: other } : tag)),
  };
  expect(joinKey(again, canonicalJson)).toBe(key);
});

test.each([
  ["agent", "billing-ci"],
  ["owner", "platform-engineer"],
  ["account", "444455556666"],
  ["roleArn", "arn:aws:iam::111122223333:role/twokey/other"],
  ["template", "other"],
  ["templateVersion", "1".repeat(64)],
  ["parameters", { stack: ["arn:aws:cloudformation:us-east-1:111122223333:stack/orders-production/2"] }],
  ["policy", '{"Version":"2012-10-17"}'],
  ["policyArns", ["arn:aws:iam::111122223333:policy/twokey/x"]],
  ["tags", [{ key: "twokey:principal", value: "human" }]],
  ["durationSeconds", 901],
  ["rule", { ...CONTENT.rule, quorum: 3 }],
  ["changeSets", [{ arn: "x" }]],
])("another %s is another thing", (field, value) => {
  const other = { ...CONTENT, [field]: value };
  expect(joinKey(other, canonicalJson)).not.toBe(joinKey(CONTENT, canonicalJson));
});

const template = {
  name: "production-stack-change",
  parameters: {
    stack: { description: "", like: ["*"], optional: false, max: 1 },
    change_set: { description: "", like: ["*"], optional: false, max: 1 },
    note: { description: "", like: ["*"], optional: true, max: 1 },
  },
};

test("the command that asks has what the agent gave, and says what is missing", () => {
  const parameters = { stack: ["arn:aws:cloudformation:us-east-1:111122223333:stack/orders/1"] };
  expect(escalateCommand(template, { parameters, account: "111122223333" })).toBe(
    "twokey escalation request production-stack-change " +
      "--parameter stack=arn:aws:cloudformation:us-east-1:111122223333:stack/orders/1 " +
      '--parameter change_set=CHANGE_SET --account 111122223333 --reason "why"',
  );
});

test.each(["$(reboot)", "a b", "`x`", "x;y", "'", "\u202e", "a\nb", "~", ">x", "#"])(
  "nothing that a shell or a terminal could read as more than a word stands in the command: %j",
  (value) => {
    const command = escalateCommand(template, {
      parameters: { stack: [value], [value]: ["x"] },
      account: value,
    });
    expect(command).toBe(
      "twokey escalation request production-stack-change --parameter stack=STACK --parameter change_set=CHANGE_SET " +
        '--reason "why"',
    );
  },
);

test("an agent that asks more often than the interval is told to slow down, and others are not", () => {
  const polls: Polls = new Map();
  const ask = (key: string, ms: number): boolean => tooSoon(polls, key, 5, new Date(ms));
  expect([ask("a 1", 0), ask("a 1", 4_999), ask("a 1", 9_998), ask("a 1", 14_998)]).toEqual([
    false,
    true,
    true,
    false,
  ]);
  expect(ask("b 1", 14_999)).toBe(false);
});

test("the memory of who asked stays small", () => {
  const polls: Polls = new Map();
  for (let agent = 0; agent < 10_000; agent += 1) tooSoon(polls, String(agent), 5, new Date(0));
  expect(polls.size).toBeLessThanOrEqual(4096);
});
