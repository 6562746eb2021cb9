/**
 * The log as lines of a file, page by page: its exact texts, or an OCSF event an entry. Holds one page at a time. Must
 * never leave an entry out: what the log lacks ends it.
 */
import { ocsfEvent } from "../../audit/ocsf.ts";
import { readEntry } from "../../audit/read-entry.ts";
import type { LogReader } from "../../audit/reader.ts";
import { entryJson } from "./lines.ts";

export const FORMATS = ["jsonl", "ocsf"] as const;
export type Format = (typeof FORMATS)[number];

const PAGE = 500;

export interface Wanted {
  readonly log: Pick<LogReader, "leaves">;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly format: Format;
  /** Of the broker that makes it. */
  readonly version: string;
}

/** A page's lines as one text, and how many entries are in it. Throws where the log lacks one of them. */
export async function* exportedPages({
  log,
  from,
  to,
  format,
  version,
}: Wanted): AsyncGenerator<{ readonly text: string; readonly entries: number }> {
  const line = format === "jsonl" ? exactLine : eventLine;
  for (let at = from; at < to;) {
    const texts = await log.leaves({ from: at, to: Math.min(at + PAGE, to) });
    if (texts.length === 0) throw new Error(`the log lacks entry ${at}`);
    yield { text: texts.map((text, n) => line(at + n, text, version)).join(""), entries: texts.length };
    at += texts.length;
  }
}

/** The text is a JSON string in the line, so that its exact bytes come back: they are what the tree's leaves hash. */
function exactLine(index: number, text: string): string {
  return `${entryJson({ index, text })}\n`;
}

function eventLine(index: number, text: string, version: string): string {
  const entry = readEntry(index, text);
  if (!entry.ok) throw new Error(entry.error);
  return `${entryJson(ocsfEvent(entry.value, version))}\n`;
}
