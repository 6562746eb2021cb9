/** The page that an approver reads before signing: complete, in the right order, and clear about who may do what. */
import { expect, test } from "vitest";
import type { ChangeSet, ResourceChange } from "../../src/escalation/escalation.ts";
import { escalationPage } from "../../src/ui/escalation-page.tsx";
import type { EscalationData } from "../../src/ui/page-data.ts";
import { CHANGE_SET, escalation, frame, NOW, POLICY_ESCALATION, sessionEscalation } from "./page-fixtures.ts";

const draw = (change: Partial<EscalationData> = {}): string => escalationPage(escalation(change), frame());
/** What a reader sees, without markup. */
const read = (change: Partial<EscalationData> = {}): string => wordsOf(draw(change));
const wordsOf = (html: string): string =>
  html
    .replace(/<[^>]+>/g, " ")
    .replace(/&#39;/g, "'")
    .replace(/\s+/g, " ");
const withChanges = (changes: readonly ResourceChange[], more: Partial<ChangeSet> = {}): string =>
  read({ session: sessionEscalation({ changeSets: [{ ...CHANGE_SET, changes, ...more }] }) });
const inOrder = (text: string, ...parts: readonly string[]): void => {
  const places = parts.map((part) => text.indexOf(part));
  expect(places).not.toContain(-1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
};

test("it says who asks, who owns it, how it proved itself, for what, why, where and for how long", () => {
  const text = read();
  for (const part of [
    "orders-ci",
    "Orders team lead",
    "https://token.actions.githubusercontent.com",
    "repo:example-org/orders:environment:production",
    "Stop orders being delivered twice",
    "ORDERS-4711",
    "the queue hides a message for 30 s",
    "111122223333",
    "15 min",
    "amber-falcon",
  ])
    expect(text).toContain(part);
});

test("warnings stand above everything else", () => {
  inOrder(read(), "PaymentsStack", "Who asks, and why", "What it could do");
});

test("destruction is told first, by a word and not by colour alone", () => {
  inOrder(read(), "✕ Destroys", "execute the change set", "○ Reads");
});

test("exact resources and actions stand there in full", () => {
  const text = read();
  expect(text).toContain(
    "arn:aws:cloudformation:us-east-1:111122223333:stack/orders-production/3c1b7a52-0d6e-4f3a-9b1c",
  );
  expect(text).toContain("cloudformation:ExecuteChangeSet");
});

test("a change set counts its removals, replacements, changes and additions, and lists losses first", () => {
  const text = read();
  inOrder(text, "removes 1", "replaces 1", "modifies 1", "adds 1");
  inOrder(text, "OldTopic", "OrdersTable", "OrdersQueue", "RetryAlarm");
});

test("a removal that AWS does not explain is expected to delete", () => {
  expect(read()).toContain("AWS does not say: expect it to be deleted");
});

test("a conditional replacement and a dynamic change count as losses", () => {
  const change = { physicalId: null, type: "AWS::SQS::Queue", policyAction: null, details: [] } as const;
  const text = withChanges([
    { ...change, logicalId: "Harmless", action: "Modify", replacement: "False" },
    { ...change, logicalId: "Perhaps", action: "Modify", replacement: "Conditional" },
    { ...change, logicalId: "Unknown", action: "Dynamic", replacement: null },
  ]);
  inOrder(text, "removes 0", "may replace 1", "unknown 1", "Perhaps", "Unknown", "Harmless");
});

test("a change set that AWS did not call available says so", () => {
  expect(withChanges(CHANGE_SET.changes, { executionStatus: "OBSOLETE" })).toMatch(
    /Not ready AWS said OBSOLETE/,
  );
});

test("a session that would be refused because the policies changed says so", () => {
  const session = sessionEscalation({ current: false });
  expect(read({ session })).toContain("Even approved, it would be refused");
  expect(read()).not.toContain("Even approved");
});

test("both buttons open a passkey's signature over what is shown, and a denial needs a reason", () => {
  const html = draw();
  const facts = `data-escalation="esc-abcdefghijklmnopqrstuvwx" data-digest="${"ab12".repeat(16)}"`;
  expect(html).toContain(`data-verdict="approve" ${facts}`);
  expect(html).toContain(`data-verdict="deny" ${facts}`);
  expect(html).toMatch(/<textarea [^>]*name="reason" required/);
  expect(wordsOf(html)).toContain("the agent will read it");
});

test("without the page's script the buttons cannot be pressed", () => {
  expect([...draw().matchAll(/<button (?![^>]*disabled)[^>]*>/g)]).toEqual([]);
});

test("an owner reads why they may not approve in the button's place, and may still deny", () => {
  const html = draw({ mayApprove: { ok: false, why: "You own the agent orders-ci." } });
  expect(wordsOf(html)).toContain("You own the agent orders-ci.");
  expect(html).not.toContain('data-verdict="approve"');
  expect(html).toContain('data-verdict="deny"');
});

test("somebody outside the groups reads why once, and has no button", () => {
  const why = { ok: false, why: "You are in none of platform, security." } as const;
  const html = draw({ mayApprove: why, mayDeny: why });
  expect(html.split("none of platform").length).toBe(2);
  expect(html).not.toContain("data-verdict");
});

test.each([
  [{ state: "pending" }, "Waiting: 1 of 2 approvals"],
  [
    { state: "approved", usableUntil: new Date(NOW.getTime() + 600_000) },
    "not used yet 10 min left to use it",
  ],
  [{ state: "consumed", minted: "tks-abcdefghijklmnopqrstuvwx" }, "used for its one session Session tks-abc"],
  [{ state: "denied" }, "Denied: it can never be used"],
  [{ state: "expired" }, "Expired with 1 of 2 approvals"],
  [{ state: "expired", usableUntil: NOW }, "Expired: approved, but not used in time"],
  [{ state: "cancelled" }, "Cancelled before it was decided"],
] as const)("its state is told in words: %o", (change, words) => {
  expect(read(change)).toContain(words);
});

test.each([
  ["the wait", { state: "pending", expiresAt: NOW }],
  ["the grant", { state: "approved", usableUntil: NOW }],
] as const)("it is expired and has no button from the moment %s is over", (_what, change) => {
  const html = draw(change);
  expect(html).toContain("Expired");
  expect(html).not.toContain("data-verdict");
});

test("an approval that no longer counts is told, and is not counted", () => {
  const [decision] = escalation().decisions;
  if (decision === undefined) throw new Error("no decision");
  const text = read({ decisions: [{ ...decision, counts: false }] });
  expect(text).toContain("Waiting: 0 of 2 approvals");
  expect(text).toContain("does not count any more");
});

test("after the mint, denying says that it stops the session", () => {
  expect(read({ state: "consumed" })).toContain("Deny and stop the session");
});

test("a policy change shows what it means, not a session", () => {
  const text = wordsOf(escalationPage(POLICY_ESCALATION, frame()));
  inOrder(text, "+ gained template staging-deploy", "− lost template observe", "Δ changed approvals");
  expect(text).not.toContain("What it could do");
});
