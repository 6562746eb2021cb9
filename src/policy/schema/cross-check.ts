/** What the files say of each other. Works on whatever parsed, so that a fault in one place hides none elsewhere. */
import { didYouMean } from "../suggest.ts";
import { checkAccount, type AccountItem } from "./accounts.ts";
import { checkAgents } from "./agents.ts";
import { checkActivation, checkRule, type Approvable } from "./approvals.ts";
import { checkTemplate } from "./check-template.ts";
import type { Folder } from "./folder.ts";
import { checkIdentities } from "./people.ts";
import { everyField, type Item } from "./report.ts";

export function crossCheck(folder: Folder): void {
  const { accounts, people, issuers, agents, rules, templates, templateNames } = folder;
  for (const account of accounts ?? []) checkAccount(account, folder.guardrails);
  checkIdentities(people ?? []);
  checkAgents(agents ?? [], issuers ?? [], {
    people: everyField(people, "id"),
    templates: templateNames,
    ofStacks: templates.filter(({ item }) => item.parts.role === "stack_service").map(({ name }) => name),
  });
  for (const template of templates) checkTemplate(template);
  const known = approvable(folder);
  for (const rule of rules ?? []) checkRule(rule, known);
  if (folder.approvals !== null) checkActivation(folder.approvals, known.people);
  checkDecidable(folder);
  checkNamedAccounts([...(rules ?? []), ...templates.map(({ item }) => item)], accounts);
  checkUnique(accounts, ["id", "name", "external_id"]);
  checkUnique(people, ["id"]);
  checkUnique(issuers, ["id", "issuer"]);
  checkUnique(agents, ["name"]);
}

function approvable({ templates, templateNames, agents, people }: Folder): Approvable {
  return {
    templates: templateNames.map((name) => ({
      name,
      kind: templates.find((template) => template.name === name)?.item.parts.kind ?? null,
    })),
    agents: (agents ?? []).flatMap(({ parts: { name, owner, templates: open } }) =>
      name === undefined || owner === undefined || open === undefined ? [] : { name, owner, templates: open },
    ),
    people: deciders(people),
  };
}

function deciders(people: Folder["people"]): Approvable["people"] {
  const [ids, groups] = [everyField(people, "id"), everyField(people, "groups")];
  return ids === null || groups === null
    ? null
    : ids.map((id, index) => ({ id, groups: groups[index] ?? [] }));
}

/** An escalation template that no rule names cannot be approved by anybody: its author should hear that now. */
function checkDecidable({ templates, rules }: Folder): void {
  // A rule whose templates could not be read may name any of them.
  if (rules?.every(({ parts }) => parts.templates !== undefined) !== true) return;
  for (const { name, item } of templates) {
    if (item.parts.kind !== "escalation") continue;
    if (rules.some(({ parts }) => parts.templates?.includes(name))) continue;
    item.fault(
      ["kind"],
      `no rule of approvals.yaml names \`${name}\`: nobody could approve it`,
      "add a rule for it",
    );
  }
}

type NamesAccounts = Pick<Item<{ accounts: readonly string[] | null }>, "parts" | "fault">;

function checkNamedAccounts(items: readonly NamesAccounts[], accounts: readonly AccountItem[] | null): void {
  const known = everyField(accounts, "id");
  if (known === null) return;
  for (const { parts, fault } of items) {
    for (const [index, account] of (parts.accounts ?? []).entries()) {
      if (known.includes(account)) continue;
      const fix = didYouMean(account, known) ?? "add it to accounts.yaml";
      fault(["accounts", index], `account ${account} is not in accounts.yaml`, fix);
    }
  }
}

type Named = Pick<Item<unknown>, "fault"> & { readonly parts: Readonly<Partial<Record<string, unknown>>> };

function checkUnique(items: readonly Named[] | null, keys: readonly string[]): void {
  for (const key of keys) {
    const seen = new Set<unknown>();
    for (const { parts, fault } of items ?? []) {
      const value = parts[key];
      if (value === undefined) continue;
      if (seen.has(value))
        fault([key], `another entry has the same \`${key}\` already`, "each needs its own");
      seen.add(value);
    }
  }
}
