/**
 * The pages for somebody who is not signed in: sign-in, invitation, bootstrap, and the way to the OIDC provider and
 * back.
 */
import type { IncomingMessage } from "node:http";
import type { Failure } from "../failure.ts";
import type { Broker } from "../flows/admit.ts";
import type { PersonCall } from "../flows/admit-person.ts";
import { showBootstrap } from "../flows/bootstrap.ts";
import { finishOidc, startOidc } from "../flows/sign-in.ts";
import { err, ok, type Result } from "../result.ts";
import type { Frame } from "../ui/page-data.ts";
import { bootstrapPage, invitationPage, signInPage } from "../ui/way-in-pages.tsx";
import { queryOf } from "./agent-route.ts";
import { LOGIN_COOKIE, loginCookie, noCookie, readCookie, signInCookie } from "./cookie.ts";
import { ownPath } from "./own-path.ts";

export type WayInAnswer =
  | { readonly page: string }
  /** `cookies`: Set-Cookie headers. */
  | { readonly to: string; readonly cookies: readonly string[] };

export interface WayIn {
  readonly path: string;
  readonly summary: string;
  readonly answer: (
    broker: Broker,
    call: PersonCall,
    incoming: IncomingMessage,
    frame: Frame,
  ) => Promise<Result<WayInAnswer, Failure>>;
}

export const WAYS_IN: readonly WayIn[] = [
  {
    path: "/sign-in",
    summary: "Sign in",
    answer: async ({ oidc }, _call, incoming, frame) => {
      const next = ownPath(queryOf(incoming).get("next"));
      return ok({ page: signInPage({ oidc: oidc?.label ?? null, problem: null, next }, frame) });
    },
  },
  {
    path: "/sign-in/oidc",
    summary: "Sign in with the OIDC provider",
    answer: async (broker, call, incoming) => {
      const started = await startOidc(broker, call, ownPath(queryOf(incoming).get("next")));
      if (!started.ok) return started;
      const { url, browser } = started.value;
      return ok({ to: url, cookies: [loginCookie(browser)] });
    },
  },
  {
    path: "/sign-in/callback",
    summary: "Back from the OIDC provider",
    answer: async (broker, call, incoming) => {
      const query = queryOf(incoming);
      const finished = await finishOidc(broker, call, {
        search: `?${query.toString()}`,
        state: query.get("state"),
        browser: readCookie(incoming, LOGIN_COOKIE),
      });
      if (!finished.ok) return finished;
      const { cookie, next } = finished.value;
      return ok({ to: next, cookies: [signInCookie(cookie), noCookie(LOGIN_COOKIE)] });
    },
  },
  {
    path: "/invitation",
    summary: "Accept an invitation",
    answer: async (_broker, _call, _incoming, frame) => ok({ page: invitationPage(frame) }),
  },
  {
    path: "/bootstrap",
    summary: "Let the first administrator in",
    answer: async (broker, _call, _incoming, frame) => {
      const people = await showBootstrap(broker);
      return people === null
        ? err({ code: "bootstrap_refused" })
        : ok({ page: bootstrapPage({ people, problem: null }, frame) });
    },
  },
];
