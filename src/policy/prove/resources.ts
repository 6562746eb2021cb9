/**
 * Patterns to things: real ARNs out of ARN patterns, and the resources worth asking about for one action. Must not
 * know what is allowed.
 */
import { globMatch } from "../iam/match.ts";
import type { ActionResource } from "../knowledge.ts";
import { OTHER_ACCOUNT } from "./question.ts";

export interface Place {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/** The pattern with every wildcard filled. A pattern that is not an ARN is filled throughout. */
export function concreteArn(pattern: string, place: Place, filler: string): string {
  const parts = pattern.split(":");
  const fill = (text: string, by = filler): string => text.replaceAll("*", by).replaceAll("?", "x");
  if (pattern === "*" || parts.length < 6 || parts[0] !== "arn") return fill(pattern);
  const [, partition = "", service = "", region = "", account = "", ...rest] = parts;
  return [
    "arn",
    fill(partition, place.partition),
    fill(service),
    fill(region, place.region),
    fill(account, place.account),
    fill(rest.join(":")),
  ].join(":");
}

/** A resource to ask about, and the account it is in. */
export interface Asked {
  readonly arn: string;
  readonly account: string;
}

/**
 * Resources of one type: one made from the published pattern, those the template and the guardrails name, a
 * neighbour of each, all of them in the session's account and in another, and `*`.
 */
export function resourcesFor(
  type: ActionResource | null,
  named: readonly string[],
  place: Place,
): readonly Asked[] {
  const places = [place, { ...place, account: OTHER_ACCOUNT }];
  const arns = places.flatMap((at) => [
    ...(type === null || type.arn === "*" ? [] : [concreteArn(type.arn, at, "x1")]),
    ...named.filter((pattern) => pattern !== "*").flatMap((pattern) => aroundOf(pattern, at)),
  ]);
  const wanted = arns.filter((arn) => type === null || globMatch(type.arn, arn));
  return ["*", ...new Set(wanted)].flatMap((arn) => {
    const account = arn.split(":")[4] ?? "";
    // An ARN without an account, such as a bucket's, may be anybody's.
    return account === "" ? places.map((at) => ({ arn, account: at.account })) : [{ arn, account }];
  });
}

/** The pattern's own resource, and neighbours that a pattern drawn too wide would take in. */
function aroundOf(pattern: string, place: Place): readonly string[] {
  const own = concreteArn(pattern, place, "x1");
  const cut = own.lastIndexOf("/");
  return [
    own,
    `${own}x`,
    // `*` crosses `/`: whatever a pattern means by it may also be the end of a production resource's name.
    concreteArn(pattern, place, "production/x1"),
    ...(cut > own.lastIndexOf(":") ? [`${own.slice(0, cut)}x${own.slice(cut)}`] : []),
  ];
}
