import { describe, expect, test } from "vitest";
import type { IssuedSession } from "../../src/client/broker.ts";
import { sessionCache, type CacheEvent, type SessionCache } from "../../src/client/cache.ts";
import type { Refusal } from "../../src/client/refusal.ts";
import { err, ok, type Result } from "../../src/result.ts";

const MINUTE = 60_000;
const DOWN: Refusal = { kind: "unavailable", code: "broker_unreachable", detail: "down", next: null };

/** A clock set by hand, and a broker that answers when the test says so. */
function stage(lifetimeMs: number) {
  let time = Date.parse("2026-01-01T00:00:00Z");
  let fetches = 0;
  let answer: () => Result<IssuedSession, Refusal> = fresh;
  let gate: Promise<void> = Promise.resolve();
  const events: CacheEvent[] = [];
  function fresh(): Result<IssuedSession, Refusal> {
    return ok({
      accessKeyId: `ASIA${fetches}`,
      expiration: new Date(time + lifetimeMs),
      session: {
        id: `tks-${fetches}`,
        template: "observe",
        account: "111122223333",
        region: "us-east-1",
        may: "",
      },
      reveal: () => ({ secretAccessKey: "s", sessionToken: "t" }),
    });
  }
  const cache: SessionCache = sessionCache({
    fetch: async () => {
      fetches += 1;
      await gate;
      return answer();
    },
    now: () => new Date(time),
    onEvent: (event) => events.push(event),
  });
  return {
    cache,
    events,
    fetches: () => fetches,
    pass: (ms: number) => {
      time += ms;
    },
    fails: () => {
      answer = () => err(DOWN);
    },
    works: () => {
      answer = fresh;
    },
    /** Holds every fetch until the returned function is called. */
    hold: () => {
      let open = (): void => undefined;
      gate = new Promise((resolve) => {
        open = resolve;
      });
      return open;
    },
    key: async () => {
      const got = await cache.get();
      return got.ok ? got.value.accessKeyId : got.error.code;
    },
    /** Lets what runs in the background finish. */
    settle: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
}

describe("the session cache", () => {
  test("a 900 s session is fetched once for a hundred calls in its first ten minutes", async () => {
    const { key, fetches, pass } = stage(15 * MINUTE);
    for (let call = 0; call < 100; call += 1) {
      expect(await key()).toBe("ASIA1");
      pass(5_900);
    }
    expect(fetches()).toBe(1);
  });

  test("a hundred callers at once cause one fetch", async () => {
    const { key, fetches } = stage(15 * MINUTE);
    const keys = await Promise.all(Array.from({ length: 100 }, key));
    expect(new Set(keys)).toEqual(new Set(["ASIA1"]));
    expect(fetches()).toBe(1);
  });

  test.each([
    { lifetime: 15, before: 10, after: 1 },
    { lifetime: 60, before: 40, after: 1 },
    { lifetime: 12 * 60, before: 8 * 60, after: 1 },
  ])(
    "a session of $lifetime min is left alone for $before min, then refreshed while callers are served the old one",
    async ({ lifetime, before, after }) => {
      const { key, fetches, pass, settle } = stage(lifetime * MINUTE);
      await key();
      pass(before * MINUTE);
      await key();
      expect(fetches()).toBe(1);
      pass(after * MINUTE);
      expect(await key()).toBe("ASIA1");
      await settle();
      expect(fetches()).toBe(2);
      expect(await key()).toBe("ASIA2");
    },
  );

  test("a session shorter than five minutes is not refreshed at every call", async () => {
    const { key, fetches, pass, settle } = stage(4 * MINUTE);
    await key();
    pass(MINUTE);
    await key();
    await settle();
    expect(fetches()).toBe(1);
  });

  test("with under a minute left the caller waits for a fresh session", async () => {
    const { key, pass } = stage(15 * MINUTE);
    await key();
    pass(14 * MINUTE + 1);
    expect(await key()).toBe("ASIA2");
  });

  test("with under a minute left and the broker down the old session is served until it expires", async () => {
    const { key, pass, fails } = stage(15 * MINUTE);
    await key();
    fails();
    pass(14 * MINUTE + 30_000);
    expect(await key()).toBe("ASIA1");
    pass(30_000);
    expect(await key()).toBe("broker_unreachable");
  });

  test("callers during a background refresh cause no second one", async () => {
    const { key, fetches, pass, hold, settle } = stage(15 * MINUTE);
    await key();
    pass(11 * MINUTE);
    const open = hold();
    expect(await Promise.all([key(), key(), key()])).toEqual(["ASIA1", "ASIA1", "ASIA1"]);
    expect(fetches()).toBe(2);
    open();
    await settle();
    expect(await key()).toBe("ASIA2");
    expect(fetches()).toBe(2);
  });

  test("after a failure the broker is left alone for 5 s, doubling to 60 s, and answered from again after", async () => {
    const { key, fetches, pass, fails, works } = stage(15 * MINUTE);
    fails();
    const pauses: number[] = [];
    await key();
    for (let failure = 1; failure < 7; failure += 1) {
      let waited = 0;
      while (fetches() === failure) {
        pass(1000);
        waited += 1;
        expect(await key()).toBe("broker_unreachable");
      }
      pauses.push(waited);
    }
    expect(pauses).toEqual([5, 10, 20, 40, 60, 60]);
    works();
    pass(60_000);
    expect(await key()).toBe("ASIA8");
  });

  test("a failed background refresh is told of, and tried again only after the pause", async () => {
    const { key, fetches, pass, fails, events, settle } = stage(15 * MINUTE);
    await key();
    fails();
    pass(11 * MINUTE);
    await key();
    await settle();
    await key();
    await settle();
    expect(fetches()).toBe(2);
    expect(events.at(-1)).toEqual({
      kind: "failed",
      refusal: DOWN,
      servingUntil: new Date("2026-01-01T00:15:00Z"),
    });
    pass(5000);
    await key();
    expect(fetches()).toBe(3);
  });

  test("a session that had expired when it arrived is an error about the clock, not a session", async () => {
    const { key } = stage(-1);
    expect(await key()).toBe("clock_skew");
  });
});
