/** Which entries `ls` and `tail` show: the flags, and whether an entry fits them. Same meaning as AuditLog.search. */
import { InvalidArgumentError, type Command } from "commander";
import type { StoredEntry } from "../../audit/entry.ts";
import { ENTRY_KINDS } from "../../audit/sentence.ts";

export interface EntryFilter {
  readonly kind?: readonly string[];
  readonly agent?: string;
  readonly person?: string;
  readonly session?: string;
  readonly escalation?: string;
}

export function withFilters(command: Command): Command {
  return command
    .option("--kind <kind>", "only entries of this kind; may be given again for more", kinds)
    .option("--agent <name>", "only entries of this agent")
    .option("--person <id>", "only entries of what this person did")
    .option("--session <id>", "only entries of this session")
    .option("--escalation <id>", "only entries of this escalation");
}

export const isFiltered = (filter: EntryFilter): boolean =>
  FIELDS.some((field) => filter[field] !== undefined) || filter.kind !== undefined;

export function fits(entry: StoredEntry, filter: EntryFilter): boolean {
  return (
    (filter.kind?.includes(entry.kind) ?? true) &&
    FIELDS.every((field) => filter[field] === undefined || filter[field] === entry[field])
  );
}

/** As AuditLog.search takes it. */
export function searchOf({ kind, agent, person, session, escalation }: EntryFilter) {
  return {
    kinds: kind ?? null,
    agent: agent ?? null,
    person: person ?? null,
    session: session ?? null,
    escalation: escalation ?? null,
    text: null,
  };
}

const FIELDS = ["agent", "person", "session", "escalation"] as const;

function kinds(text: string, before: readonly string[] = []): readonly string[] {
  if (!ENTRY_KINDS.some((kind) => kind === text)) {
    throw new InvalidArgumentError(`is one of ${ENTRY_KINDS.join(", ")}`);
  }
  return [...before, text];
}

export function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("is a whole number");
  return Number(text);
}
