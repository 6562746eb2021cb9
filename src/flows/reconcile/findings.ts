/** Collects findings: the same one from many events is one line with a count. Bounded, whatever the events hold. */
import type { About, Finding, FindingKind, FindingLevel } from "../../audit/finding.ts";
import type { TrailEvent } from "../../audit/trail.ts";

export interface Found {
  readonly kind: FindingKind;
  readonly level: FindingLevel;
  readonly session: string | null;
  readonly about: About;
}

export interface Findings {
  readonly add: (found: Found, event: Pick<TrailEvent, "id" | "at">) => void;
  /** Alarms first, each in the order of time. */
  readonly list: () => readonly Finding[];
  readonly unlisted: Readonly<Record<FindingLevel, number>>;
}

/** Different findings that are listed; more are counted. */
const MOST = 10_000;
const MOST_EVENTS = 3;

export function findings(): Findings {
  const found = new Map<string, Finding>();
  const unlisted = { alarm: 0, notice: 0 };
  return {
    add: ({ kind, level, session, about }, { id, at }) => {
      const key = JSON.stringify([kind, level, session, about]);
      const before = found.get(key);
      if (before === undefined && found.size >= MOST) {
        unlisted[level] += 1;
        return;
      }
      const { count, first, last, events } = before ?? { count: 0, first: at, last: at, events: [] };
      found.set(key, {
        ...{ kind, level, session, about, count: count + 1 },
        first: at < first ? at : first,
        last: at > last ? at : last,
        events: events.length < MOST_EVENTS ? [...events, id] : events,
      });
    },
    list: () =>
      [...found.values()].sort(
        (a, b) => a.level.localeCompare(b.level) || a.first.getTime() - b.first.getTime(),
      ),
    unlisted,
  };
}
