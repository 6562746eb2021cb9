/** What a page's route is: a signed-in human asks, HTML answers. Serving it is human.ts's business. */
import type { Failure } from "../failure.ts";
import type { Broker } from "../flows/admit.ts";
import type { PersonCall, Viewer } from "../flows/admit-person.ts";
import type { Result } from "../result.ts";

export interface PageRequest {
  readonly call: PersonCall;
  /** Path parameters, as the router decoded them: hostile. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Fields of a posted form; empty for GET. */
  readonly form: URLSearchParams;
}

/**
 * A page for somebody who is signed in; whoever is not is sent to /sign-in and back. `POST` only where it changes
 * nothing and the address would be too long (the playground); the site's own origin is demanded all the same.
 */
export interface PageRoute {
  readonly caller: "person";
  readonly method: "GET" | "POST";
  /** Hono's syntax, e.g. `/escalations/:id`. */
  readonly path: string;
  readonly summary: string;
  /** Whoever opened an invitation may see it as well. */
  readonly invited?: true;
  /** Whole HTML document. */
  readonly page: (broker: Broker, viewer: Viewer, request: PageRequest) => Promise<Result<string, Failure>>;
}
