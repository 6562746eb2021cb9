/**
 * Brings AWS to what is frozen whenever the record moved, and again after what failed: a freeze survives the broker that
 * made it. Any number of replicas may do so at once; the store hands each role to one of them.
 */
import type { Logger } from "pino";
import type { Store } from "../adapters/postgres/audit-log.ts";
import type { Broker } from "../flows/admit.ts";
import { enforce } from "../flows/freeze.ts";
import { whereFrom } from "./log.ts";
import { loop, pause } from "./loop.ts";

/** What is due again, and what another replica froze, is found after so long at the latest. */
const LONGEST_IDLE_MS = 2_000;
/** A busy record wakes often. */
const SHORTEST_ROUND_MS = 500;

export interface Enforcement {
  /** Resolves when what is in hand is settled. */
  readonly close: () => Promise<void>;
}

export function startEnforcement(broker: () => Broker, store: Store, log: Logger): Enforcement {
  const stop = new AbortController();
  const onError = (error: unknown): void => {
    log.error(whereFrom(error), "freezes: the record could not be read or written");
  };
  const running = loop(stop.signal, onError, async () => {
    await enforce(broker());
    await Promise.all([
      store.escalations.changed(LONGEST_IDLE_MS, stop.signal),
      pause(SHORTEST_ROUND_MS, stop.signal),
    ]);
  });
  return {
    close: async () => {
      stop.abort();
      await running;
    },
  };
}
