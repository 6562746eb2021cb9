/** Templates nobody may ask for, and escalations nobody may decide. */
import { CHANGE_SET_READER } from "../change-set-reader.ts";
import type { ApprovalRule, PolicySet, Template } from "../set.ts";
import type { Finding } from "./finding.ts";

export function unreachable(set: PolicySet): readonly Finding[] {
  return [...unasked(set), ...undecidable(set), ...overruled(set)];
}

function unasked({ templates, registry }: PolicySet): readonly Finding[] {
  return (
    templates
      // Twokey's own, and CloudFormation's; every other must be somebody's.
      .filter(({ name, role }) => name !== CHANGE_SET_READER && role !== "stack_service")
      .filter(({ name }) => !registry.agents.some((agent) => agent.templates.includes(name)))
      .map(({ name, file }) => ({
        level: "warning",
        file,
        path: ["name"],
        message: `no agent may ask for \`${name}\``,
        fix: "add it to an agent's `templates` in agents.yaml",
      }))
  );
}

const accountsOf = ({ accounts }: Pick<Template, "accounts">, set: PolicySet): readonly string[] =>
  accounts ?? set.accounts.map(({ id }) => id);

const covers = (rule: ApprovalRule, template: string, account: string): boolean =>
  rule.templates.includes(template) && (rule.accounts?.includes(account) ?? true);

/** Templates without any rule are told when the files are compared; here, those open where no rule reaches. */
function undecidable(set: PolicySet): readonly Finding[] {
  return set.templates.flatMap((template): readonly Finding[] => {
    const { name, file } = template;
    if (template.kind !== "escalation" || !set.approvals.some((rule) => rule.templates.includes(name)))
      return [];
    const missing = accountsOf(template, set).filter(
      (account) => !set.approvals.some((rule) => covers(rule, name, account)),
    );
    if (missing.length === 0) return [];
    const message = `no rule of approvals.yaml covers \`${name}\` in account ${missing.join(", ")}: nobody could approve it there`;
    return [
      { level: "fault", file, path: ["accounts"], message, fix: "add a rule, or leave the account out here" },
    ];
  });
}

/** The first rule that fits decides, so a rule whose every case fits an earlier one decides nothing. */
function overruled(set: PolicySet): readonly Finding[] {
  return set.approvals.flatMap((rule, index): readonly Finding[] => {
    const earlier = set.approvals.slice(0, index);
    const cases = set.templates
      .filter(({ name }) => rule.templates.includes(name))
      .flatMap((template) =>
        accountsOf(template, set)
          .filter((account) => covers(rule, template.name, account))
          .map((account) => ({ template: template.name, account })),
      );
    const decides = cases.some(
      ({ template, account }) => !earlier.some((other) => covers(other, template, account)),
    );
    if (decides) return [];
    const message = "this rule never decides: an earlier one fits wherever it does";
    return [
      {
        level: "warning",
        file: "approvals.yaml",
        path: ["rules", index],
        message,
        fix: "put it first, or remove it",
      },
    ];
  });
}
