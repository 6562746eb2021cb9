/**
 * Every entry of the record as one readable sentence. Total: a new kind does not compile until it has one. Holds foreign
 * text in parts (reasons, labels, AWS's words): whoever shows it shows it inert.
 */
import type { PasskeyEvidence } from "../escalation/escalation.ts";
import type { FreezeTarget } from "../identity/freeze.ts";
import type { Entry, EntryKind } from "./entry.ts";
import type { Settlement } from "./reconciliation.ts";

/** Every kind there is, for whoever offers a choice. The type makes it complete. */
const KINDS: Readonly<Record<EntryKind, true>> = {
  "session.intent": true,
  "session.issued": true,
  "session.failed": true,
  "session.unknown": true,
  "freeze.made": true,
  "freeze.thawed": true,
  "role.denied": true,
  "session.settled": true,
  "request.refused": true,
  "escalation.requested": true,
  "escalation.joined": true,
  "escalation.decided": true,
  "escalation.changed": true,
  "human.signed_in": true,
  "human.signed_out": true,
  "human.refused": true,
  "passkey.enrolled": true,
  "passkey.removed": true,
  "invitation.created": true,
  "policy.loaded": true,
  "policy.refused": true,
  "watch.alarm": true,
  "record.pruned": true,
  "doctor.ran": true,
  "broker.started": true,
  "broker.stopped": true,
};
export const ENTRY_KINDS = Object.keys(KINDS) as readonly EntryKind[];

/** Without a time and without the entry's index: both stand beside it. */
export function entrySentence(entry: Entry): string {
  const agent = entry.agent ?? "an unknown agent";
  const person = entry.person ?? "somebody";
  const session = entry.session ?? "a session";
  const escalation = entry.escalation ?? "an escalation";
  switch (entry.kind) {
    case "session.intent": {
      const { template, account, durationSeconds, task } = entry.detail;
      const granted = entry.escalation === null ? "" : `, granted by ${entry.escalation}`;
      return `${agent} asks STS for session ${session}: ${template} in account ${account} for ${minutes(durationSeconds)}${granted}, to ${task.intent}: ${task.summary}`;
    }
    case "session.issued":
      return `STS issued session ${session} to ${agent}, until ${instant(entry.detail.expiresAt)}`;
    case "session.failed":
      return `STS issued nothing for session ${session}: ${entry.detail.code}: ${entry.detail.message}`;
    case "session.unknown":
      return `Whether STS issued session ${session} is unknown, and nothing was delivered: ${entry.detail.code}: ${entry.detail.message}`;
    case "freeze.made": {
      const { target, reason, by } = entry.detail;
      const who = by === "person" ? person : by === "operator" ? "An operator" : "A rule of guardrails.yaml";
      return `${who} froze ${inWords(target)}: ${reason}`;
    }
    case "freeze.thawed": {
      const { target, state, keys } = entry.detail;
      return state === "thawed"
        ? `${keys.join(" and ")} thawed ${inWords(target)}`
        : `${person} turned the first of two keys to thaw ${inWords(target)}`;
    }
    case "role.denied": {
      const { state, roleArn, message } = entry.detail;
      return state === "in_force"
        ? `AWS ${DENIED[entry.detail.form](counted(entry.detail.sessions, "frozen session"))} on ${roleArn}`
        : `AWS could NOT be told to deny frozen sessions on ${roleArn}: ${message ?? "no answer"}`;
    }
    case "session.settled":
      return `Session ${session} is settled by CloudTrail: ${shown(entry.detail)}`;
    case "request.refused":
      return `${agent} was refused ${entry.detail.route}: ${entry.detail.reason}`;
    case "escalation.requested":
      return `${entry.agent ?? "A changed policy folder"} asks for escalation ${escalation} (${entry.detail.code}), open until ${instant(entry.detail.expiresAt)}`;
    case "escalation.joined":
      return `${agent} asked again for escalation ${escalation}, which waits already`;
    case "escalation.decided": {
      const { decision, state } = entry.detail;
      const deed = decision.verdict === "approve" ? "approved" : "denied";
      const reason = decision.reason === null ? "" : `: ${decision.reason}`;
      return `${decision.person} ${deed} escalation ${escalation} with passkey ${keyOf(decision.evidence)}; it is ${state}${reason}`;
    }
    case "escalation.changed":
      return `Escalation ${escalation} ${CHANGED[entry.detail.event]}: it was ${entry.detail.from} and is ${entry.detail.to}`;
    case "human.signed_in":
      return `${person} signed in by ${entry.detail.method} as ${entry.detail.account.subject} of ${entry.detail.account.issuer}, until ${instant(entry.detail.expiresAt)}`;
    case "human.signed_out":
      return entry.detail.everywhere
        ? `${person} ended ${counted(entry.detail.count, "sign-in")}, in every browser`
        : `${person} signed out`;
    case "human.refused":
      return `${person} was refused ${entry.detail.route}: ${entry.detail.reason}`;
    case "passkey.enrolled":
      return `${person} enrolled the passkey "${entry.detail.label}" (${entry.detail.credentialId.slice(0, 12)}…), which counts from ${instant(entry.detail.countsFrom)}`;
    case "passkey.removed":
      return `${person} removed passkey ${entry.detail.credentialId.slice(0, 12)}… of ${entry.detail.of}`;
    case "invitation.created":
      return entry.detail.by === "bootstrap"
        ? `The bootstrap token made an invitation for ${entry.detail.invited}, good until ${instant(entry.detail.expiresAt)}`
        : `${person} invited ${entry.detail.invited}, until ${instant(entry.detail.expiresAt)}`;
    case "policy.loaded": {
      const { digest, templates, changes } = entry.detail;
      const what =
        changes === null ? "" : `, changed: ${changes.length === 0 ? "nothing" : changes.join("; ")}`;
      return `Policy set ${digest.slice(0, 12)}… with ${counted(templates.length, "template")} is served${what}`;
    }
    case "policy.refused":
      return `The policy folder has ${counted(entry.detail.faults, "fault")} and is not served: ${entry.detail.lines.join("; ")}`;
    case "watch.alarm": {
      const { rule, event, principal, resource, account, region, refusal, happenedAt } = entry.detail;
      const done = refusal === null ? "" : `, which AWS refused (${refusal})`;
      const what = resource === null ? event : `${event} on ${resource}`;
      return `ALARM ${rule}: ${principal ?? "somebody"} called ${what} in account ${account}, ${region}, at ${instant(happenedAt)}${done}`;
    }
    case "record.pruned": {
      const { olderThan, counts } = entry.detail;
      const tables = Object.entries(counts).filter(([, count]) => count > 0);
      const rows = tables.map(([table, count]) => `${count} of ${table}`).join(", ");
      return `An operator deletes rows older than ${instant(olderThan)} that are of no more use: ${rows}`;
    }
    case "doctor.ran": {
      const { caller, counts, found } = entry.detail;
      const as = caller === null ? "" : ` as ${caller}`;
      const what = found.map(({ id, account, role }) =>
        [id, account, role].filter((part) => part !== null).join(" "),
      );
      const which = what.length === 0 ? "" : `: ${what.join(", ")}`;
      return `An operator ran doctor${as}: ${counts.ok} ok, ${counted(counts.warning, "warning")}, ${counted(counts.fault, "fault")}${which}`;
    }
    case "broker.started":
      return `The broker started, version ${entry.detail.version}`;
    case "broker.stopped":
      return `The broker stopped, version ${entry.detail.version}`;
  }
}

const CHANGED = {
  cancelled: "was cancelled",
  expired: "ran out of time",
  consumed: "was used for its one session",
  returned: "came back, because STS issued nothing",
} as const;

const inWords = ({ kind, name }: FreezeTarget): string => (name === null ? "everything" : `${kind} ${name}`);

const DENIED = {
  nobody: () => "denies no session any more",
  sessions: (count: string) => `denies ${count}`,
  everyone: () => "denies every session that is older than the freeze",
} as const;

function shown({ issued, eventId, accessKeyId, covers }: Settlement): string {
  if (issued)
    return `STS issued it, with key ${accessKeyId ?? "not said"} (event ${eventId ?? "?"}); nothing was delivered`;
  if (eventId !== null) return `STS refused it (event ${eventId})`;
  return `STS issued nothing, as no event of ${covers ?? "its time"} shows it`;
}

const keyOf = ({ credentialId }: PasskeyEvidence): string => `${credentialId.slice(0, 12)}…`;
const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
const minutes = (seconds: number): string => (seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`);
const instant = (at: Date): string => `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
