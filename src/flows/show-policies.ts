/** The policies served now: every template in words and in source, with its proof. */
import { askExpectation, accountOf } from "../policy/check-set/expectations.ts";
import type { Ability } from "../policy/ability.ts";
import { compile } from "../policy/compile.ts";
import { documentsOf } from "../policy/compiled.ts";
import { describe } from "../policy/describe.ts";
import type { PreparedTemplate } from "../policy/prepare.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import type { ApprovalRule, Template } from "../policy/set.ts";
import type { Broker } from "./admit.ts";

export function showPolicies({ policy, policyRefused }: Broker) {
  return {
    version: policy.set.digest,
    templates: policy.set.templates.map((template) => templateRow(template, policy)),
    faults: (policyRefused ?? []).map(
      ({ file, line, column, message, fix }) =>
        `${file}:${line}:${column}: ${message}${fix === null ? "" : ` (${fix})`}`,
    ),
  };
}

/** Null: there is none of that name. */
export function showTemplate(name: string, { policy }: Pick<Broker, "policy">) {
  const prepared = policy.templates.get(name);
  if (prepared === undefined) return null;
  const { template } = prepared;
  return {
    ...templateRow(template, policy),
    source: policy.files.find((file) => file.name === template.file)?.text ?? "",
    could: abilities(prepared, policy),
    proof: template.expect.map((expectation) => {
      const answer = askExpectation(prepared, expectation, accountOf(expectation, template, policy.set));
      const decision = answer.ok ? answer.value.decision : answer.error;
      const { title, action, resource } = expectation;
      return { title, action, resource, decision, holds: decision === expectation.decision };
    }),
    parameters: Object.entries(template.parameters).map(([key, { description, like, optional }]) => ({
      name: key,
      description,
      like,
      optional,
    })),
  };
}

function templateRow(template: Template, { set }: ServedPolicy) {
  const { name, kind, title, description, intent } = template;
  return {
    name,
    kind,
    title,
    description,
    intent,
    accounts: template.accounts ?? set.accounts.map(({ id }) => id),
    agents: set.registry.agents
      .filter(({ templates }) => templates.includes(name))
      .map((agent) => agent.name),
    approval: kind === "standing" ? null : approvalWords(set.approvals, template),
  };
}

function approvalWords(rules: readonly ApprovalRule[], { name }: Template): string {
  const own = rules.filter(({ templates }) => templates.includes(name));
  if (own.length === 0) return "nobody: no rule of approvals.yaml names it";
  return own
    .map(({ quorum, groups, accounts, pendingSeconds, usableSeconds }) => {
      const where = accounts === null ? "" : ` in account ${accounts.join(", ")}`;
      const people = quorum === 1 ? "1 person" : `${quorum} different people`;
      return `${people} of ${groups.join(" or ")}${where}, each with a passkey, within ${pendingSeconds / 60} min; the grant is then good for ${usableSeconds / 60} min`;
    })
    .join("; ");
}

/** At the widest: each parameter as the globs its values must match, in the template's first account. */
function abilities(prepared: PreparedTemplate, { set, table }: ServedPolicy): readonly Ability[] {
  const { template, guardrails } = prepared;
  const account = set.accounts.find(({ id }) => template.accounts?.includes(id) ?? true);
  if (account === undefined) return [];
  const parameters = Object.fromEntries(
    Object.entries(template.parameters).map(([name, { like }]) => [name, like]),
  );
  const compiled = compile(prepared, { account, parameters });
  return compiled.ok ? describe(documentsOf(compiled.value), { account, guardrails, table }) : [];
}
