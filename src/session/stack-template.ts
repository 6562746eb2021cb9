/**
 * A CloudFormation template as far as an approver must be warned of it: its resources' types and environment tags, its
 * macros, and what it takes from Parameter Store. Pure. A template is hostile text: size and depth are bounded, nothing
 * in it is run, and what cannot be read is null.
 */
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document } from "yaml";

export interface StackTemplate {
  /** By logical id. */
  readonly resources: ReadonlyMap<string, TemplateResource>;
  /** Macros and transforms by name, in the template or in a part of it. */
  readonly macros: readonly string[];
  /** What is looked up when it runs: `{{resolve:…}}` references and parameters of an SSM type. */
  readonly lookedUp: readonly string[];
}

export interface TemplateResource {
  readonly type: string;
  /** What it says about each tag whose key is the environment's, or cannot be told: JSON, sorted. Empty: nothing. */
  readonly environment: readonly string[];
}

type Json = string | number | boolean | null | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json;
}

/** AWS's own limit for a template in S3. */
const MOST_CHARACTERS = 1_048_576;
const MOST_DEPTH = 100;
/** Aliases followed: a few lines of them can stand for more than any machine holds. */
const MOST_NODES = 200_000;

/** Null: neither JSON nor YAML, or no template. */
export function readStackTemplate(text: string, environmentTag: string): StackTemplate | null {
  if (text.length > MOST_CHARACTERS) return null;
  const tree = parse(text);
  if (!isObject(tree) || !isObject(tree["Resources"])) return null;
  const resources = Object.entries(tree["Resources"]).map(([id, resource]): [string, TemplateResource] => [
    id,
    {
      type: isObject(resource) && typeof resource["Type"] === "string" ? resource["Type"] : "",
      environment: isObject(resource) ? tagsIn(resource["Properties"] ?? null, environmentTag).sort() : [],
    },
  ]);
  return { resources: new Map(resources), macros: macrosIn(tree), lookedUp: lookedUpIn(tree, text) };
}

function parse(text: string): Json | undefined {
  try {
    // JSON is YAML, and one parser is one set of limits.
    const document: Document = parseDocument(text, { logLevel: "silent", uniqueKeys: true });
    return document.errors.length > 0
      ? undefined
      : plain({ document, left: MOST_NODES }, document.contents, 0);
  } catch {
    return undefined;
  }
}

interface Reading {
  readonly document: Document;
  /** How many nodes may still be read. */
  left: number;
}

/** The short forms keep their tag, so that `!Ref A` is never the text `A`. */
function plain(reading: Reading, node: unknown, depth: number): Json {
  reading.left -= 1;
  if (depth > MOST_DEPTH || reading.left < 0) throw new Error("nested too deeply, or too large");
  if (isAlias(node)) return plain(reading, node.resolve(reading.document), depth + 1);
  if (isMap(node)) {
    const pairs = node.items.map((pair): [string, Json] => [
      isScalar(pair.key) ? String(pair.key.value) : "",
      plain(reading, pair.value, depth + 1),
    ]);
    return tagged(node.tag, Object.fromEntries(pairs));
  }
  if (isSeq(node)) {
    return tagged(
      node.tag,
      node.items.map((item) => plain(reading, item, depth + 1)),
    );
  }
  const value = isScalar(node) ? node.value : null;
  return tagged(
    isScalar(node) ? node.tag : undefined,
    typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null,
  );
}

const tagged = (tag: string | undefined, value: Json): Json =>
  tag === undefined || !/^![A-Za-z]/.test(tag)
    ? value
    : { [tag === "!Ref" ? "Ref" : `Fn::${tag.slice(1)}`]: value };

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every node of the tree, with the key it stands under. */
function* nodes(value: Json, key = ""): Generator<readonly [string, Json]> {
  yield [key, value];
  if (Array.isArray(value)) for (const item of value as readonly Json[]) yield* nodes(item, key);
  else if (isObject(value)) for (const [name, item] of Object.entries(value)) yield* nodes(item, name);
}

/** As `{Key, Value}` in a list, or as a key of a map of tags. A key that is no plain text may be any key. */
function tagsIn(properties: Json, environmentTag: string): string[] {
  const wanted = environmentTag.toLowerCase();
  return [...nodes(properties)].flatMap(([under, node]) => {
    if (!isObject(node)) return [];
    const { Key: key, Value: value } = node;
    if (key !== undefined && value !== undefined) {
      if (typeof key === "string") return key.toLowerCase() === wanted ? [JSON.stringify(value)] : [];
      return [JSON.stringify([key, value])];
    }
    if (!/tags$/i.test(under)) return [];
    return Object.entries(node)
      .filter(([name]) => name.toLowerCase() === wanted)
      .map(([, item]) => JSON.stringify(item));
  });
}

function macrosIn(tree: JsonObject): readonly string[] {
  const top = [tree["Transform"] ?? []].flat().map((name) => (typeof name === "string" ? name : "a macro"));
  const inside = [...nodes(tree)].flatMap(([key, node]) =>
    key === "Fn::Transform" && isObject(node) && typeof node["Name"] === "string" ? [node["Name"]] : [],
  );
  return [...new Set([...top, ...inside])];
}

function lookedUpIn(tree: JsonObject, text: string): readonly string[] {
  const references = [...text.matchAll(/\{\{resolve:((?:ssm|ssm-secure|secretsmanager):[^}]{1,300})\}\}/g)];
  const parameters = isObject(tree["Parameters"]) ? Object.entries(tree["Parameters"]) : [];
  const typed = parameters.filter(
    ([, spec]) =>
      isObject(spec) && typeof spec["Type"] === "string" && spec["Type"].startsWith("AWS::SSM::Parameter::"),
  );
  return [
    ...new Set([...references.map(([, what]) => what ?? ""), ...typed.map(([name]) => `parameter ${name}`)]),
  ];
}
