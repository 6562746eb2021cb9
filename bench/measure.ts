/** Runs a thing many times, some at once, and says how long it took. */

import { setTimeout as wait } from "node:timers/promises";

export interface Measured {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

/** `task` again and again by `concurrency` callers for `milliseconds`. */
export async function measure(
  task: () => Promise<void>,
  { concurrency, milliseconds }: { readonly concurrency: number; readonly milliseconds: number },
): Promise<readonly number[]> {
  const times: number[] = [];
  const end = performance.now() + milliseconds;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      const start = performance.now();
      await task();
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return times;
}

/** Two tasks in turns within one run, so that whatever else the machine does falls on both. */
export async function sideBySide(
  tasks: readonly [() => Promise<void>, () => Promise<void>],
  options: { readonly concurrency: number; readonly milliseconds: number; readonly rounds: number },
): Promise<readonly [Measured, Measured]> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < options.rounds; round++) {
    for (const side of [0, 1] as const) times[side].push(...(await measure(tasks[side], options)));
  }
  const seconds = (options.milliseconds * options.rounds) / 1000;
  return [summary(times[0], seconds), summary(times[1], seconds)];
}

/** Tasks in turns, one started every `everyMs` whatever the others take, `rounds` of each. */
export async function paced<Name extends string>(
  tasks: Readonly<Record<Name, () => Promise<void>>>,
  { everyMs, rounds }: { readonly everyMs: number; readonly rounds: number },
): Promise<Readonly<Record<Name, Measured>>> {
  const sides = Object.entries<() => Promise<void>>(tasks).map(([name, task]) => ({
    name,
    task,
    times: [] as number[],
  }));
  const running: Promise<void>[] = [];
  const begin = performance.now();
  for (let n = 0; n < rounds; n += 1) {
    for (const [turn, { task, times }] of sides.entries()) {
      await wait(Math.max(0, begin + (n * sides.length + turn) * everyMs - performance.now()));
      const start = performance.now();
      running.push(task().then(() => void times.push(performance.now() - start)));
    }
  }
  await Promise.all(running);
  const seconds = (performance.now() - begin) / 1000;
  return Object.fromEntries(sides.map(({ name, times }) => [name, summary(times, seconds)])) as Record<
    Name,
    Measured
  >;
}

export function summary(times: readonly number[], seconds: number): Measured {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99), perSecond: times.length / seconds };
}
