/**
 * A proposal for a policy folder: what is wished for, in words or as CloudTrail's records, becomes a template that is
 * then checked with the rest of the folder. Pure.
 */
import { examineSet } from "../check-set.ts";
import type { ActionTable } from "../knowledge.ts";
import { parseSet, type PolicyFile } from "../parse-set.ts";
import { isSafeRead } from "../safe-reads.ts";
import type { PolicyFault } from "../set.ts";
import { didYouMean } from "../suggest.ts";
import { err, ok, type Result } from "../../result.ts";
import { readEvents, usesOf, type Seen, type Use } from "./cloudtrail.ts";
import { propose, type Refused } from "./propose.ts";
import { templateYaml } from "./write-yaml.ts";

export interface ProposalWish {
  readonly name: string;
  readonly title: string;
  readonly accounts: readonly string[] | null;
  /** Services whose safe reads are wished for. */
  readonly read: readonly string[];
  readonly change: readonly string[];
  /** The text of a CloudTrail file, or null. */
  readonly trail: string | null;
}

export interface Proposed {
  /** Null where nothing is left to allow. */
  readonly yaml: string | null;
  readonly covered: readonly string[];
  readonly refused: readonly Refused[];
  readonly denied: readonly string[];
  readonly unknown: readonly string[];
  /** What `policy check` says of the folder with the template in it, of this template alone. */
  readonly faults: readonly PolicyFault[];
  readonly warnings: readonly PolicyFault[];
}

/** `err`: what is wrong with the folder or with the wish, a line each. */
export function proposeFor(
  files: readonly PolicyFile[],
  wish: ProposalWish,
  table: ActionTable,
): Result<Proposed, readonly string[]> {
  const set = parseSet(files, table);
  if (!set.ok) {
    return err(
      set.error.map(({ file, line, message }) => `${file}:${line}: ${message}: put this right first`),
    );
  }
  const uses = wishedUses(wish, table);
  if (!uses.ok) return uses;
  const events = wish.trail === null ? null : readEvents(wish.trail);
  if (events?.ok === false) return err([events.error]);
  const seen: Seen =
    events === null ? { uses: [], denied: new Map(), unknown: [] } : usesOf(events.value, table);
  const { template, refused } = propose(
    { ...wish, uses: merged([...uses.value, ...seen.uses]) },
    set.value,
    table,
  );
  const file = `templates/${wish.name}.yaml`;
  const yaml = template === null ? null : templateYaml(template);
  const others = files.filter(({ name }) => name !== file);
  const examined = yaml === null ? null : examineSet([...others, { name: file, text: yaml }], table);
  const own = (found: readonly PolicyFault[] | undefined): readonly PolicyFault[] =>
    (found ?? []).filter((fault) => fault.file === file);
  return ok({
    yaml,
    covered: template?.allow.flatMap(({ action }) => action) ?? [],
    refused,
    denied: [...seen.denied.keys()],
    unknown: seen.unknown,
    faults: own(examined?.faults),
    warnings: own(examined?.warnings),
  });
}

function wishedUses(
  { read, change }: ProposalWish,
  table: ActionTable,
): Result<readonly Use[], readonly string[]> {
  const problems: string[] = [];
  const uses: Use[] = [];
  const add = (facts: Use["facts"]): void => {
    uses.push({ facts, arns: [], via: [] });
  };
  for (const service of read) {
    const reads = table.actions(service).filter(isSafeRead);
    reads.forEach(add);
    if (reads.length > 0) continue;
    const known = table.actions(service).length > 0;
    problems.push(
      known
        ? `${service} has no safe reads`
        : `AWS has no service ${service}${hint(didYouMean(service, table.services))}`,
    );
  }
  for (const name of change) {
    const facts = table.action(name);
    if (facts !== undefined) add(facts);
    else {
      const names = table.actions(name.split(":")[0] ?? "").map((one) => one.name);
      problems.push(`there is no action ${name}${hint(didYouMean(name, names))}`);
    }
  }
  return problems.length > 0 ? err(problems) : ok(uses);
}

const hint = (text: string | null): string => (text === null ? "" : `: ${text}`);

function merged(uses: readonly Use[]): readonly Use[] {
  const all = new Map<string, Use>();
  for (const use of uses) {
    const before = all.get(use.facts.name);
    const union = (a: readonly string[] = [], b: readonly string[]): readonly string[] => [
      ...new Set([...a, ...b]),
    ];
    all.set(use.facts.name, {
      facts: use.facts,
      arns: union(before?.arns, use.arns),
      via: union(before?.via, use.via),
    });
  }
  return [...all.values()];
}
