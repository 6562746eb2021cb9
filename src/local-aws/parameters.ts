/**
 * The form-encoded parameters of a query-protocol request, as text, lists (`Name.member.N`) and structures.
 * Everything in here is hostile text: it says what was sent and judges nothing.
 */
import { ok } from "../result.ts";
import { type Answered, fault } from "./fault.ts";

export interface Parameters {
  /** Undefined when it was not sent; an empty string when it was sent empty. */
  text(name: string): string | undefined;
  /** Undefined when the list was not sent; empty when it was sent empty (`Name=`). */
  list(name: string): readonly string[] | undefined;
  structures(name: string): readonly Parameters[] | undefined;
  /** Every name and value, flat, as sent. */
  readonly entries: ReadonlyMap<string, string>;
}

/** Refuses a name that is sent twice: two readers could disagree about which one counts. */
export function parseForm(body: string): Answered<Parameters> {
  const flat = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body)) {
    if (flat.has(name))
      return fault("MalformedQueryString", `The parameter ${name} is in the request more than once.`);
    flat.set(name, value);
  }
  return ok(view(flat, ""));
}

export const noParameters = (): Parameters => view(new Map(), "");

/** A request's parameters before they are flat: texts, lists of texts, lists of structures of texts. */
export type ParameterTree = Readonly<
  Record<string, string | null | readonly string[] | readonly Readonly<Record<string, string>>[]>
>;

/** As an SDK would send them. What is null is not sent. */
export function parametersOf(tree: ParameterTree): Parameters {
  const flat = new Map<string, string>();
  for (const [name, value] of Object.entries(tree)) {
    if (value === null) continue;
    if (typeof value === "string") {
      flat.set(name, value);
      continue;
    }
    for (const [index, item] of value.entries()) {
      const key = `${name}.member.${index + 1}`;
      if (typeof item === "string") flat.set(key, item);
      else for (const [field, text] of Object.entries(item)) flat.set(`${key}.${field}`, text);
    }
  }
  return view(flat, "");
}

function view(flat: ReadonlyMap<string, string>, prefix: string): Parameters {
  const items = (name: string): readonly string[] | undefined => itemKeys(flat, prefix + name);
  return {
    text: (name) => flat.get(prefix + name),
    list: (name) => items(name)?.map((key) => flat.get(key) ?? ""),
    structures: (name) => items(name)?.map((key) => view(flat, `${key}.`)),
    entries: flat,
  };
}

/** The keys of a list's items in order of their numbers, without what follows the number. */
function itemKeys(flat: ReadonlyMap<string, string>, list: string): readonly string[] | undefined {
  const found = new Map<number, string>();
  for (const key of flat.keys()) {
    if (!key.startsWith(`${list}.`)) continue;
    const place = /^(?:member\.)?(\d{1,6})(?=\.|$)/.exec(key.slice(list.length + 1));
    if (place?.[1] !== undefined) found.set(Number(place[1]), `${list}.${place[0]}`);
  }
  if (found.size === 0) return flat.has(list) ? [] : undefined;
  return [...found].sort(([a], [b]) => a - b).map(([, key]) => key);
}
