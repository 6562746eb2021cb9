/**
 * One call by an AI role's session, or by whoever carries a session's name: whose it is by its source identity and by its
 * key, and whether it may have been made. Judges events as they come and keeps none.
 */
import type { About, FindingKind, FindingLevel } from "../../audit/finding.ts";
import type { SessionRecord } from "../../audit/log.ts";
import type { TrailEvent } from "../../audit/trail.ts";
import { INTENTS, type Intent } from "../../identity/task.ts";
import { intentOf } from "../../policy/destroyers.ts";
import type { ActionTable } from "../../policy/knowledge.ts";
import { actionsOf, calledAction, printable } from "../../policy/propose/cloudtrail.ts";
import { sameArn } from "./known.ts";
import { addCall, newTally } from "./tally.ts";
import { looksLikeOurs, type Work } from "./work.ts";

/** Whether the event is about an AI session. */
export async function judgeCall(work: Work, event: TrailEvent): Promise<boolean> {
  const { sourceIdentity, accessKeyId, invokedBy } = event.caller;
  const role = work.roles.of(event.caller);
  const isAi = role !== null && work.roles.has(role);
  if (!isAi && (sourceIdentity === null || !looksLikeOurs(sourceIdentity))) return false;
  const named = sourceIdentity === null ? null : await work.sessions.named(sourceIdentity);
  if (named === null && !isAi) return false;

  const action = printable(calledAction(event.record));
  const owner = async (): Promise<SessionRecord | null> =>
    accessKeyId === null ? null : work.sessions.withKey(accessKeyId);
  if (named === null) {
    const session = await owner();
    const keyOf = session?.session.id ?? null;
    if (session !== null && sourceIdentity === null) {
      work.findings.add(
        { kind: "no_source_identity", level: "notice", session: keyOf, about: { action } },
        event,
      );
      judgeUse(work, event, { session, role, action });
    } else {
      const about = { action, role, sourceIdentity, accessKeyId, keyOf };
      work.findings.add({ kind: "unknown_source_identity", level: "alarm", session: null, about }, event);
    }
    return true;
  }
  // A service that calls for the session may do so with a key made from the session's.
  if (invokedBy === null && named.accessKeyId !== null && accessKeyId !== named.accessKeyId) {
    const keyOf = (await owner())?.session.id ?? null;
    const about = { action, accessKeyId, keyOf };
    work.findings.add({ kind: "key_differs", level: "alarm", session: named.session.id, about }, event);
  }
  judgeUse(work, event, { session: named, role, action });
  return true;
}

interface Use {
  readonly session: SessionRecord;
  readonly role: string | null;
  /** Shown inert. */
  readonly action: string;
}

function judgeUse(work: Work, event: TrailEvent, { session: record, role, action }: Use): void {
  const { session, state, frozenAt, expiresAt } = record;
  const tally = work.tallies.get(session.id) ?? newTally(record, event.at);
  work.tallies.set(session.id, tally);
  addCall(tally, event, action, work.table);

  const outcome = event.errorCode ?? "done";
  const find = (kind: FindingKind, level: FindingLevel, about: About): void => {
    work.findings.add({ kind, level, session: session.id, about: { action, ...about } }, event);
  };
  if (role !== null && !sameArn(role, session.roleArn)) find("under_another_role", "alarm", { role });
  if (state !== "issued") find("used_undelivered", "alarm", { recorded: state });
  // AWS stopped it; or a service goes on with what it was told to do while the session lived.
  const late = event.errorCode !== null || event.caller.invokedBy !== null ? "notice" : "alarm";
  if (frozenAt !== null && event.at > frozenAt) find("used_after_freeze", late, { outcome });
  if (expiresAt !== null && event.at > expiresAt) find("used_after_end", late, { outcome });
  const { intent, sure } = intentOfCall(event, work.table);
  const declared = session.task.intent;
  if (INTENTS.indexOf(intent) > INTENTS.indexOf(declared)) {
    const level = outcome !== "done" || !sure ? "notice" : "alarm";
    find("outside_intent", level, { outcome, intent, declared });
  }
}

/**
 * An action that nobody published counts as a change. `sure`: false where CloudTrail itself says of such a one that it
 * only reads, as for calls whose name is not their action's.
 */
function intentOfCall(
  event: TrailEvent,
  table: ActionTable,
): { readonly intent: Intent; readonly sure: boolean } {
  const asked = actionsOf(event.record).map((name) => table.action(name));
  const intents = asked.map((facts): Intent => (facts === undefined ? "change" : intentOf(facts)));
  const intent = intents.reduce((most, one) => (INTENTS.indexOf(one) > INTENTS.indexOf(most) ? one : most));
  return { intent, sure: !event.readOnly || asked.every((facts) => facts !== undefined) };
}
