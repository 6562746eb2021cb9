/** Looks for every secret the harness knows of in a text: whole, or by its end, which is a secret too. */
import { signingKeyTexts } from "../support/secrets.ts";
import { BROKER_KEYS, type FaultWorld } from "./world.ts";

const END = 16;

/** Answers which of the secrets known by now stand in a text, by their ends. */
export function secretFinder({
  sts,
  seen,
}: Pick<FaultWorld, "sts" | "seen">): (text: string) => readonly string[] {
  const ends = new Set(
    [BROKER_KEYS.secretAccessKey, ...signingKeyTexts()].map((secret) => secret.slice(-END)),
  );
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

/**
 * Where a secret stands of all the places none may, at the end of a test file's run, and what it ends in. `url`: a
 * broker that still runs. Throws where there was nothing to look through, or for; `problems` false: where nobody need be
 * told any.
 */
export async function leaks(
  world: FaultWorld,
  url: string,
  { problems = true }: { readonly problems?: boolean } = {},
): Promise<readonly string[]> {
  const metrics = await fetch(`${url}/metrics`);
  const places = {
    log: world.seen.logs.join("\n"),
    database: await world.record.dump(),
    metrics: `${JSON.stringify([...metrics.headers])}\n${await metrics.text()}`,
    problems: world.seen.problems.join("\n"),
  };
  const signs = {
    log: "broker started",
    database: "session.issued",
    metrics: "twokey_mints",
    problems: problems ? '"code":' : "",
  };
  const secretsIn = secretFinder(world);
  if (world.sts.secrets.length === 0) throw new Error("STS told no secret");
  return Object.entries(places).flatMap(([place, text]) => {
    const sign = signs[place as keyof typeof signs];
    if (!text.includes(sign))
      throw new Error(`the ${place} has no ${sign}: there was nothing to look through`);
    return secretsIn(text).map((secret) => `${place}: …${secret}`);
  });
}
