/**
 * Holds CloudTrail's events against the record:
 *
 *   each event → once only → STS calls on AI roles noted → calls of sessions judged
 *   → the noted calls judged, by who is proved to be Twokey → unknown outcomes settled → what was found
 *
 * Reads only. Nothing is concluded before the last event was read, and nothing at all where one cannot be read.
 * `recordSettlements` then writes down what was settled, each once.
 */
import type { AuditLog } from "../audit/log.ts";
import type { Reconciliation, SettledSession } from "../audit/reconciliation.ts";
import type { TrailEvent, TrailFault } from "../audit/trail.ts";
import { ok, type Result } from "../result.ts";
import { findings } from "./reconcile/findings.ts";
import { judgeAssumptions, noAttempts, noteAssumption, provedCallers } from "./reconcile/judge-assumption.ts";
import { judgeCall } from "./reconcile/judge-call.ts";
import { aiRoles, knownSessions } from "./reconcile/known.ts";
import { settleOutcomes } from "./reconcile/settle-outcomes.ts";
import { doingsOf } from "./reconcile/tally.ts";
import type { Known, Work } from "./reconcile/work.ts";

export type { Known } from "./reconcile/work.ts";

/** In whatever order; ends with the first that cannot be read. */
export type Events = AsyncIterable<Result<TrailEvent, TrailFault>>;

export async function reconcileCloudTrail(
  events: Events,
  known: Known,
): Promise<Result<Reconciliation, TrailFault>> {
  const work = begin(known);
  const seen = { read: 0, counted: 0, repeated: 0, first: null as Date | null, last: null as Date | null };
  const callIds = new Set<string>();
  for await (const next of events) {
    if (!next.ok) return next;
    const event = next.value;
    seen.read += 1;
    if (seen.first === null || event.at < seen.first) seen.first = event.at;
    if (seen.last === null || event.at > seen.last) seen.last = event.at;
    spread(work, event);
    if (callIds.has(event.callId)) {
      seen.repeated += 1;
      continue;
    }
    const assumption = await noteAssumption(work, event);
    const call = await judgeCall(work, event);
    if (!assumption && !call) continue;
    seen.counted += 1;
    callIds.add(event.callId);
  }
  const proved = provedCallers(work.attempts);
  judgeAssumptions(work, proved);
  const outcomes = await settleOutcomes(work, proved);
  return ok({
    events: seen,
    covers: known.covers,
    findings: work.findings.list(),
    unlisted: work.findings.unlisted,
    sessions: [...work.tallies.values()].map(doingsOf).sort((a, b) => a.first.getTime() - b.first.getTime()),
    ...outcomes,
  });
}

const begin = (known: Known): Work => ({
  ...known,
  sessions: knownSessions(known.audit),
  roles: aiRoles(known.accounts),
  findings: findings(),
  tallies: new Map(),
  attempts: noAttempts(),
  spans: new Map(),
});

/** Accounts times regions; a hostile file could name any number. */
const MOST_SPANS = 10_000;

function spread({ spans }: Work, { account, region, at }: TrailEvent): void {
  const place = `${account ?? ""} ${region ?? ""}`;
  const span = spans.get(place);
  if (span === undefined) {
    if (spans.size < MOST_SPANS) spans.set(place, { first: at, last: at });
    return;
  }
  if (at < span.first) span.first = at;
  if (at > span.last) span.last = at;
}

/** Answers with the entries. Null where another run was first, or the outcome came to be known meanwhile. */
export async function recordSettlements(
  audit: Pick<AuditLog, "settle">,
  settled: readonly SettledSession[],
): Promise<readonly SettledSession[]> {
  const written: SettledSession[] = [];
  for (const one of settled) {
    const answer = await audit.settle(one.session.id, one.settlement);
    written.push({ ...one, entry: answer?.entry ?? null });
  }
  return written;
}
