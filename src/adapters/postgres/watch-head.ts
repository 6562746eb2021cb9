/**
 * Tells whoever waits that the record moved: on this process's own changes at once, on other replicas' by looking at
 * the head every half second, once for all waiters and only while there are any. May wake for nothing; must never miss
 * a change, reject, or keep the process alive.
 */

export interface HeadWatch {
  /** See EscalationStore.changed. */
  readonly changed: (ms: number, signal: AbortSignal) => Promise<void>;
  /** This process changed something. */
  readonly wake: () => void;
  /** Everybody is woken and nobody waits any more. */
  readonly close: () => void;
}

/** Milliseconds between two looks. */
const INTERVAL = 500;

interface Waiter {
  /** The head as it was when the look before the last was made, or null where there was none. */
  readonly seen: number | null;
  readonly wake: () => void;
}

/** `size`: of the log now. */
export function watchHead(size: () => Promise<number>): HeadWatch {
  const waiting = new Set<Waiter>();
  // Between a caller's reading and its waiting there may have been a look, which saw a change that the caller did not:
  // so a waiter starts from the look before that.
  let [before, last]: [number | null, number | null] = [null, null];
  let lookedAt = -Infinity;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  async function look(): Promise<void> {
    const found = await size().catch(() => last);
    [before, last] = [last, found];
    lookedAt = performance.now();
    for (const waiter of [...waiting]) if (waiter.seen !== found) waiter.wake();
    timer = null;
    schedule();
  }

  function schedule(): void {
    if (timer !== null || waiting.size === 0 || closed) return;
    const rest = Math.max(0, lookedAt + INTERVAL - performance.now());
    timer = setTimeout(() => void look(), rest).unref();
  }

  function wake(): void {
    for (const waiter of [...waiting]) waiter.wake();
  }

  return {
    changed: (ms, signal) =>
      new Promise((resolve) => {
        if (closed || signal.aborted) {
          resolve();
          return;
        }
        const end = setTimeout(done, ms).unref();
        const waiter: Waiter = { seen: before, wake: done };
        function done(): void {
          clearTimeout(end);
          signal.removeEventListener("abort", done);
          waiting.delete(waiter);
          resolve();
        }
        signal.addEventListener("abort", done);
        waiting.add(waiter);
        schedule();
      }),
    wake,
    close: () => {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      wake();
    },
  };
}
