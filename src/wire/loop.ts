/** Work that a broker does again and again beside its requests, one round at a time, until it stops. */
import { setTimeout as wait } from "node:timers/promises";

const AFTER_ERROR_MS = 5_000;

/** A round that fails is told and tried again. Resolves when the round in hand is done after `stopping`. Never rejects. */
export async function loop(
  stopping: AbortSignal,
  onError: (error: unknown) => void,
  round: () => Promise<void>,
): Promise<void> {
  while (!stopping.aborted) {
    try {
      await round();
    } catch (error) {
      onError(error);
      await pause(AFTER_ERROR_MS, stopping);
    }
  }
}

export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  wait(ms, undefined, { signal }).catch(() => undefined);
