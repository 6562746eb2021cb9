/**
 * Waits until an escalation is decided or over, by long polls. A broker that restarts, is slow or asks to slow down is
 * asked again with growing pauses; nobody is asked to decide twice. Ends with the escalation.
 */
import type { EscalationAnswer } from "../api.ts";
import { err, type Result } from "../result.ts";
import type { BrokerAccess } from "./authenticated-call.ts";
import { getEscalation } from "./escalation.ts";
import { unavailable, type Refusal } from "./refusal.ts";

export interface Waiting {
  readonly access: BrokerAccess;
  readonly id: string;
  /** When to stop waiting; null: as long as the escalation lasts. */
  readonly until: Date | null;
  readonly now: () => Date;
  readonly pause: (ms: number) => Promise<void>;
  /** Told of every answer, the last one too. */
  readonly onAnswer: (answer: EscalationAnswer) => void;
  /** Told of every attempt without one. */
  readonly onTrouble: (refusal: Refusal) => void;
}

const POLL_SECONDS = 30;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** Silence for so long, once the escalation's time is over as well, ends the wait. */
const OUTAGE_MS = 5 * 60_000;

/** The escalation in any state but pending; an error where it could not be told in time. */
export async function waitForDecision(waiting: Waiting): Promise<Result<EscalationAnswer, Refusal>> {
  const { access, id, until, pause, onAnswer, onTrouble } = waiting;
  const now = (): number => waiting.now().getTime();
  const end = until?.getTime() ?? Number.POSITIVE_INFINITY;
  let [failures, heard, expires] = [0, now(), 0];
  for (let asked = now(); asked < end; asked = now()) {
    const seconds = Math.min(POLL_SECONDS, Math.ceil((end - asked) / 1000));
    const got = await getEscalation(access, id, seconds);
    if (got.ok) {
      onAnswer(got.value);
      if (got.value.state !== "pending") return got;
      [failures, heard, expires] = [0, now(), Date.parse(got.value.expires_at)];
      // A broker that stops answers at once: it must not be asked again in a tight loop.
      await pauseUntil(Math.min(asked + got.value.interval * 1000, end));
    } else {
      if (got.error.kind === "refused") return got;
      if (now() >= Math.max(heard + OUTAGE_MS, expires)) return got;
      onTrouble(got.error);
      await pauseUntil(Math.min(now() + pauseAfter((failures += 1)), end));
    }
  }
  return err(unavailable("still_pending", `${id} is not decided yet.`, `twokey escalation wait ${id}`));

  async function pauseUntil(time: number): Promise<void> {
    const ms = time - now();
    if (ms > 0) await pause(ms);
  }
}

const pauseAfter = (failures: number): number =>
  Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
