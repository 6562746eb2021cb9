/**
 * Server-sent events: one `changed` whenever the record changed, so that an open page fetches itself again. Tells
 * nothing else, to nobody who is not signed in, and to no browser without end.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Failure } from "../failure.ts";
import type { Broker } from "../flows/admit.ts";
import type { PersonCall, Viewer } from "../flows/admit-person.ts";
import { err, ok, type Result } from "../result.ts";

const MOST = 100;
const MOST_OF_ONE = 5;
/** A comment so often: whoever went away is noticed, and proxies keep the connection. */
const BEAT_MS = 20_000;
/** A busy record is told of so often. */
const SETTLE_MS = 250;
const RETRY_SECONDS = 20;

export class EventStreams {
  /** Open streams by sign-in. */
  readonly #open = new Map<string, number>();

  /** The body of the stream; it ends when `call.stopping` aborts or the sign-in is over. */
  start(broker: Broker, viewer: Viewer, call: PersonCall): Result<ReadableStream<Uint8Array>, Failure> {
    const { sessionDigest } = viewer;
    const mine = this.#open.get(sessionDigest) ?? 0;
    const all = [...this.#open.values()].reduce((sum, count) => sum + count, 0);
    if (mine >= MOST_OF_ONE || all >= MOST) return err({ code: "slow_down", interval: RETRY_SECONDS });
    this.#open.set(sessionDigest, mine + 1);
    const close = (): void => {
      const left = (this.#open.get(sessionDigest) ?? 1) - 1;
      if (left === 0) this.#open.delete(sessionDigest);
      else this.#open.set(sessionDigest, left);
    };
    const gone = new AbortController();
    const stop = (): void => {
      gone.abort();
    };
    if (call.stopping.aborted) stop();
    call.stopping.addEventListener("abort", stop, { once: true });
    return ok(
      new ReadableStream({
        start: (controller) => {
          const send = (text: string): void => {
            controller.enqueue(new TextEncoder().encode(text));
          };
          void follow(broker, sessionDigest, gone.signal, send)
            // The record cannot be read: the browser comes back by itself.
            .catch(() => null)
            .finally(() => {
              close();
              end(controller);
            });
        },
        cancel: stop,
      }),
    );
  }
}

/** A cancelled stream is closed already. */
function end(controller: ReadableStreamDefaultController<Uint8Array>): void {
  try {
    controller.close();
  } catch {
    return;
  }
}

async function follow(
  broker: Broker,
  sessionDigest: string,
  gone: AbortSignal,
  send: (text: string) => void,
): Promise<void> {
  let size = await broker.audit.size();
  send(`retry: ${RETRY_SECONDS * 100}\n\n`);
  while (!gone.aborted) {
    await broker.escalations.changed(BEAT_MS, gone);
    await wait(SETTLE_MS, undefined, { signal: gone }).catch(() => null);
    if ((await broker.humans.findSignIn(sessionDigest)) === null) return;
    const now = await broker.audit.size();
    send(now === size ? ": \n\n" : "event: changed\ndata: {}\n\n");
    size = now;
  }
}
