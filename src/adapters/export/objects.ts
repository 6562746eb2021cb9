/**
 * How an export is laid out, the same in a folder and in a bucket, so that one can be copied to the other: names, and
 * the bytes under them. See docs/audit-export.md. Pure.
 */
import { BATCH, type ExportBatch, type ExportedCheckpoint } from "../../audit/export.ts";

export const ENTRIES = "entries/";
export const CHECKPOINTS = "checkpoints/";

export interface ExportObject {
  /** Path below the folder or the prefix. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** So many digits that names sort like numbers: as many as a checkpoint's size may have. */
const DIGITS = 15;
const padded = (size: number): string => String(size).padStart(DIGITS, "0");

const utf8 = new TextEncoder();

/** One text a line, each ended: line n of the file is leaf `from` + n of the tree. `to` is exclusive. */
export function entriesObject({ from, texts }: ExportBatch): ExportObject {
  // The texts are JSON on one line; one that is not would move every line after it.
  if (texts.some((text) => text.includes("\n"))) throw new Error("an entry's text holds a line break");
  const name = `${ENTRIES}${padded(from)}-${padded(from + texts.length)}.jsonl`;
  return { name, bytes: utf8.encode(texts.map((text) => `${text}\n`).join("")) };
}

/** The signed note as it is. */
export function checkpointObject({ size, note }: ExportedCheckpoint): ExportObject {
  return { name: checkpointName(size), bytes: utf8.encode(note) };
}

export const checkpointName = (size: number): string => `${CHECKPOINTS}${padded(size)}.txt`;

/** `file`: without the folder. Null for what is no checkpoint's name. */
export function checkpointSize(file: string): number | null {
  const [, size] = /^(\d{15})\.txt$/.exec(file) ?? [];
  return size === undefined ? null : Number(size);
}

export interface EntriesRange {
  readonly from: number;
  readonly to: number;
}

/** Null for what is no name of a batch: none reaches over a multiple of BATCH. */
export function entriesRange(file: string): EntriesRange | null {
  const [, first, end] = /^(\d{15})-(\d{15})\.jsonl$/.exec(file) ?? [];
  const [from, to] = [Number(first), Number(end)];
  return from < to && blockOf(from) === blockOf(to - 1) ? { from, to } : null;
}

export const blockOf = (index: number): number => Math.floor(index / BATCH);

/** The texts, or null where the bytes are not so many ended lines of UTF-8. */
export function readTexts(bytes: Uint8Array, lines: number): readonly string[] | null {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
  const texts = text.split("\n");
  return texts.pop() === "" && texts.length === lines ? texts : null;
}
