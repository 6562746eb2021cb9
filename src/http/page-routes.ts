/**
 * Every page for people who are signed in. Each is filled from a flow and drawn by its view; none changes anything.
 * The ways in (sign-in, invitation, bootstrap) are human-routes' business.
 */
import type { PageRoute } from "./page-route.ts";
import { auditRoute, storyRoute } from "./pages/audit.ts";
import { escalationRoute } from "./pages/escalation.ts";
import { passkeysRoute, peopleRoute } from "./pages/people.ts";
import { playgroundRoute, policiesRoute, templateRoute } from "./pages/policies.ts";
import { queueRoute } from "./pages/queue.ts";
import { sessionsRoute } from "./pages/sessions.ts";

export const PAGE_ROUTES: readonly PageRoute[] = [
  queueRoute,
  escalationRoute,
  sessionsRoute,
  policiesRoute,
  templateRoute,
  playgroundRoute,
  auditRoute,
  storyRoute,
  peopleRoute,
  passkeysRoute,
];
