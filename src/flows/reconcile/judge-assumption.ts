/**
 * The calls of STS on the AI roles: which of them are Twokey's. A call proves who Twokey is where STS issued the very key
 * that the record has, because only its caller could learn that; every other call is held against those callers, once all
 * events are read.
 */
import type { About, FindingKind, FindingLevel } from "../../audit/finding.ts";
import type { SessionRecord } from "../../audit/log.ts";
import type { Assumption, TrailCaller, TrailEvent } from "../../audit/trail.ts";
import { NO_ESCALATION } from "../../policy/doctor/role-call.ts";
import { DENIES_EVERYTHING } from "../../policy/doctor/session.ts";
import { sessionTags } from "../../session/name.ts";
import type { Session } from "../../session/session.ts";
import { sameArn } from "./known.ts";
import { looksLikeOurs, type Work } from "./work.ts";

/** One call of STS for a session. */
export interface Attempt {
  readonly id: string;
  readonly at: Date;
  readonly caller: string;
  readonly names: readonly string[];
  /** `done`, or what STS answered instead. */
  readonly outcome: string;
  readonly accessKeyId: string | null;
  /** What its tags were, where they are not Twokey's. */
  readonly otherTags: string | null;
}

interface Refused {
  readonly about: About;
  readonly names: readonly string[];
  readonly event: Pick<TrailEvent, "id" | "at">;
}

export interface Attempts {
  /** By session. */
  readonly of: Map<string, { readonly record: SessionRecord; readonly calls: Attempt[] }>;
  /** Calls that STS refused and whose event does not say for which session. */
  readonly refused: Refused[];
}

export const noAttempts = (): Attempts => ({ of: new Map(), refused: [] });

const MOST_CALLS = 20;
const MOST_REFUSED = 10_000;

/** Whether the event is about an AI role. */
export async function noteAssumption(work: Work, event: TrailEvent): Promise<boolean> {
  const { assumption } = event;
  if (assumption === null) return false;
  const { roleArn, sourceIdentity } = assumption;
  const isAi = roleArn !== null && work.roles.has(roleArn);
  const ours = sourceIdentity !== null && (isAi || looksLikeOurs(sourceIdentity));
  const record = ours ? await work.sessions.named(sourceIdentity) : null;
  if (record === null) {
    if (isAi) noteStranger(work, event, assumption);
    return isAi;
  }
  const { session } = record;
  const outcome = event.errorCode ?? "done";
  if (roleArn !== null && !sameArn(roleArn, session.roleArn)) {
    const about = { role: roleArn, caller: callerOf(event.caller), outcome };
    const level = outcome === "done" ? "alarm" : "notice";
    work.findings.add({ kind: "other_role_assumed", level, session: session.id, about }, event);
    return true;
  }
  const known = work.attempts.of.get(session.id) ?? { record, calls: [] };
  work.attempts.of.set(session.id, known);
  if (known.calls.length < MOST_CALLS)
    known.calls.push({
      ...{ id: event.id, at: event.at, outcome, accessKeyId: assumption.accessKeyId },
      ...{ caller: callerOf(event.caller), names: namesOf(event.caller) },
      otherTags: otherTags(assumption, session),
    });
  return true;
}

function noteStranger(work: Work, event: TrailEvent, { roleArn: role, sourceIdentity }: Assumption): void {
  const outcome = event.errorCode ?? "done";
  const about = { role, caller: callerOf(event.caller), sourceIdentity, outcome };
  // Twokey's own refused calls may stand in CloudTrail without their parameters.
  if (outcome !== "done" && sourceIdentity === null && work.attempts.refused.length < MOST_REFUSED) {
    work.attempts.refused.push({
      about,
      names: namesOf(event.caller),
      event: { id: event.id, at: event.at },
    });
    return;
  }
  work.findings.add({ kind: "assumed_without_session", level: "alarm", session: null, about }, event);
}

const callerOf = ({ arn, principalId, invokedBy }: TrailCaller): string =>
  arn ?? principalId ?? invokedBy ?? "an unnamed caller";

/** A caller from another account is known by its principal id alone, which both accounts' events have. */
function namesOf({ arn, roleArn, principalId, invokedBy }: TrailCaller): readonly string[] {
  const names = [roleArn ?? arn, principalId?.split(":")[0] ?? null].filter((name) => name !== null);
  return names.length > 0 || invokedBy === null ? names : [invokedBy];
}

function otherTags({ tags, transitiveKeys }: Assumption, session: Session): string | null {
  const may = [session.escalation];
  // The escalated role takes no session without an escalation's tag: doctor's names one that is none, and can do nothing.
  if (session.policyDigest === DENIES_EVERYTHING.digest) may.push(NO_ESCALATION);
  const right = may.some((escalation) => {
    const wanted = sessionTags(session.id, escalation);
    return (
      tags.length === wanted.length &&
      wanted.every(({ key, value }) => tags.some((tag) => tag.key === key && tag.value === value)) &&
      wanted.every(({ key }) => transitiveKeys.includes(key))
    );
  });
  if (right) return null;
  const shown = tags.slice(0, 10).map(({ key, value }) => `${key}=${value}`);
  return shown.length === 0
    ? "none"
    : `${shown.join(", ")}; transitive ${transitiveKeys.slice(0, 10).join(", ")}`;
}

/** Callers who are Twokey for certain. */
export type Proved = ReadonlySet<string>;

export function provedCallers({ of }: Attempts): Proved {
  const proving = [...of.values()].flatMap(({ record, calls }) =>
    calls.filter(
      ({ outcome, accessKeyId }) =>
        outcome === "done" && accessKeyId === record.accessKeyId && accessKeyId !== null,
    ),
  );
  return new Set(proving.flatMap(({ names }) => names));
}

/** After the last event. */
export function judgeAssumptions(work: Work, proved: Proved): void {
  for (const { record, calls } of work.attempts.of.values())
    for (const call of calls) judgeAttempt(work, { record, call, proved, of: calls.length });
  for (const { about, names, event } of work.attempts.refused) {
    if (names.some((name) => proved.has(name))) continue;
    const level = proved.size > 0 ? "alarm" : "notice";
    work.findings.add({ kind: "assumed_without_session", level, session: null, about }, event);
  }
}

interface Judged {
  readonly record: SessionRecord;
  readonly call: Attempt;
  readonly proved: Proved;
  /** How many calls there were for the session. */
  readonly of: number;
}

function judgeAttempt(work: Work, { record, call, proved, of }: Judged): void {
  const { session, state } = record;
  const { caller, accessKeyId, outcome } = call;
  const find = (kind: FindingKind, level: FindingLevel, about: About): void => {
    work.findings.add({ kind, level, session: session.id, about }, call);
  };
  if (of > 1) find("asked_more_than_once", "alarm", {});
  if (!isProved(call, proved)) {
    if (proved.size > 0) find("other_caller", "alarm", { caller });
    else find("caller_not_confirmed", "notice", { caller });
  }
  const refused = outcome !== "done";
  if (refused && state === "issued")
    find("outcome_differs", "alarm", { recorded: state, seen: `refused it with ${outcome}` });
  if (refused) return;
  if (call.otherTags !== null) find("wrong_tags", "alarm", { seen: call.otherTags });
  if (state === "failed")
    find("outcome_differs", "alarm", {
      recorded: state,
      seen: `issued it, with key ${accessKeyId ?? "not said"}`,
    });
  if (state === "issued" && accessKeyId !== record.accessKeyId)
    find("issued_key_differs", "alarm", { accessKeyId, recorded: record.accessKeyId ?? "none" });
}

export const isProved = ({ names }: Attempt, proved: Proved): boolean =>
  names.some((name) => proved.has(name));
