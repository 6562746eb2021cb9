/** Times on a page. */
import { ago, moment, timeLeft } from "./time-words.ts";

export function When({ at }: { readonly at: Date }) {
  return <time datetime={at.toISOString()}>{moment(at)}</time>;
}

/** How long ago, with the exact time beside it for whoever hovers. */
export function Ago({ at, now }: { readonly at: Date; readonly now: Date }) {
  return (
    <time datetime={at.toISOString()} title={moment(at)}>
      {ago(at, now)}
    </time>
  );
}

/** Drawn by the server; the script only lets it tick, and fetches the page again when it is over. */
export function TimeLeft({ until, now }: { readonly until: Date; readonly now: Date }) {
  const left = timeLeft(until, now);
  if (left === null) return <time datetime={until.toISOString()}>over</time>;
  return (
    <time
      datetime={until.toISOString()}
      data-until={until.toISOString()}
      class="ticking"
      title={moment(until)}
    >
      {left}
    </time>
  );
}
