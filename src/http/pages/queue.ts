/** The queue page. */
import { showQueue } from "../../flows/show-queue.ts";
import { queuePage } from "../../ui/queue-page.tsx";
import type { PageRoute } from "../page-route.ts";
import { framed } from "./frame.ts";

export const queueRoute: PageRoute = {
  caller: "person",
  method: "GET",
  path: "/queue",
  summary: "What waits for me, what waits for others, what I decided",
  page: (broker, viewer) =>
    framed(broker, viewer, "queue", { data: showQueue(broker, viewer), draw: queuePage }),
};
