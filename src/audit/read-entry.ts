/** The entry that a leaf's exact text holds. Pure. Must never change what the text says: the text is the record. */
import { err, ok, type Result } from "../result.ts";
import type { Entry, StoredEntry } from "./entry.ts";

/** `text` comes from a log or an export of one; whoever wrote it wrote an Entry, or this is refused. */
export function readEntry(index: number, text: string): Result<StoredEntry, string> {
  const unverified = parse(text);
  if (!isEntry(unverified)) return err(`entry ${index} is no entry of the audit log`);
  // Entries of the first version know of no person and no escalation.
  const unknown = { person: null, escalation: null };
  const base = { ...unknown, ...(unverified as object), index, at: new Date(unverified.at) };
  const detail = Object.entries(unverified.detail).map(([name, value]: [string, unknown]) => [
    name,
    TIMES.includes(name) ? new Date(value as string) : value,
  ]);
  return ok({ ...base, detail: Object.fromEntries(detail) as unknown } as StoredEntry);
}

/** Fields that hold a time in the details of whatever kind has them. */
const TIMES: readonly string[] = ["expiresAt", "countsFrom", "olderThan", "happenedAt"];

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isEntry(value: unknown): value is Entry & { readonly at: string } {
  if (typeof value !== "object" || value === null) return false;
  const { at, kind, detail } = value as Readonly<Record<string, unknown>>;
  const whole = typeof kind === "string" && typeof detail === "object" && detail !== null;
  return whole && typeof at === "string" && !Number.isNaN(Date.parse(at));
}
