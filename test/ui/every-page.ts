/** Every page, drawn from the fixtures, by the path it is served at in these tests. */
import { auditPage, storyPage } from "../../src/ui/audit-page.tsx";
import { escalationPage } from "../../src/ui/escalation-page.tsx";
import type { Frame } from "../../src/ui/page-data.ts";
import { passkeysPage } from "../../src/ui/passkeys-page.tsx";
import { peoplePage } from "../../src/ui/people-page.tsx";
import { policiesPage } from "../../src/ui/policies-page.tsx";
import { problemPage } from "../../src/ui/problem-page.tsx";
import { queuePage } from "../../src/ui/queue-page.tsx";
import { sessionsPage } from "../../src/ui/sessions-page.tsx";
import { templatePage } from "../../src/ui/template-page.tsx";
import { bootstrapPage, invitationPage, signInPage } from "../../src/ui/way-in-pages.tsx";
import * as fixture from "./page-fixtures.ts";

const { frame } = fixture;
const nobody: Frame = frame({ person: null, waiting: 0, here: null });
const denied = fixture.escalation({
  state: "denied",
  decisions: [
    {
      person: "platform-engineer",
      name: "Platform engineer on duty",
      verdict: "deny",
      at: fixture.NOW,
      reason: "The table would be replaced: prepare it without KeySchema.",
      counts: true,
    },
  ],
  mayApprove: { ok: false, why: "It was denied." },
  mayDeny: { ok: false, why: "It was denied." },
});
const owner = fixture.escalation({
  mayApprove: { ok: false, why: "You own the agent orders-ci, so your approval cannot count." },
});

const EVERYTHING =
  "Everything is frozen since 2026-03-02 09:25 UTC: no agent gets a session until two administrators thaw it, under Sessions.";

export const EVERY_PAGE: Readonly<Record<string, () => string>> = {
  "/queue": () => queuePage(fixture.QUEUE, frame({ notices: ["The policy folder has faults."] })),
  "/queue/empty": () => queuePage({ mine: [], others: [], decided: [] }, frame({ waiting: 0 })),
  "/escalations/pending": () => escalationPage(fixture.escalation(), frame()),
  "/escalations/owner": () => escalationPage(owner, frame()),
  "/escalations/denied": () => escalationPage(denied, frame()),
  "/escalations/expired": () => escalationPage(fixture.escalation({ expiresAt: fixture.NOW }), frame()),
  "/escalations/hostile": () => escalationPage(fixture.HOSTILE, frame()),
  "/escalations/policy": () => escalationPage(fixture.POLICY_ESCALATION, frame()),
  "/sessions": () => sessionsPage(fixture.SESSIONS, frame({ here: "sessions" })),
  "/sessions/stopped": () =>
    sessionsPage(fixture.STOPPED, frame({ here: "sessions", notices: [EVERYTHING] })),
  "/policies": () =>
    policiesPage(
      { version: "aa".repeat(32), templates: [fixture.TEMPLATE], faults: ["agents.yaml:3:1: no such owner"] },
      frame({ here: "policies" }),
    ),
  "/policies/one": () => templatePage(fixture.TEMPLATE, fixture.PLAYGROUND, frame({ here: "policies" })),
  "/audit": () => auditPage(fixture.AUDIT, frame({ here: "audit" })),
  "/audit/story": () =>
    storyPage({ escalation: fixture.ID, rows: fixture.AUDIT.entries }, frame({ here: "audit" })),
  "/people": () => peoplePage(fixture.PEOPLE, frame({ here: "people" })),
  "/passkeys": () =>
    passkeysPage(
      { passkeys: fixture.PASSKEYS, mayEnrol: { ok: true, confirmation: true } },
      frame({ here: "passkeys" }),
    ),
  "/sign-in": () =>
    signInPage(
      { oidc: "Sign in with Example", problem: "That passkey is not known.", next: "/queue" },
      nobody,
    ),
  "/invitation": () => invitationPage(nobody),
  "/bootstrap": () =>
    bootstrapPage(
      { people: [{ id: "security-engineer", name: "Security engineer" }], problem: null },
      nobody,
    ),
  "/problem": () =>
    problemPage(
      {
        status: 404,
        title: "Not found",
        detail: "There is no such page.",
        next: { path: "/queue", label: "To the queue" },
      },
      frame({ here: null }),
    ),
};
