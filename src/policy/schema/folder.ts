/**
 * The files of one policy folder, each read by its own schema. What could not be read is null and has its faults
 * already; nothing here compares one file with another.
 */
import type { ActionTable } from "../knowledge.ts";
import type { Guardrails, PolicyFault } from "../set.ts";
import { didYouMean } from "../suggest.ts";
import { readAccounts, type AccountItem } from "./accounts.ts";
import { readAgents, readIssuers, type AgentItem, type IssuerItem } from "./agents.ts";
import { readApprovals, readRules, type ApprovalsItem, type RuleItem } from "./approvals.ts";
import { readGuardrails } from "./guardrails.ts";
import { readPeople, type PersonItem } from "./people.ts";
import { checkKeys } from "./report.ts";
import { readTemplate, templateSchema, type ReadTemplate } from "./template.ts";
import { readYaml, type PolicyFile, type Source } from "./yaml.ts";

export interface Folder {
  readonly guardrails: Guardrails | null;
  readonly accounts: readonly AccountItem[] | null;
  readonly people: readonly PersonItem[] | null;
  readonly issuers: readonly IssuerItem[] | null;
  readonly agents: readonly AgentItem[] | null;
  readonly approvals: ApprovalsItem | null;
  readonly rules: readonly RuleItem[] | null;
  /** By name, so that the order of files means nothing. */
  readonly templates: readonly ReadTemplate[];
  /** Of every template file there is, readable or not. */
  readonly templateNames: readonly string[];
}

const GUARDRAILS = "guardrails.yaml";
const APPROVALS = "approvals.yaml";
/** The files that hold lists and nothing else, and the keys of those. */
const LISTS = {
  "accounts.yaml": ["accounts"],
  "people.yaml": ["people"],
  "agents.yaml": ["issuers", "agents"],
} as const;
type ListFile = keyof typeof LISTS | typeof APPROVALS;
const FILES = [GUARDRAILS, ...Object.keys(LISTS), APPROVALS];

const TEMPLATE = /^templates\/([^/]+)\.yaml$/;
const templateName = (file: string): string | undefined => TEMPLATE.exec(file)?.[1];

export function readFolder(files: readonly PolicyFile[], table: ActionTable, faults: PolicyFault[]): Folder {
  checkFileNames(files, faults);
  const sources = new Map<string, Source>();
  for (const file of files) {
    if (!FILES.includes(file.name) && !TEMPLATE.test(file.name)) continue;
    const source = readYaml(file, faults);
    if (source !== null) sources.set(file.name, source);
  }
  const list = <T>(
    file: ListFile,
    read: (source: Source, faults: PolicyFault[]) => readonly T[],
  ): readonly T[] | null => {
    const source = sources.get(file);
    return source === undefined ? null : read(source, faults);
  };
  for (const [file, keys] of Object.entries(LISTS)) checkKeys(sources.get(file), keys, faults);
  const [guardrails, approvals] = [sources.get(GUARDRAILS), sources.get(APPROVALS)];
  const schema = templateSchema(table);
  return {
    guardrails: guardrails === undefined ? null : readGuardrails(guardrails, table, faults),
    accounts: list("accounts.yaml", readAccounts),
    people: list("people.yaml", readPeople),
    issuers: list("agents.yaml", readIssuers),
    agents: list("agents.yaml", readAgents),
    approvals: approvals === undefined ? null : readApprovals(approvals, faults),
    rules: list(APPROVALS, readRules),
    templates: [...sources]
      .flatMap(([file, source]) => readNamed(templateName(file), source, schema, faults))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    templateNames: files.flatMap(({ name }) => templateName(name) ?? []),
  };
}

function readNamed(
  name: string | undefined,
  source: Source,
  schema: ReturnType<typeof templateSchema>,
  faults: PolicyFault[],
): readonly ReadTemplate[] {
  return name === undefined ? [] : [readTemplate(name, source, schema, faults)];
}

function checkFileNames(files: readonly PolicyFile[], faults: PolicyFault[]): void {
  const names = files.map(({ name }) => name);
  const fault = (file: string, message: string, fix: string | null): void => {
    faults.push({ file, line: 1, column: 1, message, fix });
  };
  for (const name of FILES.filter((candidate) => !names.includes(candidate))) {
    fault(name, "the file is missing", "`twokey init` writes one to start from");
  }
  if (!names.some((name) => TEMPLATE.test(name))) {
    fault("templates", "there is no template", "`twokey init` writes some to start from");
  }
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index) fault(name, "the file is given twice", null);
    if (FILES.includes(name) || TEMPLATE.test(name)) continue;
    const fix = didYouMean(
      name,
      name.startsWith("templates/") ? [name.replace(/\.[^./]*$/, ".yaml")] : FILES,
    );
    fault(name, "no file of this name belongs to a policy set", fix ?? "move it out of the policy folder");
  }
}
