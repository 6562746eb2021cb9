/** Times in words. Pure, and the same on the server and in the browser, so that a ticking page never jumps. */

/** Until `until`, e.g. `41 min 5 s`, `3 h 2 min`; null where it is over. */
export function timeLeft(until: Date, now: Date): string | null {
  const seconds = Math.ceil((until.getTime() - now.getTime()) / 1000);
  if (seconds <= 0) return null;
  return spanWords(seconds);
}

/** The two largest units of a span, e.g. `15 min`, `1 h 30 min`. */
export function spanWords(seconds: number): string {
  const units = [
    ["d", Math.floor(seconds / 86_400)],
    ["h", Math.floor(seconds / 3600) % 24],
    ["min", Math.floor(seconds / 60) % 60],
    ["s", seconds % 60],
  ] as const;
  const first = units.findIndex(([, count]) => count > 0);
  if (first === -1) return "0 s";
  return units
    .slice(first, first + 2)
    .filter(([, count]) => count > 0)
    .map(([unit, count]) => `${count} ${unit}`)
    .join(" ");
}

/** `2026-03-01 14:05 UTC`. */
export function moment(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** `3 min ago`, `just now`. */
export function ago(at: Date, now: Date): string {
  const seconds = Math.floor((now.getTime() - at.getTime()) / 1000);
  if (seconds < 60) return "just now";
  const minutes = Math.floor(seconds / 60) * 60;
  return `${spanWords(minutes).split(" ").slice(0, 2).join(" ")} ago`;
}
