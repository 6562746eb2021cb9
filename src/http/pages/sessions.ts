/** Live sessions. */
import { showSessions } from "../../flows/show-sessions.ts";
import { sessionsPage } from "../../ui/sessions-page.tsx";
import type { PageRoute } from "../page-route.ts";
import { framed } from "./frame.ts";

export const sessionsRoute: PageRoute = {
  caller: "person",
  method: "GET",
  path: "/sessions",
  summary: "Live sessions by agent",
  page: (broker, viewer) =>
    framed(broker, viewer, "sessions", { data: showSessions(broker, viewer), draw: sessionsPage }),
};
