/**
 * How often each fault is made: a little in CI, in full with TWOKEY_FAULTS=full, ten times that for the kills with
 * TWOKEY_FAULTS=nightly. The figures that docs/reliability.md tells are the full ones.
 */

export interface Amounts {
  /** kill -9 at each failpoint. */
  readonly killsOfEach: number;
  /** Immediate stops of PostgreSQL under load. */
  readonly databaseCrashes: number;
  /** SIGTERMs under load. */
  readonly restarts: number;
}

const AMOUNTS: Readonly<Record<string, Amounts>> = {
  ci: { killsOfEach: 2, databaseCrashes: 3, restarts: 5 },
  full: { killsOfEach: 50, databaseCrashes: 100, restarts: 100 },
  nightly: { killsOfEach: 500, databaseCrashes: 100, restarts: 100 },
};

export const AMOUNT = process.env["TWOKEY_FAULTS"] ?? "ci";

function amounts(): Amounts {
  const found = AMOUNTS[AMOUNT];
  if (found === undefined) throw new Error(`TWOKEY_FAULTS is one of ${Object.keys(AMOUNTS).join(", ")}`);
  return found;
}

export const { killsOfEach, databaseCrashes, restarts } = amounts();

/** Longer than any amount takes; what hangs is found by what waits for it. */
export const LONG = 6 * 3_600_000;
