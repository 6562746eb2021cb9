/** approvals.yaml: who decides what, who administers the approvers, and whether a change of the set is itself approved. */
import * as z from "zod";
import type { FrozenRule } from "../../escalation/escalation.ts";
import type { ApprovalRule, PolicyFault } from "../set.ts";
import { didYouMean } from "../suggest.ts";
import { mapOf, present, readItem, readList, say, type Item } from "./report.ts";
import { accounts, duration, id, oneOrMany, templateName } from "./values.ts";
import type { Path, Source } from "./yaml.ts";

const HOUR = 3600;

const deciding = (what: string) => ({
  quorum: z
    .int()
    .min(2, { error: say(`${what} takes two people at least`, "quorum: 2") })
    .max(10),
  groups: oneOrMany(id, 20),
  evidence: z.enum(["passkey"]),
  pending: duration(60, 7 * 24 * HOUR),
});

// Rules cover escalation templates only, and production takes two keys.
export const ruleSchema = mapOf({
  templates: oneOrMany(templateName, 100),
  accounts,
  ...deciding("an escalation"),
  usable: duration(60, HOUR),
});

/** The file but for its list of rules, each of which is judged by itself. */
export const approvalsSchema = mapOf({
  rules: present,
  administrators: z.array(id).max(20).default([]),
  activation: z.enum(["approval", "immediate"]).default("immediate"),
  activation_rule: mapOf(deciding("a change of the policy set")).optional(),
});

export type ApprovalsItem = Item<z.output<typeof approvalsSchema>>;

export const readApprovals = (source: Source, faults: PolicyFault[]): ApprovalsItem =>
  readItem(source, [], approvalsSchema, faults);

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
  const { people } = known;
  if (namesGroups({ groups: parts.groups ?? [], path: ["groups"] }, people, fault))
    checkReachable(rule, { ...known, people });
}

type People = NonNullable<Approvable["people"]>;

/** Whether somebody is in each of the groups, which stand at `path`. */
function namesGroups(
  named: { readonly groups: readonly string[]; readonly path: Path },
  people: People,
  fault: RuleItem["fault"],
): boolean {
  const groups = [...new Set(people.flatMap((person) => person.groups))];
  for (const [index, group] of named.groups.entries()) {
    if (groups.includes(group)) continue;
    const fix = didYouMean(group, groups) ?? "give somebody this group in people.yaml";
    fault([...named.path, index], `nobody in people.yaml is in \`${group}\``, fix);
  }
  return named.groups.every((group) => groups.includes(group));
}

const inGroups = (people: People, groups: readonly string[]): People =>
  people.filter((person) => person.groups.some((group) => groups.includes(group)));

/** Nobody owns a policy set, so everybody in the groups counts. */
export function checkActivation({ parts, absent, fault }: ApprovalsItem, people: People | null): void {
  const { administrators = [], activation, activation_rule: rule } = parts;
  if (activation === "approval" && absent("activation_rule")) {
    fault(["activation"], "nobody is named to approve a changed policy set", "add `activation_rule`");
  }
  if (activation === "immediate" && !absent("activation_rule")) {
    const message = "a changed policy set is served at once: this rule decides nothing";
    fault(["activation_rule"], message, "write `activation: approval`, or remove the rule", "key");
  }
  if (people === null) return;
  namesGroups({ groups: administrators, path: ["administrators"] }, people, fault);
  if (rule === undefined) return;
  const { quorum, groups } = rule;
  if (!namesGroups({ groups, path: ["activation_rule", "groups"] }, people, fault)) return;
  const able = inGroups(people, groups).length;
  if (able < quorum) {
    fault(
      ["activation_rule", "quorum"],
      `${quorum} must agree, and only ${able} may decide`,
      "add people to the groups",
    );
  }
}

/** An owner never counts for their own agent: a quorum that needs them can never be reached. */
function checkReachable({ parts, fault }: RuleItem, known: Approvable & { readonly people: People }): void {
  const { quorum, groups, templates } = parts;
  if (quorum === undefined || groups === undefined || templates === undefined) return;
  const able = inGroups(known.people, groups);
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

/** Null: a changed set is served at once. */
export function toActivation({
  activation_rule: rule,
}: NonNullable<ApprovalsItem["whole"]>): FrozenRule | null {
  if (rule === undefined) return null;
  const { quorum, groups, evidence, pending } = rule;
  // An approved set is served as soon as a broker sees it; nothing waits to be used.
  return { quorum, groups, evidence, pendingSeconds: pending, usableSeconds: pending };
}
