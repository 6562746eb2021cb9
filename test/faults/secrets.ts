/** Looks for every secret the harness knows of in a text: whole, or by its end, which is a secret too. */
import { BROKER_KEYS, type FaultWorld } from "./world.ts";

const END = 16;

/** Answers which of the secrets known by now stand in a text, by their ends. */
export function secretFinder({
  sts,
  seen,
}: Pick<FaultWorld, "sts" | "seen">): (text: string) => readonly string[] {
  const ends = new Set([BROKER_KEYS.secretAccessKey.slice(-END)]);
  const looked = [
    { all: sts.secrets, from: 0 },
    { all: seen.tokens, from: 0 },
  ];
  return (text) => {
    for (const one of looked) {
      for (const secret of one.all.slice(one.from)) ends.add(secret.slice(-END));
      one.from = one.all.length;
    }
    const found: string[] = [];
    // Secrets are of these characters alone, so no window reaches across others.
    for (const [run] of text.matchAll(/[A-Za-z0-9+/=_-]{16,}/g)) {
      for (let at = 0; at + END <= run.length; at += 1) {
        const window = run.slice(at, at + END);
        if (ends.has(window)) found.push(window);
      }
    }
    return found;
  };
}
