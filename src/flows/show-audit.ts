/** The record for people: searched, and one escalation's whole story. Every entry as a sentence. */
import type { StoredEntry } from "../audit/entry.ts";
import type { EntrySearch } from "../audit/log.ts";
import { ENTRY_KINDS, entrySentence } from "../audit/sentence.ts";
import type { Failure } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import type { Broker } from "./admit.ts";
import { readRecord } from "./read-record.ts";

/** As typed: hostile. Empty: not asked for. */
export interface AuditFilter {
  readonly text: string;
  readonly kind: string;
  readonly agent: string;
  readonly person: string;
}

export interface SaidEntry {
  readonly entry: StoredEntry;
  readonly sentence: string;
}

const PAGE = 100;
/** Of one story: an escalation has a handful, and an agent may ask for what waits again and again. */
const LONGEST_STORY = 1000;
const LONGEST_TEXT = 200;

const EVERYTHING: EntrySearch = {
  kinds: null,
  agent: null,
  person: null,
  session: null,
  escalation: null,
  text: null,
  before: null,
  limit: PAGE + 1,
};

const said = (entry: StoredEntry): SaidEntry => ({ entry, sentence: entrySentence(entry) });
const given = (text: string): string | null => (text === "" ? null : text.slice(0, LONGEST_TEXT));

/** `before`: an entry's index, or null for the newest. */
export async function searchAudit(broker: Broker, filter: AuditFilter, before: number | null) {
  const { text, kind, agent, person } = filter;
  const known = ENTRY_KINDS.some((one) => one === kind);
  const search = {
    ...EVERYTHING,
    kinds: kind === "" ? null : [kind],
    agent: given(agent),
    person: given(person),
    text: given(text),
    before,
  };
  const read = await readRecord(async () => (kind === "" || known ? broker.audit.search(search) : []));
  if (!read.ok) return read;
  const entries = read.value.slice(0, PAGE);
  // One more than a page tells whether there is a next one.
  const next = read.value.length > PAGE ? (entries.at(-1)?.index ?? null) : null;
  return ok({ filter, kinds: ENTRY_KINDS, entries: entries.map(said), next });
}

/** In order: all of the escalation, and of the session that used it. */
export async function showStory(
  broker: Broker,
  id: string,
): Promise<Result<{ readonly escalation: string; readonly rows: readonly SaidEntry[] }, Failure>> {
  const read = await readRecord(async () => {
    const escalation = await broker.escalations.find(id);
    if (escalation === null) return null;
    const whole = { ...EVERYTHING, limit: LONGEST_STORY };
    const own = await broker.audit.search({ ...whole, escalation: id });
    // A grant that came back may have had more than one.
    const sessions = [...new Set([escalation.session, ...own.map(({ session }) => session)])];
    const theirs = await Promise.all(
      sessions.flatMap((session) => (session === null ? [] : [broker.audit.search({ ...whole, session })])),
    );
    const byIndex = new Map([...own, ...theirs.flat()].map((entry) => [entry.index, entry]));
    return [...byIndex.values()].sort((a, b) => a.index - b.index);
  });
  if (!read.ok) return read;
  if (read.value === null) return err({ code: "not_found" });
  return ok({ escalation: id, rows: read.value.map(said) });
}
