/**
 * CloudFormation templates, JSON or YAML with the short forms (`!Ref`, `!Sub`, `!GetAtt`, …), as data. Parses and
 * never runs anything; a template is hostile text, so depth and size are bounded.
 */
import { isAlias, isMap, isScalar, isSeq, type Node, parseDocument } from "yaml";
import { ok } from "../../result.ts";
import { type Answered, constraint, invalid } from "../fault.ts";

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export interface TemplateParameter {
  readonly type: string;
  readonly defaultValue: string | null;
  readonly noEcho: boolean;
  readonly description: string | null;
}

export interface TemplateResource {
  readonly type: string;
  readonly properties: JsonObject;
  readonly deletionPolicy: string;
  readonly updateReplacePolicy: string;
  readonly metadata: Json;
  readonly dependsOn: readonly string[];
  /** The condition it is made under, which local AWS does not decide. */
  readonly condition: string | null;
}

export interface Template {
  readonly text: string;
  readonly description: string | null;
  readonly version: string | null;
  readonly transforms: readonly string[];
  /** Whether it has `Rules`, which local AWS does not decide. */
  readonly rules: boolean;
  readonly parameters: ReadonlyMap<string, TemplateParameter>;
  readonly resources: ReadonlyMap<string, TemplateResource>;
  readonly outputs: ReadonlyMap<string, JsonObject>;
}

const MOST_CHARACTERS = 51_200;
const MOST_DEPTH = 60;

export function parseTemplate(text: string): Answered<Template> {
  if (text.length < 1 || text.length > MOST_CHARACTERS)
    return constraint("…", "templateBody", `have length between 1 and ${MOST_CHARACTERS}`);
  const json = parseText(text);
  if (json === undefined) return invalid("Template format error: unsupported structure.");
  if (!isObject(json)) return invalid("Template format error: the template is not a mapping.");
  const declared = json["Resources"];
  // Dropped, as a Fn::ForEach would be, it would be a resource that nobody makes and nobody misses.
  if (isObject(declared) && !Object.values(declared).every(isObject))
    return invalid("Template format error: Any Resources member must be an object.");
  const resources = new Map<string, TemplateResource>();
  for (const [id, resource] of entries(declared)) {
    const type = resource["Type"];
    if (typeof type !== "string" || !/^[\w]+(?:::[\w-]+)+$/.test(type))
      return invalid(
        `Template format error: [/Resources/${id}] Every Resources object must contain a Type member.`,
      );
    if (!/^[A-Za-z0-9]{1,255}$/.test(id))
      return invalid(`Template format error: Resource name ${id} is non alphanumeric.`);
    resources.set(id, readResource(type, resource));
  }
  if (resources.size === 0)
    return invalid("Template format error: At least one Resources member must be defined.");
  return ok({
    text,
    description: textOf(json["Description"]),
    version: textOf(json["AWSTemplateFormatVersion"]),
    transforms: [json["Transform"]].flat().filter((name) => typeof name === "string"),
    rules: isObject(json["Rules"]) && Object.keys(json["Rules"]).length > 0,
    parameters: new Map(entries(json["Parameters"]).map(([id, value]) => [id, readParameter(value)])),
    resources,
    outputs: new Map(entries(json["Outputs"])),
  });
}

const readResource = (type: string, resource: JsonObject): TemplateResource => ({
  type,
  properties: isObject(resource["Properties"]) ? resource["Properties"] : {},
  deletionPolicy: textOf(resource["DeletionPolicy"]) ?? "Delete",
  updateReplacePolicy: textOf(resource["UpdateReplacePolicy"]) ?? "Delete",
  metadata: resource["Metadata"] ?? null,
  dependsOn: [resource["DependsOn"]].flat().filter((name) => typeof name === "string"),
  condition: textOf(resource["Condition"]),
});

const readParameter = (parameter: JsonObject): TemplateParameter => ({
  type: textOf(parameter["Type"]) ?? "String",
  defaultValue: textOf(parameter["Default"]),
  noEcho: textOf(parameter["NoEcho"]) === "true",
  description: textOf(parameter["Description"]),
});

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const textOf = (value: Json | undefined): string | null =>
  value === undefined || value === null || typeof value === "object" ? null : String(value);

const entries = (value: Json | undefined): readonly (readonly [string, JsonObject])[] =>
  isObject(value)
    ? Object.entries(value).flatMap(([key, item]) => (isObject(item) ? [[key, item] as const] : []))
    : [];

/** Undefined for text that is neither JSON nor YAML, or nested deeper than any honest template. */
function parseText(text: string): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return shallow(parsed, 0) ? (parsed as Json) : undefined;
  } catch {
    return parseYaml(text);
  }
}

const shallow = (value: unknown, depth: number): boolean =>
  depth <= MOST_DEPTH &&
  (typeof value !== "object" ||
    value === null ||
    Object.values(value).every((item) => shallow(item, depth + 1)));

function parseYaml(text: string): Json | undefined {
  try {
    // Unknown tags are only warnings: the node keeps its tag, and plain() makes the long form of it.
    const document = parseDocument(text, { logLevel: "silent", uniqueKeys: true });
    if (document.errors.length > 0 || document.contents === null) return undefined;
    return plain(document.contents, (alias) => (isAlias(alias) ? alias.resolve(document) : undefined), 0);
  } catch {
    // The library throws for nesting that exhausts its stack and for aliases that multiply.
    return undefined;
  }
}

function plain(node: unknown, resolve: (alias: Node) => Node | undefined, depth: number): Json {
  if (depth > MOST_DEPTH) throw new Error("template is nested too deeply");
  if (isAlias(node)) return plain(resolve(node), resolve, depth + 1);
  if (isMap(node))
    return longForm(
      node.tag,
      Object.fromEntries(
        node.items.map((pair) => [
          isScalar(pair.key) ? String(pair.key.value) : "",
          plain(pair.value, resolve, depth + 1),
        ]),
      ),
    );
  if (isSeq(node))
    return longForm(
      node.tag,
      node.items.map((item) => plain(item, resolve, depth + 1)),
    );
  if (!isScalar(node)) return null;
  const { value } = node;
  const simple = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return longForm(node.tag, simple ? value : null);
}

/** `!Ref x` is `{Ref: x}`, `!GetAtt a.b` is `{Fn::GetAtt: [a, b]}`, `!X y` is `{Fn::X: y}`. */
function longForm(tag: string | undefined, value: Json): Json {
  if (tag === undefined || !/^![A-Za-z]+$/.test(tag)) return value;
  const name = tag.slice(1);
  if (name === "Ref" || name === "Condition") return { [name]: value };
  if (name === "GetAtt" && typeof value === "string") {
    const dot = value.indexOf(".");
    return { "Fn::GetAtt": dot === -1 ? [value] : [value.slice(0, dot), value.slice(dot + 1)] };
  }
  return { [`Fn::${name}`]: value };
}
