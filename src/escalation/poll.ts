/**
 * Tells agents that ask too often to slow down (CIBA's `slow_down`). One memory a process: it spares the database and
 * guards nothing, so replicas need not agree.
 */

/** When what was last asked for, in milliseconds since the epoch; the oldest first. */
export type Polls = Map<string, number>;

/** Whoever asks about more at once is not slowed down. Bounds the memory to a few hundred kilobytes. */
const REMEMBERED = 4096;

/** Whether `key` was asked for less than `intervalSeconds` ago. Remembers this time either way. */
export function tooSoon(polls: Polls, key: string, intervalSeconds: number, now: Date): boolean {
  const last = polls.get(key);
  polls.delete(key);
  const [oldest] = polls.keys();
  if (polls.size >= REMEMBERED && oldest !== undefined) polls.delete(oldest);
  polls.set(key, now.getTime());
  return last !== undefined && now.getTime() - last < intervalSeconds * 1000;
}
