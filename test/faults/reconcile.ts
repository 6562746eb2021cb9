/**
 * Holds what clients were told and what STS issued against the record. What it finds is told in words; nothing found is
 * the only right answer, whatever was killed before.
 */
import type { Mint } from "../../src/local-aws/state.ts";
import type { EntryLine, RecordReader } from "./record.ts";
import type { Delivered, Mints, Seen } from "./seen.ts";
import type { StsCall } from "./sts-front.ts";

export interface Outside {
  readonly seen: Seen;
  readonly mints: Mints;
  readonly calls: readonly StsCall[];
}

/** What the entries say of one session. */
interface Story {
  intents: number;
  issued: number;
  failed: number;
  accessKeyId: string | null;
}

interface Known {
  readonly sessions: Map<string, Story>;
  readonly escalations: Set<string>;
  /** `<escalation> <person>`. */
  readonly decisions: Set<string>;
  /** Sessions of STS calls by escalation. */
  readonly calls: Map<string, string[]>;
  /** Sessions that STS issued, by escalation. */
  readonly mints: Map<string, string[]>;
  /** Sessions that were delivered, by escalation. */
  readonly delivered: Map<string, string[]>;
  size: number;
}

/** Answers what is wrong since the last call. Sees each fact once, so a run of any length can ask after every fault. */
export function reconciler(record: RecordReader, outside: Outside): () => Promise<readonly string[]> {
  const known: Known = {
    sessions: new Map(),
    escalations: new Set(),
    decisions: new Set(),
    calls: new Map(),
    mints: new Map(),
    delivered: new Map(),
    size: 0,
  };
  const looked = { mints: 0, calls: 0, delivered: 0, requested: 0, decided: 0 };
  const news = <T>(name: keyof typeof looked, all: readonly T[]): readonly T[] => {
    const fresh = all.slice(looked[name]);
    looked[name] = all.length;
    return fresh;
  };
  return async () => {
    const { seen } = outside;
    // STS's ledger first: what it holds by now had its intent before, and so before the record is read.
    const mints = news("mints", outside.mints());
    const calls = news("calls", outside.calls);
    const delivered = news("delivered", seen.delivered);
    const [requested, decided] = [news("requested", seen.requested), news("decided", seen.decided)];
    const { size, entries } = await record.news();
    return [
      ...takeEntries(known, entries, size),
      ...mints.flatMap((mint) => mintFaults(known, mint)),
      ...calls.flatMap((call) => callFaults(known, call)),
      ...delivered.flatMap((one) => deliveryFaults(known, one)),
      ...requested
        .filter((id) => !known.escalations.has(id))
        .map((id) => `${id} was answered 201 and is not on record`),
      ...decided
        .filter(({ escalation, person }) => !known.decisions.has(`${escalation} ${person}`))
        .map(({ escalation, person }) => `${person}'s decision of ${escalation} was answered and is lost`),
      ...seen.strange.splice(0),
    ];
  };
}

function takeEntries(known: Known, entries: readonly EntryLine[], size: number): readonly string[] {
  const faults: string[] = [];
  for (const entry of entries) {
    if (entry.index !== known.size) faults.push(`the log goes from ${known.size - 1} to ${entry.index}`);
    known.size = entry.index + 1;
    if (entry.kind === "escalation.requested") known.escalations.add(entry.escalation ?? "");
    if (entry.kind === "escalation.decided") {
      known.decisions.add(`${entry.escalation ?? ""} ${entry.person ?? ""}`);
    }
    if (entry.session === null || !/^session\.(intent|issued|failed|unknown)$/.test(entry.kind)) continue;
    const story = storyOf(known, entry.session);
    if (entry.kind === "session.intent") story.intents += 1;
    if (entry.kind === "session.failed") story.failed += 1;
    if (entry.kind !== "session.issued") continue;
    story.issued += 1;
    story.accessKeyId = entry.accessKeyId;
  }
  if (size !== known.size) faults.push(`the head says ${size} entries, there are ${known.size}`);
  return faults;
}

function storyOf({ sessions }: Known, session: string): Story {
  const story = sessions.get(session) ?? { intents: 0, issued: 0, failed: 0, accessKeyId: null };
  sessions.set(session, story);
  return story;
}

function mintFaults(known: Known, { sourceIdentity, accessKeyId, tags }: Mint): readonly string[] {
  const session = sourceIdentity ?? "";
  const escalation = tags.find(({ key }) => key === "twokey:escalation")?.value ?? null;
  const faults: string[] = [];
  if (storyOf(known, session).intents !== 1) {
    faults.push(`unaudited: STS issued ${accessKeyId} to ${session}, which has no intent`);
  }
  if (escalation === null) return faults;
  const issued = add(known.mints, escalation, session);
  if (issued.length > 1) faults.push(`${escalation} was issued ${issued.length} times: ${issued.join(", ")}`);
  return faults;
}

/** A second call for a grant needs a definite failure of the one before. */
function callFaults(known: Known, { session, escalation }: StsCall): readonly string[] {
  if (escalation === null) return [];
  const before = add(known.calls, escalation, session).at(-2);
  if (before === undefined || storyOf(known, before).failed === 1) return [];
  return [`STS was asked again for ${escalation}, though ${before} did not fail`];
}

function deliveryFaults(known: Known, { session, accessKeyId, escalation }: Delivered): readonly string[] {
  const { intents, issued, accessKeyId: recorded } = storyOf(known, session);
  const faults: string[] = [];
  if (intents !== 1 || issued !== 1 || recorded !== accessKeyId) {
    const says = `${intents} intents, ${issued} times issued, as ${recorded ?? "nothing"}`;
    faults.push(`unaudited: ${accessKeyId} of ${session} was delivered, and the record says ${says}`);
  }
  if (escalation === null) return faults;
  const all = add(known.delivered, escalation, session);
  if (all.length > 1) faults.push(`${escalation} was delivered ${all.length} times`);
  return faults;
}

function add(map: Map<string, string[]>, key: string, value: string): readonly string[] {
  const values = map.get(key) ?? [];
  values.push(value);
  map.set(key, values);
  return values;
}
