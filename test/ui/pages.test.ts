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
  STOPPED,
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

test("freezing is one form for each session, agent, template and everything, each with its reason and meaning", () => {
  const html = sessionsPage(SESSIONS, frame());
  const forms = [
    ...html.matchAll(/<form data-ceremony="freeze" data-kind="(\w+)"(?: data-name="([\w-]+)")?/g),
  ];
  expect(forms.map(([, kind, name]) => `${kind} ${name ?? "-"}`)).toEqual([
    "session tks-abcdefghijklmnopqrstuvwx",
    "agent orders-ci",
    "agent billing-ci",
    "agent -",
    "template -",
    "all -",
  ]);
  expect(html.match(/name="reason"/g)).toHaveLength(forms.length);
  // Everything stands in a box of its own.
  expect(html).toMatch(/<div class="everything"><details id="freeze-all"/);
  expect(wordsOf(html)).toContain("every session of every AI role ends. Two administrators thaw it.");
});

test("what is frozen says what, why, by whom, since when and who may thaw it, with the first key of two", () => {
  const text = wordsOf(sessionsPage(STOPPED, frame()));
  for (const said of [
    "Everything",
    "credentials leaked",
    "Security engineer",
    "2026-03-02 09:25 UTC",
    "The key of Platform engineer on duty lies there: another administrator has an hour from then.",
    "Turn the second key",
    "an operator, by the operators’ token",
    "You own the agent behind it: another administrator thaws it.",
    "a rule of guardrails.yaml",
    "no reason given",
  ])
    expect(text).toContain(said);
  const html = sessionsPage(STOPPED, frame());
  const thaws = [...html.matchAll(/<form data-ceremony="thaw" data-kind="(\w+)"/g)].map(([, kind]) => kind);
  expect(thaws).toEqual(["all", "template"]);
  // What is frozen whole is not frozen again.
  expect(html).not.toContain('id="freeze-all"');
  expect(html).not.toContain('id="freeze-agent-orders-ci"');
});

test("what is in force in AWS is told by role with AWS's word, and not as instant", () => {
  const text = wordsOf(sessionsPage(STOPPED, frame()));
  for (const said of [
    "AWS puts it into effect within seconds to minutes",
    "In force",
    "every session that is older than the freeze, frozen or not",
    "2026-03-02 09:26 UTC",
    "Waiting: AWS is being told",
    "Not taken: it is tried again",
    "is not authorized to perform iam:PutRolePolicy",
    "Frozen with its agent",
    "Ended with a freeze, as far as AWS took it",
  ])
    expect(text).toContain(said);
  expect(text).not.toMatch(/instant|immediately/i);
  expect(text).toContain("0 live, 2 shown");
});

test("reasons of freezes and AWS's words are inert", () => {
  const html = sessionsPage(STOPPED, frame());
  expect(html).not.toMatch(/<script>|<img src=x|onmouseover="alert/);
  expect(html).toContain('<mark class="hidden">');
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
    sessionsPage({ ...SESSIONS, agents: [] }, frame()),
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
