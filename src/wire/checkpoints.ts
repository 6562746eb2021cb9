/**
 * Signs the audit log every few seconds while it grows, and once more at the stop; makes proofs cheap meanwhile. A log
 * that is not what was signed before is told in every round and signed no more.
 */
import type { Logger } from "pino";
import { verifyEd25519, type AuditKey } from "../adapters/key-files/key-files.ts";
import type { Store } from "../adapters/postgres/audit-log.ts";
import { signDue, type LogFault, type SignedState } from "../flows/sign-checkpoint.ts";
import { whereFrom } from "./log.ts";
import { loop, pause } from "./loop.ts";

const EVERY_MS = 5_000;
/** Tiles made in one round: 65,536 entries. */
const TILES = 256;

export interface Checkpoints {
  /** What is wrong with the log, in words for an operator; null: nothing known. */
  readonly fault: () => string | null;
  /** Signs what is there, then signs no more. Never rejects. */
  readonly close: () => Promise<void>;
}

export function startCheckpoints(store: Store, key: AuditKey, log: Logger): Checkpoints {
  const stop = new AbortController();
  const onError = (error: unknown): void => {
    log.error(whereFrom(error), "checkpoints: the record could not be read or written");
  };
  const signing = {
    tree: store.tree,
    keep: (size: number, note: string) => store.keepCheckpoint(size, note),
    key,
    verify: verifyEd25519,
  };
  let last: SignedState | null = null;
  let fault: LogFault | null = null;
  async function sign(): Promise<void> {
    const signed = await signDue(signing, last);
    fault = signed.ok ? null : signed.error;
    if (!signed.ok) log.error({ fault }, "the audit log is NOT what was signed before");
    else last = signed.value;
    if (last !== null) await store.makeTiles(last.size, TILES);
  }
  const running = loop(stop.signal, onError, async () => {
    await sign();
    await pause(EVERY_MS, stop.signal);
  });
  return {
    fault: () => (fault === null ? null : FAULTS[fault.reason]),
    close: async () => {
      stop.abort();
      await running;
      await sign().catch(onError);
    },
  };
}

const FAULTS: Readonly<Record<LogFault["reason"], string>> = {
  rolled_back: "the audit log is shorter than what was signed: the database was rolled back",
  forked: "the audit log is not what was signed before: run twokey audit verify",
  not_signed: "the last checkpoint in the record was signed by another key, or by none",
};
