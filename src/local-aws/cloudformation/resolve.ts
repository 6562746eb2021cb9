/**
 * The intrinsic functions: Ref, Fn::GetAtt, Fn::Sub, Fn::Join, Fn::Select and Fn::Split. What cannot be resolved
 * stays as it is written; `whole` is for those who must not take such a thing for a value.
 */
import { ok } from "../../result.ts";
import { type Answered, invalid } from "../fault.ts";
import { isObject, type Json } from "./template.ts";

/** What a name stands for; undefined leaves the function as it is written. */
export interface Names {
  readonly ref: (name: string) => Json | undefined;
  readonly attribute: (resource: string, attribute: string) => string | undefined;
}

export function resolve(value: Json, names: Names): Json {
  if (isList(value)) return value.map((item) => resolve(item, names));
  if (!isObject(value)) return value;
  const [[name, argument] = ["", null], ...rest] = Object.entries(value);
  const known = rest.length === 0 ? intrinsic(name, argument, names) : undefined;
  if (known !== undefined) return known;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, names)]));
}

export const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

function intrinsic(name: string, argument: Json, names: Names): Json | undefined {
  switch (name) {
    case "Ref":
      return typeof argument === "string" ? names.ref(argument) : undefined;
    case "Fn::Sub":
      return substitute(argument, names);
    case "Fn::Join":
      return join(resolve(argument, names));
    case "Fn::Select":
      return select(resolve(argument, names));
    case "Fn::Split":
      return split(resolve(argument, names));
    case "Fn::GetAtt":
      return attributeOf(argument, names);
    default:
      return undefined;
  }
}

function attributeOf(argument: Json, names: Names): Json | undefined {
  const [resource, attribute] = isList(argument) ? argument : [];
  return typeof resource === "string" && typeof attribute === "string"
    ? names.attribute(resource, attribute)
    : undefined;
}

function substitute(argument: Json, names: Names): Json | undefined {
  const [text, own] = isList(argument) ? argument : [argument, {}];
  if (typeof text !== "string") return undefined;
  const locals = isObject(own) ? own : {};
  const unresolved: string[] = [];
  const result = text.replace(/\$\{(!?)([^}]{1,256})\}/g, (whole, literal: string, name: string) => {
    if (literal !== "") return `\${${name}}`;
    const found = Object.hasOwn(locals, name) ? resolve(locals[name] ?? "", names) : lookUp(name, names);
    if (typeof found === "string" || typeof found === "number") return String(found);
    unresolved.push(name);
    return whole;
  });
  // Half substituted, it would compare as changed when nothing did: keep what was written.
  return unresolved.length === 0 ? result : { "Fn::Sub": [result, locals] };
}

function lookUp(name: string, names: Names): Json | undefined {
  const dot = name.indexOf(".");
  return dot === -1 ? names.ref(name) : names.attribute(name.slice(0, dot), name.slice(dot + 1));
}

function join(argument: Json): Json | undefined {
  if (!isList(argument)) return undefined;
  const [delimiter, parts] = argument;
  if (typeof delimiter !== "string" || !isList(parts)) return undefined;
  const texts = parts.filter((part) => !isObject(part) && !isList(part) && part !== null);
  return texts.length === parts.length ? texts.map(String).join(delimiter) : undefined;
}

function select(argument: Json): Json | undefined {
  if (!isList(argument)) return undefined;
  const [index, items] = argument;
  return isList(items) && /^\d{1,4}$/.test(scalar(index)) ? items[Number(index)] : undefined;
}

function split(argument: Json): Json | undefined {
  if (!isList(argument)) return undefined;
  const [delimiter, text] = argument;
  return typeof delimiter === "string" && delimiter !== "" && typeof text === "string"
    ? text.split(delimiter)
    : undefined;
}

const scalar = (value: Json | undefined): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";

const NO_VALUE = "AWS::NoValue";

/** Resolved through and through, or a fault that names the first function which is not. */
export function whole(value: Json, names: Names): Answered<Json> {
  const resolved = withoutNoValue(resolve(value, names));
  const left = unresolved(resolved);
  return left === null
    ? ok(resolved)
    : invalid(`Template error: local AWS cannot resolve ${JSON.stringify(left)}`);
}

const isNoValue = (value: Json): boolean => isObject(value) && value["Ref"] === NO_VALUE;

function withoutNoValue(value: Json): Json {
  if (isList(value)) return value.filter((item) => !isNoValue(item)).map(withoutNoValue);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => !isNoValue(item))
      .map(([key, item]) => [key, withoutNoValue(item)]),
  );
}

/** `Condition` is no function here: policy documents have an element of that name. */
function unresolved(value: Json): Json | null {
  if (isList(value)) return first(value);
  if (!isObject(value)) return null;
  const [name] = Object.keys(value);
  if (name === "Ref" || name?.startsWith("Fn::") === true) return value;
  return first(Object.values(value));
}

function first(values: readonly Json[]): Json | null {
  for (const value of values) {
    const found = unresolved(value);
    if (found !== null) return found;
  }
  return null;
}

/** Names of everything `value` refers to by Ref, Fn::GetAtt or Fn::Sub. */
export function references(value: Json): ReadonlySet<string> {
  const found = new Set<string>();
  resolve(value, {
    ref: (name) => {
      found.add(name);
      return undefined;
    },
    attribute: (resource) => {
      found.add(resource);
      return undefined;
    },
  });
  return found;
}
