/**
 * How entries are printed: a line, a whole, or JSON. Entries hold the words of agents and of AWS; must never let them
 * reach a terminal as anything but text.
 */
import type { StoredEntry } from "../../audit/entry.ts";
import { entrySentence } from "../../audit/sentence.ts";
import { inert, OBEYED } from "../inert.ts";

/** More of a sentence than this is for `show` and --json. */
const LONGEST = 300;

export function entryLine(entry: StoredEntry): string {
  const sentence = inert(entrySentence(entry));
  const told = sentence.length > LONGEST ? `${sentence.slice(0, LONGEST)}…` : sentence;
  return [String(entry.index).padStart(6), entry.at.toISOString(), entry.kind.padEnd(20), told].join("  ");
}

/** The sentence, then every field of the entry with its whole value. */
export function wholeEntry(entry: StoredEntry): string {
  const { index, at, kind, detail, ...base } = entry;
  const fields = { index, at, kind, ...base, detail };
  return `${inert(entrySentence(entry))}\n\n${fieldLines(fields, "").join("\n")}`;
}

/** JSON of the same value, in which what a terminal obeys stands as escapes. */
export function entryJson(value: unknown): string {
  return JSON.stringify(value).replace(OBEYED, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

function fieldLines(fields: object, indent: string): readonly string[] {
  return Object.entries(fields).flatMap(([name, value]: [string, unknown]) => {
    const title = `${indent}${inert(name)}:`;
    if (value instanceof Date) return [`${title} ${value.toISOString()}`];
    if (typeof value !== "object" || value === null) return [`${title} ${plain(value)}`];
    const below = Array.isArray(value) ? listLines(value, `${indent}  `) : fieldLines(value, `${indent}  `);
    return below.length === 0 ? [`${title} none`] : [title, ...below];
  });
}

function listLines(list: readonly unknown[], indent: string): readonly string[] {
  return list.flatMap((item) => {
    if (typeof item !== "object" || item === null) return [`${indent}- ${plain(item)}`];
    const [first = "", ...rest] = fieldLines(item, `${indent}  `);
    return [`${indent}- ${first.trimStart()}`, ...rest];
  });
}

/** Absent knowledge is null in an entry. */
function plain(value: unknown): string {
  if (value === null) return "–";
  return typeof value === "string" ? inert(value) : JSON.stringify(value);
}
