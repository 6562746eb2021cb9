/** People, for administrators; one's own passkeys, for everyone. */
import { showPasskeys, showPeople } from "../../flows/show-people.ts";
import { passkeysPage } from "../../ui/passkeys-page.tsx";
import { peoplePage } from "../../ui/people-page.tsx";
import type { PageRoute } from "../page-route.ts";
import { framed } from "./frame.ts";

export const peopleRoute: PageRoute = {
  caller: "person",
  method: "GET",
  path: "/people",
  summary: "People, their passkeys and invitations; administrators only",
  page: (broker, viewer) =>
    framed(broker, viewer, "people", { data: showPeople(broker, viewer), draw: peoplePage }),
};

export const passkeysRoute: PageRoute = {
  caller: "person",
  method: "GET",
  path: "/passkeys",
  summary: "My passkeys",
  invited: true,
  page: (broker, viewer) =>
    framed(broker, viewer, "passkeys", { data: showPasskeys(broker, viewer), draw: passkeysPage }),
};
