/**
 * A policy set ready to be served: every template prepared against the action data, once, so that a mint only
 * fills in parameters. A set with one dangerous template is not served at all.
 */
import { err, ok, type Result } from "../result.ts";
import type { ActionTable } from "./knowledge.ts";
import type { PolicyFile } from "./parse-set.ts";
import { prepareTemplate, type PreparedTemplate, type TemplateFault } from "./prepare.ts";
import type { PolicySet } from "./set.ts";

export interface ServedPolicy {
  readonly set: PolicySet;
  readonly templates: ReadonlyMap<string, PreparedTemplate>;
  /** The action data it was prepared against. */
  readonly table: ActionTable;
  /** The text it was made of, for people to read; empty where it was made of none. */
  readonly files: readonly PolicyFile[];
}

export function serve(
  set: PolicySet,
  table: ActionTable,
): Result<ServedPolicy, readonly (TemplateFault & { readonly template: string; readonly file: string })[]> {
  const templates = new Map<string, PreparedTemplate>();
  const faults: (TemplateFault & { readonly template: string; readonly file: string })[] = [];
  for (const template of set.templates) {
    const prepared = prepareTemplate(template, set.guardrails, table);
    if (prepared.ok) templates.set(template.name, prepared.value);
    else faults.push(...prepared.error.map((f) => ({ ...f, template: template.name, file: template.file })));
  }
  return faults.length > 0 ? err(faults) : ok({ set, templates, table, files: [] });
}
