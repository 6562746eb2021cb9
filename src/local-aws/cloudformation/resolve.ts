/** The intrinsic functions that matter for comparing and showing: Ref, Fn::Sub, Fn::Join, Fn::GetAtt. */
import { isObject, type Json } from "./template.ts";

/** What a name stands for; undefined leaves the function as it is written. */
export interface Names {
  readonly ref: (name: string) => string | undefined;
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

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

function intrinsic(name: string, argument: Json, names: Names): Json | undefined {
  if (name === "Ref" && typeof argument === "string") return names.ref(argument);
  if (name === "Fn::Sub") return substitute(argument, names);
  if (name === "Fn::Join") return join(resolve(argument, names));
  if (name === "Fn::GetAtt" && isList(argument)) {
    const [resource, attribute] = argument;
    return typeof resource === "string" && typeof attribute === "string"
      ? names.attribute(resource, attribute)
      : undefined;
  }
  return undefined;
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

function lookUp(name: string, names: Names): string | undefined {
  const dot = name.indexOf(".");
  return dot === -1 ? names.ref(name) : names.attribute(name.slice(0, dot), name.slice(dot + 1));
}

function join(argument: Json): Json | undefined {
  if (!isList(argument)) return undefined;
  const [delimiter, parts] = argument;
  if (typeof delimiter !== "string" || parts === undefined || !isList(parts)) return undefined;
  return parts.every((part) => typeof part === "string") ? parts.join(delimiter) : undefined;
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
