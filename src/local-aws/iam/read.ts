/** What IAM operations read out of a request: names, paths, documents and pages, within AWS's limits. */
import { ok } from "../../result.ts";
import type { Call } from "../call.ts";
import { type Answered, constraint, fault, missing } from "../fault.ts";
import { page } from "../paging.ts";
import type { Parameters } from "../parameters.ts";
import type { XmlStructure, XmlValue } from "../xml.ts";

const NAME = /^[\w+=,.@-]+$/;

export function readName(parameters: Parameters, parameter: string, most: number): Answered<string> {
  const name = parameters.text(parameter);
  const at = parameter.charAt(0).toLowerCase() + parameter.slice(1);
  if (name === undefined) return missing(at);
  if (name.length < 1) return constraint(name, at, "have length greater than or equal to 1");
  if (name.length > most) return constraint(name, at, `have length less than or equal to ${most}`);
  return NAME.test(name)
    ? ok(name)
    : constraint(name, at, "satisfy regular expression pattern: [\\w+=,.@-]+");
}

export function readPath(parameters: Parameters): Answered<string> {
  const path = parameters.text("Path") ?? "/";
  if (path.length <= 512 && /^\/(?:[\u0021-\u007e]+\/)?$/.test(path)) return ok(path);
  return fault(
    "ValidationError",
    "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
  );
}

export function readText(parameters: Parameters, parameter: string): Answered<string> {
  const text = parameters.text(parameter);
  return text === undefined ? missing(parameter.charAt(0).toLowerCase() + parameter.slice(1)) : ok(text);
}

export function readDescription(parameters: Parameters): Answered<string | null> {
  const text = parameters.text("Description") ?? null;
  return text !== null && text.length > 1000
    ? constraint(text, "description", "have length less than or equal to 1000")
    : ok(text);
}

/** One page of an IAM list (`Marker`, `MaxItems`) as the answer's members. */
export function listAnswer<T>(
  call: Call,
  name: string,
  all: readonly T[],
  toXml: (item: T) => XmlValue,
): Answered<{ readonly result: XmlStructure }> {
  const most = call.parameters.text("MaxItems") ?? "100";
  if (!/^\d{1,4}$/.test(most) || Number(most) < 1 || Number(most) > 1000)
    return constraint(most, "maxItems", "have value between 1 and 1000");
  const found = page(all, call.parameters.text("Marker"), Number(most));
  if (!found.ok) return found;
  const { items, next } = found.value;
  return ok({ result: { [name]: items.map(toXml), IsTruncated: next !== undefined, Marker: next } });
}

/** IAM percent-encodes the documents it answers with. */
export const encodeDocument = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
