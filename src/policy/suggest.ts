/**
 * "Did you mean …?": the nearest known word to one that is not known. Pure; guesses are for messages only and
 * never decide anything.
 */

/** Longer words are not compared: the distance costs their product. */
const LONGEST = 128;

/** Optimal string alignment distance, ignoring case: insert, delete, replace, swap neighbours. */
export function editDistance(left: string, right: string): number {
  const a = left.toLowerCase();
  const b = right.toLowerCase();
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(
        (previous[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** The candidate nearest to `word`, or null when none is near enough to be a slip of the hand. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > LONGEST) return null;
  let best: string | null = null;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    // The difference in length alone is a lower bound, and most candidates end here.
    if (candidate.length > LONGEST || Math.abs(candidate.length - word.length) >= least) continue;
    const distance = editDistance(word, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** The suggestion as a sentence, or null. */
export function didYouMean(word: string, candidates: Iterable<string>): string | null {
  const guess = nearest(word, candidates);
  return guess === null ? null : `did you mean \`${guess}\`?`;
}
