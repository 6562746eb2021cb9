/**
 * Condition blocks: parses them, and says whether they hold for a request. How values combine, as AWS publishes:
 *
 * - several operators AND, several keys AND; several values of the policy OR, for a negated operator NOR;
 * - absent key: a positive operator is false, a negated one true, `…IfExists` true;
 * - `ForAllValues:` every value of the request passes (so true when there is none); `ForAnyValue:` some value does
 *   (so false when there is none). AWS counts one empty string as no value here;
 * - a multi-valued key under a plain operator, which AWS advises against and does not define: a positive operator
 *   holds if any value matches, a negated one if none does, as if the policy's NOR ranged over all pairs.
 */
import { err, ok, type Result } from "../../result.ts";
import { contextText, keyName, type ContextIndex } from "./context.ts";
import { readBoolean } from "./literals.ts";
import { OPERATORS, type Operator, type ValueTest } from "./operators.ts";
import { parseTemplate, plainText, variablesOf, type Variable } from "./variables.ts";

interface ConditionBase {
  /** As written, for messages. */
  readonly operator: string;
  readonly key: string;
  /** Folded, for look-up. */
  readonly name: string;
}

/** One operator over one key. */
export type Condition = ConditionBase &
  (
    | { readonly kind: "null"; readonly absent: readonly boolean[] }
    | {
        readonly kind: "compare";
        readonly set: "ForAllValues" | "ForAnyValue" | null;
        readonly ifExists: boolean;
        readonly negated: boolean;
        readonly tests: readonly ValueTest[];
        readonly variables: readonly Variable[];
      }
  );

const NONE: readonly string[] = [];

export function conditionHolds(condition: Condition, context: ContextIndex): boolean {
  const found = context.get(condition.name);
  if (condition.kind === "null") return condition.absent.includes(found === undefined);
  if (found === undefined && condition.ifExists) return true;
  const passes = (value: string): boolean =>
    matchesSome(condition.tests, value, context) !== condition.negated;
  if (condition.set === null) {
    if (found === undefined) return condition.negated;
    if (typeof found === "string") return passes(found);
    return condition.negated ? found.every(passes) : found.some(passes);
  }
  const values = found === undefined ? NONE : typeof found === "string" ? [found] : found;
  const empty = values.length === 1 && values[0] === "";
  if (condition.set === "ForAllValues") return empty || values.every(passes);
  return !empty && values.some(passes);
}

function matchesSome(tests: readonly ValueTest[], value: string, context: ContextIndex): boolean {
  for (const test of tests) if (test(value, context)) return true;
  return false;
}

/** `block` is the JSON of a Condition element. Faults begin with `at`, its path. */
export function parseConditions(
  block: unknown,
  { at, variables }: { readonly at: string; readonly variables: boolean },
): Result<readonly Condition[], readonly string[]> {
  const conditions: Condition[] = [];
  const faults: string[] = [];
  if (!isFilledObject(block)) return err([`${at} must be an object that names at least one operator`]);
  for (const [operator, keys] of Object.entries(block)) {
    const path = `${at}.${operator}`;
    if (!isFilledObject(keys)) {
      faults.push(`${path} must be an object that names at least one condition key`);
      continue;
    }
    const spec = readOperator(operator);
    if (spec === null) {
      faults.push(`${path} is not a condition operator`);
      continue;
    }
    const names = new Set<string>();
    for (const [key, values] of Object.entries(keys)) {
      const name = keyName(key);
      if (!/^[^\s:]+:./.test(key)) faults.push(`${path}.${key} is not a condition key`);
      if (names.has(name)) faults.push(`${path}.${key} is given twice: condition keys ignore case`);
      names.add(name);
      const parsed = parseOne({ operator, key, name }, spec, { values, at: `${path}.${key}`, variables });
      if (parsed.ok) conditions.push(parsed.value);
      else faults.push(...parsed.error);
    }
  }
  return faults.length > 0 ? err(faults) : ok(conditions);
}

type OperatorSpec =
  | { readonly kind: "null" }
  | {
      readonly kind: "compare";
      readonly set: "ForAllValues" | "ForAnyValue" | null;
      readonly ifExists: boolean;
      readonly row: Operator;
    };

function readOperator(name: string): OperatorSpec | null {
  if (name === "Null") return { kind: "null" };
  const [, set, base = "", ifExists] = /^(?:(ForAllValues|ForAnyValue):)?(.*?)(IfExists)?$/s.exec(name) ?? [];
  const row = OPERATORS.get(base);
  if (row === undefined) return null;
  return {
    kind: "compare",
    set: set === "ForAllValues" || set === "ForAnyValue" ? set : null,
    ifExists: ifExists !== undefined,
    row,
  };
}

function parseOne(
  base: ConditionBase,
  spec: OperatorSpec,
  input: { readonly values: unknown; readonly at: string; readonly variables: boolean },
): Result<Condition, readonly string[]> {
  const { at } = input;
  const values: readonly unknown[] = Array.isArray(input.values) ? input.values : [input.values];
  if (values.length === 0) return err([`${at} has no values`]);
  const faults: string[] = [];
  const tests: ValueTest[] = [];
  const absent: boolean[] = [];
  const variables: Variable[] = [];
  for (const value of values) {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
      faults.push(`${at} must hold strings, numbers or booleans`);
      continue;
    }
    const text = contextText(value);
    if (spec.kind === "null") {
      const wanted = readBoolean(text);
      if (wanted === null) faults.push(`${at}: ${JSON.stringify(text)} is not true or false`);
      else absent.push(wanted);
      continue;
    }
    const template = input.variables && spec.row.variables ? parseTemplate(text) : ok(plainText(text));
    const test = template.ok ? spec.row.compile(template.value) : template;
    if (!template.ok || !test.ok) {
      faults.push(`${at}: ${JSON.stringify(text)} ${test.ok ? "" : test.error}`);
      continue;
    }
    tests.push(test.value);
    variables.push(...variablesOf(template.value));
  }
  if (faults.length > 0) return err(faults);
  if (spec.kind === "null") return ok({ ...base, kind: "null", absent });
  const { set, ifExists, row } = spec;
  return ok({ ...base, kind: "compare", set, ifExists, negated: row.negated, tests, variables });
}

function isFilledObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && Object.keys(value).length > 0;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
