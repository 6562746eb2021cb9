/**
 * Freezes agents that break a rule of guardrails.yaml:
 *
 *   the log since last time → the watch → breaches that nobody has answered yet → frozen, like by anybody else
 *
 * Follows the log, so what an agent did on another replica counts as well, and a mint waits for nothing.
 */
import type { AgentWatch } from "../audit/agent-watch.ts";
import type { Entry } from "../audit/entry.ts";
import { DENIES_EVERYTHING } from "../policy/doctor/session.ts";
import type { Broker } from "./admit.ts";
import { freeze } from "./freeze.ts";

const PAGE = 500;
/** How far back a start looks, at most: more entries than this in an hour were watched by somebody. */
const MOST_BACK = 20_000;

/** Reads on from entry `from`; answers where to go on. Rejects when the record is out of reach. */
export async function watchAgents(broker: Broker, watch: AgentWatch, from: number): Promise<number> {
  const { freezeRules } = broker.policy.set.guardrails;
  const breaches = new Map<string, Entry & { readonly breach: string }>();
  let next = from;
  for (let last = PAGE; last === PAGE;) {
    const entries = await broker.audit.entries({ from: next, limit: PAGE });
    for (const entry of entries) {
      if (isDoctors(entry)) continue;
      for (const { agent, reason } of watch.see(entry, freezeRules)) {
        breaches.set(agent, { ...entry, breach: reason });
      }
      // Frozen for it already, and perhaps thawed since by somebody who knew why.
      if (entry.kind === "freeze.made" && entry.agent !== null) breaches.delete(entry.agent);
    }
    last = entries.length;
    next += last;
  }
  for (const [agent, { breach: reason, requestId }] of breaches) {
    const target = { kind: "agent", name: agent } as const;
    await freeze(broker, { target, reason, by: "rule", person: null, requestId });
  }
  return next;
}

/** An operator looks as often as they like: frozen for it, Twokey could read no change set either. */
const isDoctors = (entry: Entry): boolean =>
  entry.kind === "session.intent" && entry.detail.policyDigest === DENIES_EVERYTHING.digest;

/** Where the log stood when the longest rule began to look. */
export async function watchFrom(broker: Broker): Promise<number> {
  const { refusals, sessions, repeats } = broker.policy.set.guardrails.freezeRules;
  const longest = Math.max(...[refusals, sessions, repeats].map((rule) => rule?.seconds ?? 0));
  const since = broker.clock().getTime() - longest * 1000;
  const size = await broker.audit.size();
  let from = size;
  while (from > Math.max(0, size - MOST_BACK)) {
    const page = Math.max(0, from - PAGE);
    const [oldest] = await broker.audit.entries({ from: page, limit: 1 });
    from = page;
    if (oldest === undefined || oldest.at.getTime() < since) break;
  }
  return from;
}
