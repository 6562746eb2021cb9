/** One escalation, to be decided. */
import { showEscalationPage } from "../../flows/show-escalation.ts";
import { escalationPage } from "../../ui/escalation-page.tsx";
import type { PageRoute } from "../page-route.ts";
import { framed } from "./frame.ts";

export const escalationRoute: PageRoute = {
  caller: "person",
  method: "GET",
  path: "/escalations/:id",
  summary: "One escalation: what it is, what it could do, and the decision",
  page: (broker, viewer, { params }) =>
    framed(broker, viewer, "queue", {
      data: showEscalationPage(broker, viewer, params["id"] ?? ""),
      draw: escalationPage,
    }),
};
