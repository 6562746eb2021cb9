/** The record, searched, and one escalation's story. */
import { searchAudit, showStory } from "../../flows/show-audit.ts";
import { auditPage, storyPage } from "../../ui/audit-page.tsx";
import type { PageRoute } from "../page-route.ts";
import { framed } from "./frame.ts";

export const auditRoute: PageRoute = {
  caller: "person",
  method: "GET",
  path: "/audit",
  summary: "Search the record",
  page: (broker, viewer, { query }) => {
    const field = (name: string): string => query.get(name) ?? "";
    const filter = {
      text: field("text"),
      kind: field("kind"),
      agent: field("agent"),
      person: field("person"),
    };
    const before = /^\d{1,15}$/.test(field("before")) ? Number(field("before")) : null;
    return framed(broker, viewer, "audit", { data: searchAudit(broker, filter, before), draw: auditPage });
  },
};

export const storyRoute: PageRoute = {
  caller: "person",
  method: "GET",
  path: "/audit/escalations/:id",
  summary: "One escalation's whole story",
  page: (broker, viewer, { params }) =>
    framed(broker, viewer, "audit", { data: showStory(broker, params["id"] ?? ""), draw: storyPage }),
};
