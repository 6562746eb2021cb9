/**
 * The text of the policy folder to a PolicySet: the only way one is made. Pure. Reports every fault of every file
 * at once; a set with one fault is no set. Never throws for bad text.
 *
 * Order: which files there are → each file's YAML → each file's shape → what the files say of each other.
 */
import { err, ok, type Result } from "../result.ts";
import { digestOf } from "./digest.ts";
import type { ActionTable } from "./knowledge.ts";
import { toAccount } from "./schema/accounts.ts";
import { toAgent, toIssuer } from "./schema/agents.ts";
import { toActivation, toRule } from "./schema/approvals.ts";
import { crossCheck } from "./schema/cross-check.ts";
import { readFolder, type Folder } from "./schema/folder.ts";
import { toPerson } from "./schema/people.ts";
import { toTemplate } from "./schema/template.ts";
import type { PolicyFile } from "./schema/yaml.ts";
import type { PolicyFault, PolicySet } from "./set.ts";

export type { PolicyFile };

/** `name` is the path inside the policy folder, such as `templates/observe.yaml`. Faults stand in file order. */
export function parseSet(
  files: readonly PolicyFile[],
  table: ActionTable,
): Result<PolicySet, readonly PolicyFault[]> {
  const faults: PolicyFault[] = [];
  const folder = readFolder(files, table, faults);
  crossCheck(folder);
  if (faults.length > 0) return err(faults.sort(inOrder));
  const set = build(folder);
  return ok(deepFreeze({ digest: digestOf(set, table.version), ...set }));
}

/** Order for people: by file, line and column. */
export function inOrder(a: PolicyFault, b: PolicyFault): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}

function build(folder: Folder): Omit<PolicySet, "digest"> {
  const approvals = present(present(folder.approvals).whole);
  return {
    guardrails: present(folder.guardrails),
    accounts: present(folder.accounts).map(({ whole }) => toAccount(present(whole))),
    registry: {
      issuers: present(folder.issuers).map(({ whole }) => toIssuer(present(whole))),
      agents: present(folder.agents).map(({ whole }) => toAgent(present(whole))),
    },
    people: present(folder.people).map(({ whole }) => toPerson(present(whole))),
    approvals: present(folder.rules).map(({ whole }) => toRule(present(whole))),
    administrators: approvals.administrators,
    activation: toActivation(approvals),
    templates: folder.templates.map(({ source, item }) => toTemplate(present(item.whole), source.file)),
  };
}

/** What is not whole has a fault, so with no faults all of it is here. */
function present<T>(value: T | null): T {
  if (value === null) throw new Error("a part of the policy set is neither read nor faulty");
  return value;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}
