/** The shipped policy set for the proof's tests, and templates made up by them. */
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { loadPolicyFolder } from "../../src/adapters/policy-files/load.ts";
import type { ActionTable } from "../../src/policy/knowledge.ts";
import { prepareTemplate, type PreparedTemplate } from "../../src/policy/prepare.ts";
import { proveTemplate, provable, type Provable, type TemplateProof } from "../../src/policy/prove/prove.ts";
import type { Account, Guardrails, Template, TemplateStatement } from "../../src/policy/set.ts";

export const table = loadActionTable();

const loaded = await loadPolicyFolder(new URL("../../policies", import.meta.url).pathname, table);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.error, null, 2));
export const served = loaded.value;
export const { guardrails, accounts } = served.set;

export function shipped(name: string): PreparedTemplate {
  const found = served.templates.get(name);
  if (found === undefined) throw new Error(`no template ${name}`);
  return found;
}

export function firstAccount(): Account {
  const [account] = accounts;
  if (account === undefined) throw new Error("the shipped set has no account");
  return account;
}

/** The shipped account with a service role of its own for each environment. */
export function accountOfManyRoles(): Account {
  const account = firstAccount();
  const roles = Object.keys(account.serviceRoles).map(
    (environment) => [environment, `arn:aws:iam::${account.id}:role/twokey/stacks-${environment}`] as const,
  );
  return { ...account, serviceRoles: Object.fromEntries(roles) };
}

/** Only these services, so that asking about all of them is quick. The symbolic half of the proof covers the rest. */
export const narrowed = (services: readonly string[], of: ActionTable = table): ActionTable => ({
  ...of,
  services: of.services.filter((service) => services.includes(service)),
});

export type Written = Partial<TemplateStatement> & Pick<TemplateStatement, "action">;

export function template(allow: readonly Written[], over: Partial<Template> = {}): Template {
  return {
    name: "trial",
    kind: "standing",
    title: "Trial",
    description: "A template of the tests.",
    role: over.kind === "escalation" ? "escalated" : "operator",
    intent: "destroy",
    accounts: null,
    duration: { defaultSeconds: 900, maxSeconds: 3600 },
    parameters: {},
    exceptions: [],
    expect: [],
    file: "templates/trial.yaml",
    ...over,
    allow: allow.map((statement) => ({ sid: null, resource: ["*"], condition: {}, ...statement })),
  };
}

export const prepare = (trial: Template, rails: Guardrails = guardrails, knowledge: ActionTable = table) =>
  prepareTemplate(trial, rails, knowledge);

export const servicesOf = (trial: Template): readonly string[] => [
  ...new Set(trial.allow.flatMap(({ action }) => action.map((name) => name.split(":")[0] ?? ""))),
];

/** The proof on the template's own services alone. */
export function proveOwn(
  subject: Provable | PreparedTemplate,
  over: { readonly accounts?: readonly Account[]; readonly table?: ActionTable; readonly step?: number } = {},
): TemplateProof {
  const asked = "forms" in subject ? subject : provable(subject);
  return proveTemplate(asked, {
    table: over.table ?? narrowed(servicesOf(asked.template)),
    guardrails,
    accounts: over.accounts ?? accounts,
    every: 10,
    step: over.step ?? 1,
  });
}
