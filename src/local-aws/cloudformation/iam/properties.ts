/**
 * The properties of IAM resources: which there are, of what shape, and how they are read once `checkProperties` has
 * passed them. A property that nobody here knows is refused: left out in silence, the role would be another one.
 */
import { ok } from "../../../result.ts";
import { type Answered, invalid } from "../../fault.ts";
import type { Tag } from "../../tags.ts";
import { isList } from "../resolve.ts";
import { isObject, type Json, type JsonObject } from "../template.ts";

export type Shape = "text" | "document" | "texts" | "policies" | "tags";

export interface PropertyRules {
  readonly required: readonly string[];
  readonly shapes: Readonly<Record<string, Shape>>;
}

const isText = (value: Json | undefined): value is string | number | boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

const isDocument = (value: Json | undefined): boolean => isObject(value) || typeof value === "string";

const listOf = (value: Json, item: (value: Json) => boolean): boolean => isList(value) && value.every(item);

/** An object with exactly these members. */
const hasOnly = (
  value: Json,
  members: Readonly<Record<string, (member: Json | undefined) => boolean>>,
): boolean =>
  isObject(value) &&
  Object.keys(value).every((name) => Object.hasOwn(members, name)) &&
  Object.entries(members).every(([name, fits]) => fits(value[name]));

const FITS: Readonly<Record<Shape, (value: Json) => boolean>> = {
  text: isText,
  document: isDocument,
  texts: (value) => listOf(value, isText) && isList(value) && new Set(value).size === value.length,
  policies: (value) =>
    listOf(value, (item) => hasOnly(item, { PolicyName: isText, PolicyDocument: isDocument })),
  tags: (value) => listOf(value, (item) => hasOnly(item, { Key: isText, Value: isText })),
};

export function checkProperties(
  logicalId: string,
  rules: PropertyRules,
  properties: JsonObject,
): Answered<null> {
  const faults = [
    ...rules.required
      .filter((name) => !Object.hasOwn(properties, name))
      .map((name) => `#: required key [${name}] not found`),
    ...Object.entries(properties).flatMap(([name, value]) => {
      if (!Object.hasOwn(rules.shapes, name)) return [`#: extraneous key [${name}] is not permitted`];
      const shape = rules.shapes[name] ?? "text";
      return FITS[shape](value) ? [] : [`#/${name}: not of the expected type (${shape})`];
    }),
  ];
  return faults.length === 0
    ? ok(null)
    : invalid(`Properties validation failed for resource ${logicalId} with message: [${faults.join(", ")}]`);
}

/** Null where the property is not given. */
export function textOf(properties: JsonObject, name: string): string | null {
  const value = properties[name];
  return isText(value) ? String(value) : null;
}

/** A policy document as the text IAM is sent. */
const documentText = (value: Json | undefined): string =>
  typeof value === "string" ? value : JSON.stringify(value ?? null);

export const documentOf = (properties: JsonObject, name: string): string => documentText(properties[name]);

const itemsOf = (properties: JsonObject, name: string): readonly Json[] => {
  const value = properties[name];
  return isList(value) ? value : [];
};

export const textsOf = (properties: JsonObject, name: string): readonly string[] =>
  itemsOf(properties, name).filter(isText).map(String);

/** Documents by name. */
export const policiesOf = (properties: JsonObject): ReadonlyMap<string, string> =>
  new Map(
    itemsOf(properties, "Policies")
      .filter(isObject)
      .map((item) => [textOf(item, "PolicyName") ?? "", documentText(item["PolicyDocument"])]),
  );

export const tagsIn = (properties: JsonObject): readonly Tag[] =>
  itemsOf(properties, "Tags")
    .filter(isObject)
    .map((item) => ({ key: textOf(item, "Key") ?? "", value: textOf(item, "Value") ?? "" }));

export const tagJson = (tags: readonly Tag[]): Json =>
  tags.map((tag) => ({ Key: tag.key, Value: tag.value }));
