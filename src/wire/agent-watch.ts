/** Follows the log for agents that are to be frozen by a rule: on every replica, whichever is first freezes. */
import type { Logger } from "pino";
import type { Store } from "../adapters/postgres/audit-log.ts";
import { agentWatch } from "../audit/agent-watch.ts";
import type { Broker } from "../flows/admit.ts";
import { watchAgents, watchFrom } from "../flows/watch-agents.ts";
import { whereFrom } from "./log.ts";
import { loop, pause } from "./loop.ts";

const LONGEST_IDLE_MS = 2_000;
const SHORTEST_ROUND_MS = 500;

export function startAgentWatch(
  broker: () => Broker,
  store: Store,
  log: Logger,
): { readonly close: () => Promise<void> } {
  const stop = new AbortController();
  const onError = (error: unknown): void => {
    log.error(whereFrom(error), "agents: the record could not be read or written");
  };
  const watch = agentWatch();
  let next: number | null = null;
  const running = loop(stop.signal, onError, async () => {
    next = await watchAgents(broker(), watch, next ?? (await watchFrom(broker())));
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
