/**
 * Policy JSON to a ParsedPolicy, strictly: whatever AWS's grammar does not name is a fault, and all faults are
 * reported. Must not repair: a document that is nearly right is refused, since what its author meant is unknown.
 */
import { err, ok, type Result } from "../../result.ts";
import { isObject, parseConditions, type Condition } from "./condition.ts";
import { compileGlob, foldAscii } from "./match.ts";
import { parsePrincipal } from "./principal.ts";
import type { ActionMatcher, ParsedStatement, ResourceMatcher } from "./statement.ts";
import { globPieces, isConstant, parseTemplate, plainText, variablesOf, type Template } from "./variables.ts";

export interface ParseOptions {
  /** Requires Principal or NotPrincipal in every statement; identity policies refuse both. */
  readonly resourcePolicy?: boolean;
  /**
   * With `resourcePolicy`, a role's trust policy: Resource and NotResource may be left out, as the resource is the
   * role that holds the policy.
   */
  readonly allowMissingResource?: boolean;
}

/** A policy ready to be evaluated, with everything compiled that does not depend on the request. Immutable. */
export interface ParsedPolicy {
  readonly version: "2012-10-17" | "2008-10-17";
  readonly statements: readonly ParsedStatement[];
  /** What it was parsed as. `identity` is also the form of session policies, boundaries and SCPs. */
  readonly kind: "identity" | "resource" | "trust";
}

const STATEMENT_KEYS = new Set(
  "Sid Effect Principal NotPrincipal Action NotAction Resource NotResource Condition".split(" "),
);
const ACTION = /^(?:\*|[A-Za-z0-9-]+:[A-Za-z0-9*?-]+)$/;

/** What reading a statement needs to know of its document. */
interface DocumentRules {
  readonly kind: ParsedPolicy["kind"];
  readonly version: ParsedPolicy["version"];
  /** Collects the faults of the whole document. */
  readonly faults: string[];
}

/** `json` is the JSON value, not its text. Each fault is one sentence that begins with a path. */
export function parsePolicy(
  json: unknown,
  options: ParseOptions = {},
): Result<ParsedPolicy, readonly string[]> {
  if (!isObject(json)) return err(["a policy must be a JSON object"]);
  const faults: string[] = [];
  const resourceKind = options.allowMissingResource === true ? "trust" : "resource";
  const kind = options.resourcePolicy === true ? resourceKind : "identity";
  const known = kind === "identity" ? ["Version", "Statement"] : ["Version", "Id", "Statement"];
  for (const key of Object.keys(json))
    if (!known.includes(key)) faults.push(`${key} is not a policy element`);
  if (json.Id !== undefined && typeof json.Id !== "string") faults.push("Id must be a string");
  // Absent, AWS takes the older language, the one without variables.
  const version = json.Version === "2012-10-17" ? "2012-10-17" : "2008-10-17";
  if (json.Version !== undefined && json.Version !== version) {
    faults.push("Version must be 2012-10-17 or 2008-10-17");
  }
  const list: readonly unknown[] = Array.isArray(json.Statement) ? json.Statement : [json.Statement];
  if (list.length === 0 || list[0] === undefined) faults.push("Statement must hold at least one statement");
  const rules: DocumentRules = { kind, version, faults };
  const statements = list.flatMap((raw, index) => parseStatement(raw, index, rules) ?? []);
  reportDoubleSids(list, faults);
  return faults.length > 0 ? err(faults) : ok({ version, kind, statements });
}

function reportDoubleSids(list: readonly unknown[], faults: string[]): void {
  const seen = new Set<unknown>();
  for (const { Sid: sid } of list.filter(isObject)) {
    if (typeof sid !== "string" || sid === "") continue;
    if (seen.has(sid)) faults.push(`Sid ${JSON.stringify(sid)} is used twice`);
    seen.add(sid);
  }
}

function parseStatement(raw: unknown, index: number, rules: DocumentRules): ParsedStatement | null {
  const at = `Statement[${index}]`;
  const { faults } = rules;
  if (raw === undefined) return null;
  if (!isObject(raw)) {
    faults.push(`${at} must be an object`);
    return null;
  }
  for (const key of Object.keys(raw)) {
    if (!STATEMENT_KEYS.has(key)) faults.push(`${at}.${key} is not a statement element`);
  }
  const { Sid: sid, Effect: effect } = raw;
  const sidOk = typeof sid === "string" && (rules.kind !== "identity" || /^[A-Za-z0-9]*$/.test(sid));
  if (sid !== undefined && !sidOk) faults.push(`${at}.Sid must be letters and digits`);
  if (effect !== "Allow" && effect !== "Deny") faults.push(`${at}.Effect must be Allow or Deny`);

  const principal = readPrincipal(raw, at, rules);
  const action = readActions(raw, at, rules);
  const resource = readResources(raw, at, rules);
  const conditions = readConditions(raw, at, rules);
  if (action === null) return null;
  return {
    name: typeof sid === "string" && sid !== "" ? sid : String(index),
    effect: effect === "Allow" ? "Allow" : "Deny",
    principal,
    action,
    resource,
    conditions,
    variables: [
      ...(resource?.templates ?? []).flatMap(variablesOf),
      ...conditions.flatMap((condition) => (condition.kind === "compare" ? condition.variables : [])),
    ],
  };
}

/** Which of an element and its Not-form stands there; a fault when both do, or when neither does and one must. */
function pick(
  raw: Readonly<Record<string, unknown>>,
  element: "Principal" | "Action" | "Resource",
  rules: { readonly at: string; readonly faults: string[]; readonly required: boolean },
): { readonly key: string; readonly negated: boolean; readonly value: unknown } | null {
  const { at, faults, required } = rules;
  const hasPlain = raw[element] !== undefined;
  const hasNegated = raw[`Not${element}`] !== undefined;
  if (hasPlain && hasNegated) faults.push(`${at} has both ${element} and Not${element}`);
  if (!hasPlain && !hasNegated) {
    if (required) faults.push(`${at} has neither ${element} nor Not${element}`);
    return null;
  }
  const key = hasPlain ? element : `Not${element}`;
  return { key: `${at}.${key}`, negated: !hasPlain, value: raw[key] };
}

function readPrincipal(
  raw: Readonly<Record<string, unknown>>,
  at: string,
  { faults, kind }: DocumentRules,
): ParsedStatement["principal"] {
  const picked = pick(raw, "Principal", { at, faults, required: kind !== "identity" });
  if (picked === null) return null;
  if (kind === "identity") {
    faults.push(`${picked.key} has no place in an identity policy`);
    return null;
  }
  if (picked.negated && raw.Effect === "Allow") {
    faults.push(
      `${picked.key} with Effect Allow would grant to everyone else; AWS supports it with Deny only`,
    );
  }
  const names = parsePrincipal(picked.value, picked.key);
  if (names.ok) return { negated: picked.negated, names: names.value };
  faults.push(...names.error);
  return null;
}

function readActions(
  raw: Readonly<Record<string, unknown>>,
  at: string,
  { faults }: DocumentRules,
): ActionMatcher | null {
  const picked = pick(raw, "Action", { at, faults, required: true });
  if (picked === null) return null;
  const texts = readStrings(picked.value, picked.key, faults);
  for (const text of texts) {
    if (!ACTION.test(text)) faults.push(`${picked.key}: ${JSON.stringify(text)} is not service:Action`);
  }
  const patterns = texts.map(foldAscii);
  const isName = (pattern: string): boolean => !/[*?]/.test(pattern);
  return {
    negated: picked.negated,
    names: new Set(patterns.filter(isName)),
    globs: patterns.filter((p) => !isName(p)).map((text) => compileGlob([{ text, wild: true }])),
  };
}

function readResources(
  raw: Readonly<Record<string, unknown>>,
  at: string,
  { faults, version, kind }: DocumentRules,
): ResourceMatcher | null {
  const picked = pick(raw, "Resource", { at, faults, required: kind !== "trust" });
  if (picked === null) return null;
  const templates: Template[] = [];
  for (const text of readStrings(picked.value, picked.key, faults)) {
    const template = version === "2012-10-17" ? parseTemplate(text) : ok(plainText(text));
    if (!template.ok) faults.push(`${picked.key}: ${JSON.stringify(text)} ${template.error}`);
    else if (text !== "*" && !text.startsWith("arn:")) {
      faults.push(`${picked.key}: ${JSON.stringify(text)} is neither an ARN nor "*"`);
    } else if (variableTooEarly(template.value)) {
      faults.push(`${picked.key}: ${JSON.stringify(text)} has a variable before the ARN's fifth colon`);
    } else templates.push(template.value);
  }
  return {
    negated: picked.negated,
    globs: templates.filter(isConstant).map((template) => compileGlob(globPieces(template, new Map()))),
    templates: templates.filter((template) => !isConstant(template)),
  };
}

/** AWS takes variables "only in the resource portion of the ARN": a tag must not choose the service or account. */
function variableTooEarly(template: Template): boolean {
  const first = template.findIndex((part) => part.kind === "variable");
  const before = template.slice(0, Math.max(0, first)).map((part) => (part.kind === "text" ? part.text : ""));
  return first !== -1 && before.join("").split(":").length < 6;
}

function readConditions(
  raw: Readonly<Record<string, unknown>>,
  at: string,
  { faults, version }: DocumentRules,
): readonly Condition[] {
  if (raw.Condition === undefined) return [];
  const parsed = parseConditions(raw.Condition, {
    at: `${at}.Condition`,
    variables: version === "2012-10-17",
  });
  if (parsed.ok) return parsed.value;
  faults.push(...parsed.error);
  return [];
}

function readStrings(value: unknown, at: string, faults: string[]): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (values.length === 0) faults.push(`${at} has no values`);
  return values.flatMap((one) => {
    if (typeof one === "string" && one !== "") return [one];
    faults.push(`${at} must hold strings that are not empty`);
    return [];
  });
}
