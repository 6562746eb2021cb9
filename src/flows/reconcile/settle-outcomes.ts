/**
 * Sessions whose outcome the record does not know: what CloudTrail shows of them. That STS issued nothing is concluded from
 * events that are not there only where they surely would be; in doubt the session stays open.
 */
import type { SessionRecord } from "../../audit/log.ts";
import type { Covers, OpenSession, Settlement, SettledSession } from "../../audit/reconciliation.ts";
import type { Session } from "../../session/session.ts";
import { isProved, type Proved } from "./judge-assumption.ts";
import type { Work } from "./work.ts";

/** A broker's clock may be so far from AWS's. */
const SKEW_MS = 5 * 60_000;
/** AWS refuses what was signed longer ago; and so much later than the event CloudTrail may still deliver it. */
const LATE_MS = 15 * 60_000;

export interface Outcomes {
  readonly settled: readonly SettledSession[];
  readonly settledBefore: number;
  readonly open: readonly OpenSession[];
}

export async function settleOutcomes(work: Work, proved: Proved): Promise<Outcomes> {
  const settled: SettledSession[] = [];
  const open: OpenSession[] = [];
  let settledBefore = 0;
  for await (const record of everySession(work)) {
    const { session, state } = record;
    if (!isUndecided(record, work.now)) continue;
    const shown = whatTrailShows(work, record, proved);
    const before = await earlierSettlement(work, session.id);
    if (before !== null) {
      settledBefore += 1;
      if (!before.issued && typeof shown !== "string" && shown.issued) contradict(work, session, shown);
    } else if (typeof shown === "string") open.push({ session, state, reason: shown });
    else settled.push({ session, state, settlement: shown, entry: null });
  }
  return { settled, settledBefore, open };
}

/** A young `intent` may be under way. */
const isUndecided = ({ session, state }: SessionRecord, now: Date): boolean =>
  state === "unknown" || (state === "intent" && now > latestEnd(session));

/** Nothing of a session can happen later: STS was asked late, and it lived as long as it may. */
const latestEnd = ({ requestedAt, durationSeconds }: Session): Date =>
  new Date(requestedAt.getTime() + durationSeconds * 1000 + LATE_MS);

const PAGE = 500;

async function* everySession({ audit }: Work): AsyncGenerator<SessionRecord> {
  let before: string | null = null;
  do {
    const page: readonly SessionRecord[] = await audit.sessions({ agent: null, limit: PAGE, before });
    yield* page;
    before = page.length < PAGE ? null : (page.at(-1)?.session.id ?? null);
  } while (before !== null);
}

async function earlierSettlement(
  { audit }: Work,
  session: string,
): Promise<{ readonly issued: boolean } | null> {
  const any = { agent: null, person: null, escalation: null, text: null, before: null };
  const [entry] = await audit.search({ ...any, session, kinds: ["session.settled"], limit: 1 });
  return entry?.kind === "session.settled" ? entry.detail : null;
}

function contradict(work: Work, { id }: Session, { accessKeyId, eventId }: Settlement): void {
  const call = work.attempts.of.get(id)?.calls.find((one) => one.id === eventId);
  const event = { id: eventId ?? "", at: call?.at ?? work.now };
  work.findings.add(
    { kind: "settled_otherwise", level: "alarm", session: id, about: { accessKeyId } },
    event,
  );
}

/** A string: why it shows nothing. */
function whatTrailShows(work: Work, { session }: SessionRecord, proved: Proved): Settlement | string {
  const calls = work.attempts.of.get(session.id)?.calls ?? [];
  const twokeys = proved.size === 0 ? calls : calls.filter((call) => isProved(call, proved));
  const issued = twokeys.find(({ outcome }) => outcome === "done");
  if (issued !== undefined) {
    const { id, accessKeyId } = issued;
    return { issued: true, eventId: id, accessKeyId, covers: null };
  }
  const [refused] = proved.size === 0 ? [] : twokeys;
  // Somebody could have a call of theirs refused under this name, to have the one that was not counted as never made.
  if (refused !== undefined && calls.length === 1)
    return { issued: false, eventId: refused.id, accessKeyId: null, covers: null };
  if (calls.length > 0) return "the calls of STS for it are not surely Twokey's";
  if (work.tallies.has(session.id)) return "it was used, and the events do not hold the call that issued it";
  const open = whyNotCovered(work, session);
  if (open !== null) return open;
  return { issued: false, eventId: null, accessKeyId: null, covers: interval(work.covers) };
}

const interval = (covers: Covers | null): string | null =>
  covers === null ? null : `${covers.from.toISOString()}/${covers.to.toISOString()}`;

/** Null: had STS issued it, its event would surely be among those that were read. */
function whyNotCovered({ covers, now, accounts, stsRegion, spans }: Work, session: Session): string | null {
  const from = new Date(session.requestedAt.getTime() - SKEW_MS);
  const to = latestEnd(session);
  const time = interval({ from, to }) ?? "";
  if (covers === null) return `no event shows it, and nobody states that the events cover ${time}`;
  if (covers.from > from || covers.to < to)
    return `no event shows it, and they are not stated to cover ${time}`;
  if (now.getTime() < to.getTime() + LATE_MS) return "CloudTrail may still deliver events of its time";
  const account = accounts.find(({ id }) => id === session.account);
  if (account === undefined) return `its account ${session.account} is not in the policy set`;
  const region = stsRegion ?? account.region;
  const span = spans.get(`${account.id} ${region}`);
  return span === undefined || span.first > session.requestedAt || span.last < to
    ? `the events hold none of account ${account.id} in ${region} on both sides of ${time}`
    : null;
}
