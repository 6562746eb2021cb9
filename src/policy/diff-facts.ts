/** The plainest comparison: what holds in one set and not in the other. */
import type { Area, Change, Direction } from "./diff.ts";

/** Something that holds in a set. More facts let more happen. */
export interface Fact {
  readonly subject: string;
  readonly what: string;
}

/** Facts that hold in one set alone. */
export function factChanges(area: Area, before: readonly Fact[], after: readonly Fact[]): readonly Change[] {
  const keyOf = ({ subject, what }: Fact): string => JSON.stringify([subject, what]);
  const only = (those: readonly Fact[], others: readonly Fact[], direction: Direction): readonly Change[] => {
    const known = new Set(others.map(keyOf));
    return those
      .filter((fact) => !known.has(keyOf(fact)))
      .map(({ subject, what }) => ({ direction, area, subject, what, reach: null }));
  };
  return [...only(after, before, "gained"), ...only(before, after, "lost")];
}
