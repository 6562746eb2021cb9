/**
 * Takes up what the policy folder holds whenever it may have changed, and what the record has in force. Whoever keeps
 * the set decides what is served; this only asks, once more where a load could not be recorded. Holds no clock: when to
 * ask is for the watches to say.
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

/** Port: tells every few seconds that the record may have another set in force. */
export type WatchRecord = (look: () => void) => { readonly close: () => void };

export interface Following {
  /** Reads the folder now. Never rejects: what went wrong is the answer. */
  readonly reload: () => Promise<Reloaded>;
  /** Resolves when no reload runs any more. */
  readonly close: () => Promise<void>;
}

/** `tell` hears of every reload, whoever asked for it, and of every look that the record answered. */
export function followPolicy(
  keeper: Pick<PolicyKeeper, "reload" | "look">,
  watches: { readonly folder: WatchPolicy; readonly record: WatchRecord },
  tell: (result: Reloaded) => void,
): Following {
  let last: Promise<unknown> = Promise.resolve();
  const take = async (): Promise<Reloaded> => {
    const result = await keeper.reload();
    tell(result);
    if (result.outcome === "not_recorded") watch.again();
    return result;
  };
  const reload = (): Promise<Reloaded> => {
    const mine = take();
    last = mine;
    return mine;
  };
  const watch = watches.folder(() => void reload());
  let looking = false;
  const look = async (): Promise<void> => {
    looking = true;
    const result = await keeper.look();
    looking = false;
    // A record that does not answer is asked again soon, and says so at /readyz.
    if (result.outcome !== "not_recorded") tell(result);
  };
  const record = watches.record(() => {
    if (!looking) last = look();
  });
  return {
    reload,
    close: async () => {
      record.close();
      watch.close();
      await last;
      // What the last reload asked for again is not to come.
      watch.close();
    },
  };
}
