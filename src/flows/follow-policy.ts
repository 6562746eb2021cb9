/**
 * Takes up what the policy folder holds whenever it may have changed. Whoever keeps the set decides what is served;
 * this only asks, once more where a load could not be recorded. Holds no clock: when to ask is the watch's to say.
 */
import type { PolicyKeeper, Reloaded } from "./keep-policy.ts";

/**
 * Port: tells when the folder may have changed, once for a burst of changes. `again` tells once more, some seconds
 * later.
 */
export type WatchPolicy = (changed: () => void) => {
  readonly again: () => void;
  readonly close: () => void;
};

export interface Following {
  /** Reads the folder now. Never rejects: what went wrong is the answer. */
  readonly reload: () => Promise<Reloaded>;
  /** Resolves when no reload runs any more. */
  readonly close: () => Promise<void>;
}

/** `tell` hears of every reload, whoever asked for it. */
export function followPolicy(
  keeper: PolicyKeeper,
  watchPolicy: WatchPolicy,
  tell: (result: Reloaded) => void,
): Following {
  let last: Promise<unknown> = Promise.resolve();
  const take = async (): Promise<Reloaded> => {
    const result = await keeper
      .reload()
      .catch((error: unknown): Reloaded => ({ outcome: "not_recorded", error }));
    tell(result);
    if (result.outcome === "not_recorded") watch.again();
    return result;
  };
  const reload = (): Promise<Reloaded> => {
    const mine = take();
    last = mine;
    return mine;
  };
  const watch = watchPolicy(() => void reload());
  return {
    reload,
    close: async () => {
      watch.close();
      await last;
      // What the last reload asked for again is not to come.
      watch.close();
    },
  };
}
