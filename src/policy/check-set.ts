/**
 * Everything `twokey policy check` holds against a policy folder, and everything that must hold before it is
 * served: parse it, prepare every template, ask each compiled template the questions of its own `expect:`, and look
 * for what is hardly meant. Pure. A fault in one template hides none in another.
 */
import { err, ok, type Result } from "../result.ts";
import { unreachable } from "./check-set/asked.ts";
import { boundaryFindings } from "./check-set/boundary.ts";
import { unreadableChangeSets } from "./check-set/change-set-reader.ts";
import { unknownConditionKeys } from "./check-set/condition-keys.ts";
import { failedExpectations } from "./check-set/expectations.ts";
import type { Finding } from "./check-set/finding.ts";
import { sizeFindings, sizeOf, type TemplateSize } from "./check-set/size.ts";
import { ownTemplates } from "./check-set/own-template.ts";
import { idleStatements } from "./check-set/statements.ts";
import type { ActionTable } from "./knowledge.ts";
import { inOrder, parseSet, type PolicyFile } from "./parse-set.ts";
import { prepareTemplate, type PreparedTemplate } from "./prepare.ts";
import { actionsMatching } from "./schema/actions.ts";
import { readYaml } from "./schema/yaml.ts";
import type { ServedPolicy } from "./serve.ts";
import type { PolicyFault, PolicySet } from "./set.ts";

export interface TemplateReport {
  readonly name: string;
  readonly size: TemplateSize;
  /** What each action pattern of the template stands for. */
  readonly reach: readonly PatternReach[];
}

export interface PatternReach {
  readonly pattern: string;
  readonly actions: readonly string[];
}

/** What AWS asks for besides these actions when they are called, such as iam:PassRole for ec2:RunInstances. */
export function alsoNeeded({ actions }: PatternReach, table: ActionTable): readonly string[] {
  const needed = actions.flatMap((name) => table.action(name)?.dependentActions ?? []);
  return [...new Set(needed)].filter((name) => !actions.includes(name)).sort();
}

export interface Examination {
  /** Null where there are faults: then nothing is served. */
  readonly served: ServedPolicy | null;
  readonly faults: readonly PolicyFault[];
  /** Served all the same, and hardly what the author meant. */
  readonly warnings: readonly PolicyFault[];
  /** Of the templates that can be prepared. */
  readonly templates: readonly TemplateReport[];
}

export function checkSet(
  files: readonly PolicyFile[],
  table: ActionTable,
): Result<ServedPolicy, readonly PolicyFault[]> {
  const { served, faults } = examineSet(files, table);
  return served === null ? err(faults) : ok(served);
}

export function examineSet(files: readonly PolicyFile[], table: ActionTable): Examination {
  const parsed = parseSet(files, table);
  if (!parsed.ok) return { served: null, faults: parsed.error, warnings: [], templates: [] };
  const set = parsed.value;
  const prepared = new Map<string, PreparedTemplate>();
  const findings: Finding[] = [...unreachable(set), ...unreadableChangeSets(set), ...ownTemplates(set)];
  const templates: TemplateReport[] = [];
  for (const template of set.templates) {
    findings.push(...unknownConditionKeys(template, table));
    const ready = prepareTemplate(template, set.guardrails, table);
    if (!ready.ok) {
      findings.push(
        ...ready.error.map(({ at, message, fix }): Finding => ({
          level: "fault",
          file: template.file,
          path: ["allow", at.statement, ...(at.action === null ? [] : ["Action", at.action])],
          message,
          fix,
        })),
      );
      continue;
    }
    prepared.set(template.name, ready.value);
    const size = sizeOf(ready.value, set);
    findings.push(
      ...failedExpectations(ready.value, set),
      ...idleStatements(ready.value, set),
      ...sizeFindings(ready.value, set, size),
    );
    templates.push({ name: template.name, size, reach: reachOf(ready.value, table) });
  }
  findings.push(...boundaryFindings(prepared, set));
  return conclude(files, { set, prepared, table, findings, templates });
}

function conclude(
  files: readonly PolicyFile[],
  found: {
    readonly set: PolicySet;
    readonly prepared: ReadonlyMap<string, PreparedTemplate>;
    readonly table: ActionTable;
    readonly findings: readonly Finding[];
    readonly templates: readonly TemplateReport[];
  },
): Examination {
  const of = (level: Finding["level"]): readonly PolicyFault[] =>
    found.findings
      .filter((finding) => finding.level === level)
      .map((finding) => placed(files, finding))
      .sort(inOrder);
  const [faults, warnings] = [of("fault"), of("warning")];
  const served =
    faults.length > 0 ? null : { set: found.set, templates: found.prepared, table: found.table, files };
  return { served, faults, warnings, templates: found.templates };
}

function reachOf({ template }: PreparedTemplate, table: ActionTable): TemplateReport["reach"] {
  const patterns = [...new Set(template.allow.flatMap(({ action }) => action))];
  return patterns.map((pattern) => ({ pattern, actions: actionsMatching(pattern, table) }));
}

/** Looks the place up again: the parsed set keeps meaning only. */
function placed(files: readonly PolicyFile[], { file, path, message, fix }: Finding): PolicyFault {
  const text = files.find(({ name }) => name === file);
  const source = text === undefined ? null : readYaml(text, []);
  return { file, ...(source?.place(path) ?? { line: 1, column: 1 }), message, fix };
}
