/**
 * Around every page: head, navigation, notices, and the one line that tells a screen reader what changed. Holds no
 * inline style or script, so that the page works under the strictest policy.
 */
import type { Child } from "hono/jsx";
import { renderToString } from "hono/jsx/dom/server";
import { Foreign } from "./foreign.tsx";
import type { Frame } from "./page-data.ts";

interface DocumentProps {
  readonly title: string;
  readonly frame: Frame;
  /** Told aloud when it differs after the page was fetched again. */
  readonly status?: string;
  /** Follows the record: fetched again when something changed. */
  readonly live?: boolean;
  readonly children: Child;
}

/** The whole document as text. */
export function renderDocument(props: DocumentProps): string {
  return `<!doctype html>${renderToString(<Document {...props} />)}`;
}

function Document({ title, frame, status, live, children }: DocumentProps) {
  const waiting = frame.waiting > 0 ? `(${frame.waiting}) ` : "";
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${waiting}${title} · Twokey`}</title>
        <link rel="icon" href="/assets/twokey.svg" />
        <link rel="stylesheet" href="/assets/pico.css" />
        <link rel="stylesheet" href="/assets/twokey.css" />
        <script src="/assets/twokey.js" type="module"></script>
      </head>
      <body data-now={frame.now.toISOString()} data-live={live === true ? "yes" : undefined}>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <header class="top">
          <a class="brand" href="/">
            <img src="/assets/twokey.svg" alt="" width="22" height="22" /> Twokey
          </a>
          {frame.person !== null && <Navigation frame={frame} />}
        </header>
        <main id="main" tabindex={-1} data-status={status}>
          {frame.notices.map((notice) => (
            <p class="notice">
              <Foreign text={notice} />
            </p>
          ))}
          {children}
        </main>
        <p id="said" class="said" role="status" aria-live="polite"></p>
        <p id="wrong" class="said wrong" role="alert"></p>
      </body>
    </html>
  );
}

const PLACES = [
  { here: "queue", path: "/queue", label: "Queue" },
  { here: "sessions", path: "/sessions", label: "Sessions" },
  { here: "policies", path: "/policies", label: "Policies" },
  { here: "audit", path: "/audit", label: "Audit" },
  { here: "people", path: "/people", label: "People" },
] as const;

function Navigation({ frame }: { readonly frame: Frame }) {
  const { person, here, waiting } = frame;
  if (person === null) return null;
  const places = PLACES.filter((place) => place.here !== "people" || person.administrator);
  return (
    <>
      <nav aria-label="Pages">
        <ul>
          {places.map((place) => (
            <li>
              <a href={place.path} aria-current={place.here === here ? "page" : undefined}>
                {place.label}
                {place.here === "queue" && <Waiting count={waiting} />}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="me">
        <a href="/passkeys" aria-current={here === "passkeys" ? "page" : undefined}>
          Passkeys
        </a>
        <span class="who">{person.name}</span>
        <form data-ceremony="sign-out">
          <button class="quiet" disabled>
            Sign out
          </button>
        </form>
      </div>
    </>
  );
}

function Waiting({ count }: { readonly count: number }) {
  return (
    <span id="waiting" class="count" hidden={count === 0}>
      {count}
      <span class="unseen"> waiting for you</span>
    </span>
  );
}
