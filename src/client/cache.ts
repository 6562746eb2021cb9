/**
 * Holds one session in memory and keeps it fresh, so that an SDK may ask at every call. Never on disk, and no
 * timer of its own: an idle agent asks for no new session.
 *
 * The rule. A session is refreshed in the background once less than a third of its lifetime or five minutes
 * remain, whichever comes first (never before half of it is used up); callers are served from memory meanwhile. With less than a
 * minute left the caller waits for a fresh one. One refresh is in flight at a time. When it fails the old
 * session is served for as long as it is valid, and the broker is left alone for 5 s, doubling to 60 s; the
 * error is shown once nothing valid is left.
 */
import { err, ok, type Result } from "../result.ts";
import type { IssuedSession } from "./broker.ts";
import type { Refusal } from "./refusal.ts";

export type CacheEvent =
  | { readonly kind: "fetched"; readonly issued: IssuedSession }
  /** `servingUntil`: when the session still held expires; null when there is none. */
  | { readonly kind: "failed"; readonly refusal: Refusal; readonly servingUntil: Date | null };

export interface SessionCache {
  readonly get: () => Promise<Result<IssuedSession, Refusal>>;
}

export interface CacheOptions {
  readonly fetch: () => Promise<Result<IssuedSession, Refusal>>;
  readonly now: () => Date;
  /** Told of every refresh, for the log. Nothing in an event shows a secret when printed. */
  readonly onEvent: (event: CacheEvent) => void;
}

const MINUTE_MS = 60_000;
const BACKOFF_MS = 5_000;
const BACKOFF_MAX_MS = 60_000;

export function sessionCache({ fetch, now, onEvent }: CacheOptions): SessionCache {
  let held: { readonly issued: IssuedSession; readonly refreshBelowMs: number } | null = null;
  let failure: { readonly refusal: Refusal; readonly retryAt: number; readonly count: number } | null = null;
  let inFlight: Promise<Result<IssuedSession, Refusal>> | null = null;

  const remaining = (): number => (held === null ? 0 : held.issued.expiration.getTime() - now().getTime());

  const stillValid = (): IssuedSession | null => (remaining() > 0 ? (held?.issued ?? null) : null);

  function keep(issued: IssuedSession): Result<IssuedSession, Refusal> {
    const lifetime = issued.expiration.getTime() - now().getTime();
    if (lifetime <= 0) return fail(EXPIRED_ON_ARRIVAL);
    held = { issued, refreshBelowMs: refreshBelow(lifetime) };
    failure = null;
    onEvent({ kind: "fetched", issued });
    return ok(issued);
  }

  function fail(refusal: Refusal): Result<IssuedSession, Refusal> {
    const count = (failure?.count ?? 0) + 1;
    const pause = Math.min(BACKOFF_MS * 2 ** (count - 1), BACKOFF_MAX_MS);
    failure = { refusal, retryAt: now().getTime() + pause, count };
    onEvent({ kind: "failed", refusal, servingUntil: stillValid()?.expiration ?? null });
    return err(refusal);
  }

  function refresh(): Promise<Result<IssuedSession, Refusal>> {
    inFlight ??= fetch()
      .catch(() => err(UNEXPECTED))
      .then((fetched) => (fetched.ok ? keep(fetched.value) : fail(fetched.error)))
      .finally(() => {
        inFlight = null;
      });
    return inFlight;
  }

  async function get(): Promise<Result<IssuedSession, Refusal>> {
    const backingOff = failure !== null && now().getTime() < failure.retryAt;
    if (held !== null && remaining() >= MINUTE_MS) {
      if (remaining() < held.refreshBelowMs && !backingOff) void refresh();
      return ok(held.issued);
    }
    const fetched = failure !== null && backingOff ? err(failure.refusal) : await refresh();
    const old = fetched.ok ? null : stillValid();
    return old === null ? fetched : ok(old);
  }

  return { get };
}

/** Milliseconds of remaining life below which a session with this lifetime is refreshed. */
function refreshBelow(lifetimeMs: number): number {
  return Math.min(Math.max(lifetimeMs / 3, 5 * MINUTE_MS), lifetimeMs / 2);
}

const EXPIRED_ON_ARRIVAL: Refusal = {
  kind: "unavailable",
  code: "clock_skew",
  detail: "The session had already expired when it arrived, by this machine's clock.",
  next: "Set this machine's clock.",
};

const UNEXPECTED: Refusal = {
  kind: "unavailable",
  code: "client_failed",
  detail: "Asking the broker failed in a way Twokey did not expect.",
  next: null,
};
