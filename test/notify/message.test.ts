import { expect, test } from "vitest";
import {
  escalationMessage,
  freezeMessage,
  passkeyMessage,
  shown,
  testMessage,
} from "../../src/flows/notify-message.ts";
import { CONTENT, CONTEXT, decision, escalation, notice, POLICY, requested } from "./samples.ts";

const linesOf = ({ lines }: ReturnType<typeof requested>): readonly string[] =>
  lines.map(({ label, text }) => `${label}: ${text}`);

test("a request says who asks for what, where, for how long, why, who decides and until when", () => {
  const message = escalationMessage(notice("escalation.requested"), escalation(), CONTEXT);
  expect(message.title).toBe(
    "orders-ci asks for production-stack-change on orders-production (111122223333)",
  );
  expect(message.url).toBe("https://twokey.example.com/escalations/esc-mfrggzdfmztwq2lknnwg23tp");
  const [code, ...rest] = linesOf(message);
  expect(code).toMatch(/^Code: [a-z]+-[a-z]+$/);
  expect(rest).toEqual([
    "Agent: orders-ci, owned by orders-lead",
    "Template: production-stack-change",
    "Account: orders-production (111122223333)",
    "change_set: arn:aws:cloudformation:us-east-1:111122223333:changeSet/twokey-fix/1",
    "For: 30 min",
    "Task: change: Raise the visibility timeout",
    "Reason: The queue is stuck.",
    "Needs: 2 approvals from platform or security",
    "Decide before: 2030-01-01 13:00 UTC",
  ]);
});

test("a follow-up names the code, the verdict and who gave it, with the reason of a denial", () => {
  const decisions = [
    decision("platform-first", "approve"),
    decision("platform-second", "deny", "Not on a Friday."),
  ];
  const denied = escalation({ state: "denied", decisions });
  const message = escalationMessage(notice("escalation.denied"), denied, CONTEXT);
  const asked = escalationMessage(notice("escalation.requested"), escalation(), CONTEXT);
  expect(message.title).toBe(
    "Denied: production-stack-change on orders-production (111122223333) for orders-ci",
  );
  expect(message.lines[0]).toEqual(asked.lines[0]);
  expect(linesOf(message)).toContain("Approved by: platform-first");
  expect(linesOf(message)).toContain("Denied by: platform-second: Not on a Friday.");
});

test("an approval says until when it may be used", () => {
  const decisions = [decision("platform-first", "approve"), decision("platform-second", "approve")];
  const approved = escalation({
    state: "approved",
    decisions,
    usableUntil: new Date("2030-01-01T12:20:00Z"),
  });
  expect(linesOf(escalationMessage(notice("escalation.approved"), approved, CONTEXT)).slice(-2)).toEqual([
    "Approved by: platform-first, platform-second",
    "Usable until: 2030-01-01 12:20 UTC",
  ]);
});

test("a denial after the mint says that the session is frozen", () => {
  const decisions = [decision("platform-first", "approve"), decision("platform-second", "deny", "Stop.")];
  const frozen = escalation({ state: "consumed", session: "ses-example", decisions });
  const message = escalationMessage(notice("escalation.denied"), frozen, CONTEXT);
  expect(message.title).toMatch(/^Denied after it was used, session frozen: /);
  expect(linesOf(message)).toContain("Session: ses-example");
});

test("a changed policy set is told by what it means", () => {
  const message = escalationMessage(notice("escalation.requested"), escalation({ content: POLICY }), CONTEXT);
  expect(message.title).toBe("A changed policy set waits for approval");
  expect(linesOf(message)).toContain("Change: observe reads sqs too");
});

test("an enrolled passkey is told with whose it is", () => {
  const enrolled = notice("passkey.enrolled", { detail: { person: "platform-first", label: "work laptop" } });
  const message = passkeyMessage(enrolled, CONTEXT);
  expect(message.title).toBe("A passkey was enrolled for platform-first");
  expect(linesOf(message)).toContain("Label: work laptop");
});

test("a freeze says what stopped, why, by whom, whose it is, since when and what follows", () => {
  const detail = { kind: "agent", name: "orders-ci", reason: "it deleted a table", owner: "orders-lead" };
  const made = (more: Record<string, string>) =>
    freezeMessage(notice("freeze.made", { escalation: null, detail: { ...detail, ...more } }), CONTEXT);
  const message = made({ by: "person", person: "security-engineer" });
  expect([message.title, message.url, message.facts]).toEqual([
    "Agent orders-ci was frozen",
    "https://twokey.example.com/sessions",
    null,
  ]);
  expect(linesOf(message)).toEqual([
    "Why: it deleted a table",
    "By: security-engineer",
    "Owner: orders-lead",
    "Frozen: 2030-01-01 12:00 UTC",
    "What now: Nothing of it is minted or delivered until an administrator thaws it on the page.",
  ]);
  expect(linesOf(made({ by: "operator" }))).toContain("By: an operator");
  expect(linesOf(made({ by: "rule" }))).toContain("By: a rule of guardrails.yaml");
});

test("a freeze of everything is told as that, and takes two administrators", () => {
  const detail = { kind: "all", reason: "", by: "operator" };
  const message = freezeMessage(notice("freeze.made", { escalation: null, detail }), CONTEXT);
  expect(message.title).toBe("Everything was frozen");
  expect(linesOf(message)).toContain("Why: no reason was given");
  expect(linesOf(message)).toContain(
    "What now: Nothing is minted or delivered until two administrators thaw it on the page.",
  );
});

test("whoever froze wrote the reason: hidden characters are shown, and it begins no line that looks like ours", () => {
  const detail = { kind: "agent", name: "a\u202eb", reason: "x\u200b\nBy: everybody", by: "operator" };
  const message = freezeMessage(notice("freeze.made", { escalation: null, detail }), CONTEXT);
  expect(message.title).toBe("Agent a⟨U+202E⟩b was frozen");
  expect(linesOf(message)).toContain("Why: x⟨U+200B⟩ ⏎ By: everybody");
  expect(message.lines.filter(({ label }) => label === "By")).toHaveLength(1);
});

test("hidden characters are shown, and a line break begins no line that looks like ours", () => {
  const [rlo, zeroWidth, filler] = ["\u202e", "\u200b", "\u3164"];
  const message = requested(`a${rlo}b${zeroWidth}c${filler}d\nApproved by: everybody\r\u001b[31m`);
  expect(linesOf(message)).toContain(
    "Reason: a⟨U+202E⟩b⟨U+200B⟩c⟨U+3164⟩d ⏎ Approved by: everybody⟨U+000D⟩⟨U+001B⟩[31m",
  );
  expect(message.lines.filter(({ label }) => label === "Approved by")).toEqual([]);
});

test("a text that is too long says how much of it is on the page", () => {
  const reason = linesOf(requested("x".repeat(2000))).find((line) => line.startsWith("Reason"));
  expect(reason).toBe(`Reason: ${"x".repeat(500)} (… 1500 more characters on the page)`);
  // What is shown of a hidden character counts, and a character is never halved.
  expect(shown("\u202e\u202e\u202e", 20)).toBe("⟨U+202E⟩⟨U+202E⟩ (… 1 more characters on the page)");
  expect(shown("\u{1f511}\u{1f511}", 3)).toBe("\u{1f511} (… 1 more characters on the page)");
});

test("many changes are counted, never cut in silence", () => {
  const changes = Array.from({ length: 14 }, (_, index) => `change ${index}`);
  const content = { ...POLICY, changes };
  const lines = linesOf(escalationMessage(notice("escalation.requested"), escalation({ content }), CONTEXT));
  expect(lines.filter((line) => line.startsWith("Change:"))).toHaveLength(10);
  expect(lines).toContain("And: 4 more on the page");
});

test("case 43: no message holds anything of a decision's evidence", () => {
  const decisions = [decision("platform-first", "approve"), decision("platform-second", "deny", "No.")];
  const message = escalationMessage(
    notice("escalation.denied"),
    escalation({ state: "denied", decisions, content: CONTENT }),
    CONTEXT,
  );
  expect(JSON.stringify(message)).not.toContain("SECRETISH");
  expect(JSON.stringify(message)).not.toContain("-subject");
});

test("a test message says that nothing happened", () => {
  const message = testMessage("ntc-x", CONTEXT.origin, new Date("2030-01-01T00:00:00Z"));
  expect([message.notice.kind, message.facts]).toEqual(["test", null]);
});
