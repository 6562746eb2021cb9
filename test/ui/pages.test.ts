/** The other pages: each says what it shows, and says so when there is nothing. */
import { expect, test } from "vitest";
import { auditPage, storyPage } from "../../src/ui/audit-page.tsx";
import { passkeysPage } from "../../src/ui/passkeys-page.tsx";
import { peoplePage } from "../../src/ui/people-page.tsx";
import { policiesPage } from "../../src/ui/policies-page.tsx";
import { queuePage } from "../../src/ui/queue-page.tsx";
import { sessionsPage } from "../../src/ui/sessions-page.tsx";
import { templatePage } from "../../src/ui/template-page.tsx";
import { ago, spanWords, timeLeft } from "../../src/ui/time-words.ts";
import { signInPage } from "../../src/ui/way-in-pages.tsx";
import { EVERY_PAGE } from "./every-page.ts";
import {
  AUDIT,
  frame,
  ID,
  NOW,
  PEOPLE,
  PLAYGROUND,
  QUEUE,
  queueRow,
  SESSIONS,
  TEMPLATE,
} from "./page-fixtures.ts";

const wordsOf = (html: string): string => html.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");

test.each(Object.entries(EVERY_PAGE))("%s holds no inline script, style or handler", (_path, page) => {
  const html = page();
  expect(html).toMatch(/^<!doctype html><html lang="en">/);
  expect(html).not.toMatch(/<style|<[a-z][^>]* style=|<[a-z][^>]* on[a-z]+=|javascript:|<script(?! src=)/);
});

test("the queue tells what waits for me, for others and why not for me, and what I decided", () => {
  const text = wordsOf(queuePage(QUEUE, frame()));
  const places = [
    "Waits for you",
    "violet-harbor",
    "Waits for others",
    "You own the agent",
    "Decided by you",
    "You denied",
  ];
  expect(places.map((part) => text.indexOf(part)).every((at, i, all) => at > (all[i - 1] ?? -1))).toBe(true);
});

test("the queue shows an escalation as expired the moment its time is over", () => {
  const html = queuePage({ mine: [], others: [queueRow({ expiresAt: NOW })], decided: [] }, frame());
  expect(wordsOf(html)).toContain("Expired");
  expect(html).not.toContain("data-until");
});

test("the navigation shows People to administrators only, and nothing to nobody", () => {
  const person = { id: "orders-lead", name: "Orders team lead", administrator: false };
  expect(queuePage(QUEUE, frame())).toContain('href="/people"');
  expect(queuePage(QUEUE, frame({ person }))).not.toContain('href="/people"');
  const signIn = signInPage({ oidc: null, problem: null, next: "/" }, frame({ person: null }));
  expect(signIn).not.toContain("<nav");
});

test("a live session has its place for freezing, with the reason why it cannot be pressed", () => {
  const html = sessionsPage(SESSIONS, frame());
  expect(html.match(/>Freeze<\/button>/g)).toHaveLength(1);
  expect(html).toMatch(/<button type="button" [^>]*disabled[^>]*>Freeze/);
  expect(html).toContain("comes with the kill switch");
});

test("a template shows its proof with a word for every sign, and what does not hold is counted", () => {
  const text = wordsOf(templatePage(TEMPLATE, PLAYGROUND, frame()));
  expect(text).toContain("1 of its 2 cases do not hold");
  expect(text).toContain("✓ holds");
  expect(text).toContain("✗ does not hold");
  expect(text).toContain("✕ explicitDeny");
});

test("the playground is a posted form that works without the script", () => {
  const html = templatePage(TEMPLATE, PLAYGROUND, frame());
  expect(html).toContain('<form method="post" action="/policies/production-stack-change/playground#answer"');
  for (const name of ["parameters", "account", "action", "resource", "context"])
    expect(html).toContain(`name="${name}"`);
});

test("the audit page keeps the search when it goes on to older entries", () => {
  expect(auditPage(AUDIT, frame())).toContain('href="/audit?agent=orders-ci&amp;before=41"');
});

test("where a person may not enrol a passkey, the reason stands in the form's place", () => {
  const html = passkeysPage(
    { passkeys: [], mayEnrol: { ok: false, why: "You need an invitation." } },
    frame({ here: "passkeys" }),
  );
  expect(html).toContain("You need an invitation.");
  expect(html).not.toContain('data-ceremony="enrol"');
});

test("people: whoever cannot be invited has no invitation button", () => {
  const html = peoplePage(PEOPLE, frame());
  expect(html).toContain('data-ceremony="invite" data-person="orders-lead"');
  expect(html).not.toContain('data-ceremony="invite" data-person="auditor"');
});

test("the OIDC button carries on to where the person was going", () => {
  const html = signInPage(
    { oidc: "Sign in with Example", problem: null, next: `/escalations/${ID}` },
    frame({ person: null }),
  );
  expect(html).toContain(`href="/sign-in/oidc?next=%2Fescalations%2F${ID}"`);
});

test("empty pages say that they are", () => {
  const empty = [
    queuePage({ mine: [], others: [], decided: [] }, frame()),
    sessionsPage({ agents: [] }, frame()),
    policiesPage({ version: "a", templates: [], faults: [] }, frame()),
    auditPage({ ...AUDIT, entries: [], next: null }, frame()),
    storyPage({ escalation: ID, rows: [] }, frame()),
  ];
  for (const html of empty) expect(html).toContain('class="empty"');
});

test("times are told in the two largest units", () => {
  expect([0, 59, 60, 61, 900, 5400, 86_400, 90_061].map(spanWords)).toEqual([
    "0 s",
    "59 s",
    "1 min",
    "1 min 1 s",
    "15 min",
    "1 h 30 min",
    "1 d",
    "1 d 1 h",
  ]);
  const later = (ms: number): Date => new Date(NOW.getTime() + ms);
  expect(timeLeft(later(1), NOW)).toBe("1 s");
  expect(timeLeft(NOW, NOW)).toBeNull();
  expect(ago(later(-59_000), NOW)).toBe("just now");
  expect(ago(later(-3 * 3_600_000 - 60_000), NOW)).toBe("3 h ago");
});
