/**
 * A signed statement of what the log is now:
 *
 *   head → is it what was signed before, and more? → signed → kept
 *
 * Signs nothing that is not a continuation of the last checkpoint: a database that was rolled back or rewritten is told
 * instead, every time, until somebody looks. Never rewrites a checkpoint.
 */
import { openCheckpoint, signCheckpoint, type Sign, type Verify } from "../audit/checkpoint.ts";
import { consistencyProof, provesConsistency } from "../audit/proof.ts";
import type { LogHead, LogReader } from "../audit/reader.ts";
import { rootOf, type Frontier, type Hash } from "../audit/tree.ts";
import { err, ok, type Result } from "../result.ts";

export interface CheckpointSigning {
  readonly tree: LogReader;
  readonly keep: (size: number, note: string) => Promise<void>;
  readonly key: { readonly publicKey: Uint8Array; readonly sign: Sign };
  readonly verify: Verify;
}

export interface SignedState {
  readonly size: number;
  readonly root: Hash;
}

export type LogFault =
  /** The log is shorter than what was signed. */
  | { readonly reason: "rolled_back"; readonly signed: number; readonly found: number }
  /** It is as long, and not the same. */
  | { readonly reason: "forked"; readonly signed: number }
  /** The last checkpoint in the record is none that this key signed. */
  | { readonly reason: "not_signed"; readonly signed: number; readonly detail: string };

/** `before`: what this process signed last; null: what the record holds counts. Answers what is signed now. */
export async function signDue(
  signing: CheckpointSigning,
  before: SignedState | null,
): Promise<Result<SignedState | null, LogFault>> {
  const checked = await checkLog(signing, before);
  if (!checked.ok) return checked;
  const { last, head } = checked.value;
  const { origin, frontier } = head;
  if (frontier.size === (last?.size ?? 0)) return ok(last);

  const root = rootOf(frontier);
  const { publicKey, sign } = signing.key;
  const note = signCheckpoint({ origin, size: frontier.size, root }, { name: origin, publicKey }, (message) =>
    sign(message),
  );
  await signing.keep(frontier.size, note);
  return ok({ size: frontier.size, root });
}

/** What was signed last, and the head that continues it. Signs nothing. */
export async function checkLog(
  signing: Omit<CheckpointSigning, "keep">,
  before: SignedState | null,
): Promise<Result<{ readonly last: SignedState | null; readonly head: LogHead }, LogFault>> {
  const head = await signing.tree.head();
  const last = before === null ? await lastKept(signing, head.origin) : ok(before);
  if (!last.ok) return last;
  const fault = await continues(signing.tree, last.value, head.frontier);
  return fault === null ? ok({ last: last.value, head }) : err(fault);
}

/** A new key goes on from a checkpoint of the old one only where an operator put that out of the way. */
async function lastKept(
  { tree, key, verify }: Omit<CheckpointSigning, "keep">,
  origin: string,
): Promise<Result<SignedState | null, LogFault>> {
  const kept = await tree.latestCheckpoint();
  if (kept === null) return ok(null);
  const known = [{ name: origin, publicKey: key.publicKey }];
  const opened = openCheckpoint(kept.note, known, verify);
  if (opened.ok && opened.value.size === kept.size && opened.value.origin === origin) return opened;
  const detail = opened.ok ? "it is another log's, or of another size" : opened.error;
  return err({ reason: "not_signed", signed: kept.size, detail });
}

async function continues(
  tree: LogReader,
  last: SignedState | null,
  frontier: Frontier,
): Promise<LogFault | null> {
  if (last === null || last.size === 0) return null;
  const { size } = frontier;
  if (size < last.size) return { reason: "rolled_back", signed: last.size, found: size };
  const proof = await consistencyProof(last.size, size, { read: (wanted) => tree.hashes(wanted) });
  const claim = { old: last.size, oldRoot: last.root, size, root: rootOf(frontier) };
  return provesConsistency(claim, proof) ? null : { reason: "forked", signed: last.size };
}
