/**
 * Agents that do what no honest work does: refused again and again, more sessions than their budget, the same request in a
 * loop. Sees entries in the order of the log and says whom to freeze, and why. Decides by what the log says alone, so that
 * every replica comes to the same.
 */
import { hash } from "node:crypto";
import type { FreezeRule, FreezeRules } from "../policy/set.ts";
import type { Entry } from "./entry.ts";

export interface Breach {
  readonly agent: string;
  /** For people: what it did. */
  readonly reason: string;
}

export interface AgentWatch {
  /** The breaches that this entry completes. */
  see(entry: Entry, rules: FreezeRules): readonly Breach[];
}

/** Refusals that an honest agent meets while it waits, or through nobody's fault. */
const HARMLESS: ReadonlySet<string> = new Set([
  "authorization_pending",
  "slow_down",
  "already_issued",
  "frozen",
  "session_frozen",
  "keys_unavailable",
  "sts_throttled",
  "sts_unknown",
  "record_unavailable",
]);

/** Different requests remembered for an agent; a loop of more than these is many sessions or many refusals. */
const MOST_KEYS = 64;

/** Times by what happened, oldest first, as many as the rule counts. */
type Recent = Map<string, readonly number[]>;

export function agentWatch(): AgentWatch {
  const agents = new Map<string, Recent>();
  return {
    see: (entry, rules) => {
      const { agent } = entry;
      if (agent === null) return [];
      // What was frozen or thawed begins anew: the same deeds do not freeze twice.
      if (entry.kind === "freeze.made" || entry.kind === "freeze.thawed") {
        if (entry.detail.target.kind === "agent") agents.delete(agent);
        return [];
      }
      const deed = deedOf(entry);
      if (deed === null) return [];
      const recent = agents.get(agent) ?? new Map<string, readonly number[]>();
      agents.set(agent, recent);
      const at = entry.at.getTime();
      const found = [
        ...counted(recent, { key: deed.kind, at, rule: rules[deed.kind], words: WORDS[deed.kind] }),
        ...counted(recent, { key: deed.fingerprint, at, rule: rules.repeats, words: WORDS.repeats }),
      ];
      if (found.length > 0) agents.delete(agent);
      return found.slice(0, 1).map((reason) => ({ agent, reason }));
    },
  };
}

const WORDS = {
  refusals: "refused requests",
  sessions: "sessions",
  repeats: "times the very same request",
} as const;

interface Counted {
  readonly key: string;
  readonly at: number;
  readonly rule: FreezeRule | null;
  readonly words: string;
}

function counted(recent: Recent, { key, at, rule, words }: Counted): readonly string[] {
  if (rule === null) return [];
  const since = at - rule.seconds * 1000;
  const times = [...(recent.get(key) ?? []).filter((time) => time >= since), at].slice(-rule.count);
  // The key that was used last stands last; the first is the one that matters least.
  recent.delete(key);
  recent.set(key, times);
  const [oldest] = recent.keys();
  if (recent.size > MOST_KEYS && oldest !== undefined) recent.delete(oldest);
  return times.length >= rule.count ? [`${rule.count} ${words} within ${rule.seconds / 60} minutes`] : [];
}

interface Deed {
  readonly kind: "refusals" | "sessions";
  /** The same for the very same request. */
  readonly fingerprint: string;
}

function deedOf(entry: Entry): Deed | null {
  if (entry.kind === "session.intent") {
    const { template, account, parameters, policyDigest, task } = entry.detail;
    return { kind: "sessions", fingerprint: print([template, account, parameters, policyDigest, task]) };
  }
  if (entry.kind !== "request.refused" || HARMLESS.has(entry.detail.code)) return null;
  const { route, code, reason } = entry.detail;
  return { kind: "refusals", fingerprint: print([route, code, reason]) };
}

const print = (facts: readonly unknown[]): string => hash("sha256", JSON.stringify(facts), "hex");
