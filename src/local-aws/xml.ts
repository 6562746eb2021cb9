/**
 * Values to XML. Everything that is text is escaped here and nowhere else: tag values, names and templates are
 * hostile and would otherwise forge elements of an answer. Element names come from code, never from a request.
 */
export type XmlValue =
  string | number | boolean | Date | null | undefined | readonly XmlValue[] | XmlStructure;

export interface XmlStructure {
  readonly [name: string]: XmlValue;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\r": "&#xD;",
};

/** What XML 1.0 cannot hold, even escaped: a parser would refuse the whole answer. */
const UNREPRESENTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/gu;
const LONE_SURROGATE = /\p{Surrogate}/gu;

export function escapeXml(text: string): string {
  return text
    .replace(UNREPRESENTABLE, "\ufffd")
    .replace(LONE_SURROGATE, "\ufffd")
    .replace(/[&<>"'\r]/g, (character) => ENTITIES[character] ?? character);
}

/** One element. Lists become `<member>` items as in AWS's query protocol; null and undefined leave no trace. */
export function element(name: string, value: XmlValue): string {
  if (value === null || value === undefined) return "";
  return `<${name}>${content(value)}</${name}>`;
}

function content(value: Exclude<XmlValue, null | undefined>): string {
  if (typeof value === "string") return escapeXml(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value instanceof Date) return value.toISOString();
  if (isList(value)) return value.map((item) => element("member", item)).join("");
  return Object.entries(value)
    .map(([name, item]) => element(name, item))
    .join("");
}

const isList = (value: readonly XmlValue[] | XmlStructure): value is readonly XmlValue[] =>
  Array.isArray(value);
