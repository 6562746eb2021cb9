/**
 * The ports AssumeRole, AuditLog and EscalationStore, observed. Each hands on exactly what the port behind it gives:
 * the same values, the same rejections. Counts only after the answer is there, and decides nothing.
 */
import type { AuditLog, Outcome } from "../../audit/log.ts";
import type { Escalation, EscalationEvent } from "../../escalation/escalation.ts";
import type { EscalationStore } from "../../escalation/store.ts";
import type { AssumeRole } from "../../session/assume-role.ts";
import type { Instruments, MintOutcome, Took } from "./instruments.ts";

export function observeAssumeRole(assumeRole: AssumeRole, { sts }: Instruments): AssumeRole {
  const [issued, failed, unknown] = ["issued", "failed", "unknown"].map((outcome) => sts.labels(outcome));
  return async (request) => {
    const started = performance.now();
    const assumed = await assumeRole(request);
    const ended = assumed.ok ? issued : assumed.error.certainty === "definite" ? failed : unknown;
    ended?.observe((performance.now() - started) / 1000);
    return assumed;
  };
}

export interface ObservedStore extends AuditLog {
  readonly escalations: EscalationStore;
}

export function observeStore<S extends ObservedStore>(store: S, instruments: Instruments): S {
  return { ...store, ...observeLog(store, instruments), escalations: observeEscalations(store, instruments) };
}

function observeLog(
  log: AuditLog,
  { writes, mints }: Instruments,
): Pick<AuditLog, "recordIntent" | "recordOutcome" | "append"> {
  const took = (operation: string): Took => {
    const by = { ok: writes.labels(operation, "ok"), error: writes.labels(operation, "error") };
    return (seconds, result) => {
      by[result].observe(seconds);
    };
  };
  const [intent, outcome, entry] = [took("intent"), took("outcome"), took("entry")];
  const minted = (template: string, ended: MintOutcome): void => {
    mints.inc({ template, outcome: ended });
  };
  return {
    recordIntent: (session, context) => timed(() => log.recordIntent(session, context), intent),
    recordOutcome: async (session, what, context) => {
      try {
        const recorded = await timed(() => log.recordOutcome(session, what, context), outcome);
        minted(session.template, mintOutcome(what, recorded.delivered));
        return recorded;
      } catch (error) {
        minted(session.template, mintOutcome(what, false));
        throw error;
      }
    },
    append: (what) => timed(() => log.append(what), entry),
  };
}

/** `template` is the served policy set's own: a session has one only because the policy decision planned it. */
const mintOutcome = ({ state }: Outcome, delivered: boolean): MintOutcome =>
  state === "issued" && !delivered ? "withheld" : state;

function observeEscalations(
  { escalations: store }: ObservedStore,
  { writes, escalations, approval }: Instruments,
): EscalationStore {
  const [ok, error] = [writes.labels("escalation", "ok"), writes.labels("escalation", "error")];
  const took: Took = (seconds, result) => {
    (result === "ok" ? ok : error).observe(seconds);
  };
  return {
    ...store,
    request: async (draft) => {
      const requested = await timed(() => store.request(draft), took);
      const outcome = requested.ok ? requested.value.outcome : "repeated";
      if (outcome !== "repeated") escalations.inc({ event: outcome === "created" ? "requested" : outcome });
      return requested;
    },
    change: async (id, context, choose) => {
      // The last choice is the one that was written.
      let chosen: EscalationEvent | null = null;
      const seen: typeof choose = (escalation, now) => {
        const choice = choose(escalation, now);
        chosen = choice.ok ? choice.value : null;
        return choice;
      };
      const changed = await timed(() => store.change(id, context, seen), took);
      const event = changed.ok ? eventOf(chosen, changed.value.escalation) : null;
      if (event !== null) escalations.inc({ event });
      if (event === "approved" && changed.ok) approval.observe(secondsToApproval(changed.value.escalation));
      return changed;
    },
    expire: async () => {
      const expired = await store.expire();
      escalations.inc({ event: "expired" }, expired);
      return expired;
    },
  };
}

/** What an event made of it; null: it goes on waiting, or the session's outcome tells already. */
function eventOf(
  event: EscalationEvent | null,
  { state }: Escalation,
): "approved" | "denied" | "cancelled" | null {
  if (event?.kind === "cancelled") return "cancelled";
  if (event?.kind !== "decided") return null;
  if (event.decision.verdict === "deny") return "denied";
  return state === "approved" ? "approved" : null;
}

function secondsToApproval({ requestedAt, decisions }: Escalation): number {
  const last = decisions.at(-1)?.at ?? requestedAt;
  return (last.getTime() - requestedAt.getTime()) / 1000;
}

async function timed<T>(work: () => Promise<T>, took: Took): Promise<T> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    const value = await work();
    took(seconds(), "ok");
    return value;
  } catch (error) {
    took(seconds(), "error");
    throw error;
  }
}
