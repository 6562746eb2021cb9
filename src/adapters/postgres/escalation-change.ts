/**
 * An escalation's change of state as it is written: its row, its decision, its entry, its notice, and the freeze of
 * its session. What the state becomes is escalation/machine.ts's business. Runs under the head's lock and nowhere else.
 */
import { randomBytes } from "node:crypto";
import { escalationEntry, type EntryContext } from "../../audit/escalation-entry.ts";
import type { Escalation, EscalationEvent, EscalationFault } from "../../escalation/escalation.ts";
import { apply, type Applied } from "../../escalation/machine.ts";
import type { NoticeKind } from "../../escalation/outbox.ts";
import type { Result } from "../../result.ts";
import { base32 } from "../../session/name.ts";
import {
  decisionParameters,
  FIND,
  INSERT_DECISION,
  storedEscalation,
  UPDATE,
  updateParameters,
} from "./escalation-rows.ts";
import { freezeUnderHead } from "./freezes.ts";
import type { Queries } from "./sql.ts";
import type { Writing } from "./under-head.ts";

export type ChangedBy = Omit<EntryContext, "at">;

/** The escalation as it is now. One whose time is over is written down as `expired` first. */
export async function findUnderHead(
  tx: Queries,
  writing: Writing,
  { id, by }: { readonly id: string; readonly by: ChangedBy },
): Promise<Escalation | null> {
  const [row] = await tx.query(FIND, [id]);
  if (row === undefined) return null;
  const escalation = storedEscalation(row);
  const event = { kind: "expired" } as const;
  const over = apply(escalation, event, writing.now);
  if (!over.ok) return escalation;
  await writeDown(tx, writing, { before: escalation, event, applied: over.value, by });
  return over.value.escalation;
}

export interface Transition {
  readonly before: Escalation;
  readonly event: EscalationEvent;
  readonly applied: Applied;
  readonly by: ChangedBy;
}

/** Writes what the machine made of an event. */
export async function writeDown(
  tx: Queries,
  writing: Writing,
  { before, event, applied, by }: Transition,
): Promise<void> {
  const { now } = writing;
  const after = applied.escalation;
  const context = { at: now, ...by };
  await tx.query(UPDATE, updateParameters(after, now));
  for (const [place, decision] of after.decisions.entries()) {
    if (place < before.decisions.length) continue;
    await tx.query(INSERT_DECISION, decisionParameters(after.id, place, decision));
  }
  writing.record(escalationEntry(event, { before, after }, context));
  const notice = noticeOf(event, after);
  if (notice !== null) writing.announce(notice, after.id);
  if (!applied.freeze || event.kind !== "decided") return;
  if (after.session === null) return;
  await freezeUnderHead(tx, writing, {
    id: `frz-${base32(randomBytes(15))}`,
    target: { kind: "session", name: after.session },
    reason: "the escalation it was minted for was denied",
    by: "person",
    person: event.decision.person,
    ...by,
    owner: null,
    roles: [],
  });
}

/** Applies and writes, where nothing else can stand in the way. */
export async function applyUnderHead(
  tx: Queries,
  writing: Writing,
  { before, event, by }: Omit<Transition, "applied">,
): Promise<Result<Applied, EscalationFault>> {
  const applied = apply(before, event, writing.now);
  if (applied.ok) await writeDown(tx, writing, { before, event, applied: applied.value, by });
  return applied;
}

/** A first approval of two tells nobody anything new to do. */
function noticeOf(event: EscalationEvent, after: Escalation): NoticeKind | null {
  switch (event.kind) {
    case "decided":
      if (event.decision.verdict === "deny") return "escalation.denied";
      return after.state === "approved" ? "escalation.approved" : null;
    case "cancelled":
    case "expired":
    case "consumed":
      return `escalation.${event.kind}`;
    case "returned":
      return after.state === "expired" ? "escalation.expired" : null;
  }
}
