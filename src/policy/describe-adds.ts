/**
 * What an escalated session adds: what none of the agent's standing templates allows, whatever their parameters, in
 * sentences. Pure and bounded: it reads what the templates were prepared to, and compiles nothing.
 */
import { allowedBy, type Allowed, type Ground } from "./describe-allowed.ts";
import { abilitiesOf } from "./describe.ts";
import { reachOf, type Reach } from "./explain-reach.ts";
import { accountValues } from "./fill.ts";
import { globCovers } from "./iam/match.ts";
import type { PolicyDocument } from "./iam/types.ts";
import type { PreparedTemplate } from "./prepare.ts";

/** `standing`: the prepared standing templates open to the agent in the account. */
export function additions(
  documents: readonly PolicyDocument[],
  standing: readonly PreparedTemplate[],
  ground: Ground,
): readonly string[] {
  const reach = standing.flatMap((prepared) => reachOf(prepared, widest(prepared, ground), ground.table));
  const rows = allowedBy(documents, ground).map((row) => ({ row, already: alreadyHas(row, reach) }));
  const { environmentTag, nonProduction } = ground.guardrails;
  const tagged = `tagged ${environmentTag}=${nonProduction.join("|")}`;
  const of = (wanted: Already, words: string): readonly string[] =>
    abilitiesOf(
      rows.filter(({ already }) => already === wanted).map(({ row }) => row),
      ground,
    ).map(({ text }) => `It may ${text}; ${words}.`);
  return [
    ...of("never", "no standing template of this agent allows that"),
    ...of("elsewhere", "its standing templates allow that on other resources or under other conditions only"),
    ...of("fenced", `its standing templates allow that only outside production: what is ${tagged}`),
  ];
}

/** How much of it the standing templates allow, the most any of them does. */
type Already = "never" | "elsewhere" | "fenced" | "all";

const RANK: readonly Already[] = ["never", "elsewhere", "fenced", "all"];

function alreadyHas(row: Allowed, reach: readonly Reach[]): Already {
  const found = row.resources.map((resource) => {
    const ranks = reach
      .filter(({ actions }) => actions.includes(row.action.name))
      .map((own) => RANK.indexOf(compared(row, resource, own)));
    return Math.max(0, ...ranks);
  });
  return RANK[Math.min(...found)] ?? "never";
}

function compared(row: Allowed, resource: string, own: Reach): Already {
  const covered = own.resources.some((wide) => globCovers(wide, resource));
  const implied = own.conditions.every(({ key, values }) =>
    row.requires.some(
      (required) =>
        required.key.toLowerCase() === key.toLowerCase() &&
        required.values.every((value) => values.some((wide) => globCovers(wide, value))),
    ),
  );
  if (!covered || !implied) return "elsewhere";
  const fenced = own.where.some((where) => FENCED.includes(where));
  return fenced && row.where === "anywhere" ? "fenced" : "all";
}

const FENCED: readonly Reach["where"][number][] = ["non-production", "created", "while creating"];

/** Parameters as the globs they must match. */
function widest(
  { template, guardrails }: PreparedTemplate,
  { account }: Ground,
): Map<string, readonly string[]> {
  return new Map<string, readonly string[]>([
    ...Object.entries(template.parameters).map(([name, { like }]) => [name, like] as const),
    ...accountValues(account, guardrails.nonProduction),
  ]);
}
