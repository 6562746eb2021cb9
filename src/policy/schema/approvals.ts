/** approvals.yaml: who decides what. */
import * as z from "zod";
import type { ApprovalRule, PolicyFault } from "../set.ts";
import { didYouMean } from "../suggest.ts";
import { mapOf, readItem, readList, say, type Item } from "./report.ts";
import { accounts, duration, id, oneOrMany, templateName } from "./values.ts";
import type { Source } from "./yaml.ts";

const HOUR = 3600;

export const ruleSchema = mapOf({
  templates: oneOrMany(templateName, 100),
  accounts,
  // Rules cover escalation templates only, and production takes two keys.
  quorum: z
    .int()
    .min(2, { error: say("an escalation takes two people at least", "quorum: 2") })
    .max(10),
  groups: oneOrMany(id, 20),
  evidence: z.enum(["passkey"]),
  pending: duration(60, 7 * 24 * HOUR),
  usable: duration(60, HOUR),
});

export type RuleItem = Item<z.output<typeof ruleSchema>>;

export const readRules = (source: Source, faults: PolicyFault[]): readonly RuleItem[] =>
  readList(source, "rules", { least: 0 }, faults).map((path) => readItem(source, path, ruleSchema, faults));

/** What the other files say, as far as they could be read. */
export interface Approvable {
  readonly templates: readonly { readonly name: string; readonly kind: "standing" | "escalation" | null }[];
  readonly agents: readonly {
    readonly name: string;
    readonly owner: string;
    readonly templates: readonly string[];
  }[];
  readonly people: readonly { readonly id: string; readonly groups: readonly string[] }[] | null;
}

export function checkRule(rule: RuleItem, known: Approvable): void {
  const { parts, fault } = rule;
  const names = known.templates.map(({ name }) => name);
  for (const [index, name] of (parts.templates ?? []).entries()) {
    const template = known.templates.find((candidate) => candidate.name === name);
    const path = ["templates", index];
    if (template === undefined) fault(path, `there is no template \`${name}\``, didYouMean(name, names));
    if (template?.kind === "standing") {
      fault(path, `\`${name}\` is a standing template: nobody approves it`, "remove it from this rule");
    }
  }
  if (known.people === null) return;
  const groups = [...new Set(known.people.flatMap((person) => person.groups))];
  const missing = (parts.groups ?? []).filter((group) => !groups.includes(group));
  for (const group of missing) {
    const fix = didYouMean(group, groups) ?? "give somebody this group in people.yaml";
    fault(["groups", (parts.groups ?? []).indexOf(group)], `nobody in people.yaml is in \`${group}\``, fix);
  }
  if (missing.length === 0) checkReachable(rule, { ...known, people: known.people });
}

/** An owner never counts for their own agent: a quorum that needs them can never be reached. */
function checkReachable(
  { parts, fault }: RuleItem,
  known: Approvable & { people: NonNullable<Approvable["people"]> },
): void {
  const { quorum, groups, templates } = parts;
  if (quorum === undefined || groups === undefined || templates === undefined) return;
  const able = known.people.filter((person) => person.groups.some((group) => groups.includes(group)));
  if (able.length < quorum) {
    fault(["quorum"], `${quorum} must agree, and only ${able.length} may decide`, "add people to the groups");
    return;
  }
  for (const agent of known.agents.filter((candidate) =>
    templates.some((name) => candidate.templates.includes(name)),
  )) {
    const others = able.filter((person) => person.id !== agent.owner).length;
    if (others >= quorum) continue;
    fault(
      ["quorum"],
      `${quorum} must agree, and for \`${agent.name}\` only ${others} may decide: its owner \`${agent.owner}\` does not count`,
      "add people to the groups",
    );
  }
}

export const toRule = (read: NonNullable<RuleItem["whole"]>): ApprovalRule => ({
  templates: read.templates,
  accounts: read.accounts,
  quorum: read.quorum,
  groups: read.groups,
  evidence: read.evidence,
  pendingSeconds: read.pending,
  usableSeconds: read.usable,
});
