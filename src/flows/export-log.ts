/**
 * Exports the log, so that a copy stands where whoever owns broker and database cannot change it: the export's latest
 * checkpoint → the tree it is of → the log still continues that tree → its further checkpoints in order, each with
 * exactly the entries that hash to it → only then the entries are put → the last checkpoint seals them. The entries are
 * read twice and hashed both times, so that what is put is what was verified. Must never put an entry that does not lead
 * from the exported checkpoint to a signed one. A crash leaves entries without a seal, which the next run puts again.
 */
import type { Checkpoint } from "../audit/checkpoint.ts";
import { BATCH, type AuditExporter, type ExportConflict } from "../audit/export.ts";
import { consistencyProof, provesConsistency } from "../audit/proof.ts";
import type { KeptCheckpoint, LogHead, LogReader } from "../audit/reader.ts";
import {
  append,
  EMPTY_FRONTIER,
  leafHash,
  rootOf,
  sameHash,
  type Frontier,
  type Hash,
} from "../audit/tree.ts";
import { err, ok, type Result } from "../result.ts";

export interface LogExport {
  readonly log: LogReader;
  readonly exporter: AuditExporter;
  /** The checkpoint of a note that a key of this log signed. */
  readonly open: (note: string) => Result<Checkpoint, string>;
  /** Aborts when the broker stops: what is being put is finished, nothing more is. */
  readonly stopping: AbortSignal;
}

/** Each means that somebody has to look: nothing was exported, and nothing will be until it is understood. */
export type ExportFault =
  /** A checkpoint promises `promised` entries; the log holds fewer. */
  | { readonly fault: "log_rolled_back"; readonly promised: number; readonly holds: number }
  /** The log's entries are not those that the checkpoint of this size was signed over. */
  | { readonly fault: "log_forked"; readonly size: number }
  /** A checkpoint of the log or of the export is not signed by a key of this log, or is of another. */
  | {
      readonly fault: "checkpoint_not_ours";
      readonly of: "log" | "export";
      readonly size: number;
      readonly reason: string;
    }
  | ({ readonly fault: "export_conflict" } & ExportConflict);

/** The tree as far as it is exported now, and how many entries this run added. */
export interface Exported {
  readonly size: number;
  readonly entries: number;
}

/** A long backlog is sealed on the way, so that a crash does not start it again. */
const LONGEST_STRIDE = 100_000;

/** Up to the newest checkpoint the log has, or until it is stopping. Rejects where log or export cannot be reached. */
export async function exportLog(parts: LogExport): Promise<Result<Exported, ExportFault>> {
  const start = await exportedTree(parts);
  if (!start.ok) return start;
  let tree = start.value;
  while (!parts.stopping.aborted) {
    const plan = await verifyOnwards(parts, tree);
    if (!plan.ok) return plan;
    if (plan.value === null) break;
    const put = await putAndSeal(parts, tree, plan.value);
    if (!put.ok) return put;
    if (put.value === null) break;
    tree = put.value;
  }
  return ok({ size: tree.size, entries: tree.size - start.value.size });
}

/** The tree of the export's latest checkpoint, which the log as it is now must continue. */
async function exportedTree(parts: LogExport): Promise<Result<Frontier, ExportFault>> {
  const { log, exporter } = parts;
  const latest = await exporter.latest();
  if (latest === null || latest.size === 0) return ok(EMPTY_FRONTIER);
  const head = await log.head();
  const opened = openNote(parts, latest, { of: "export", origin: head.origin });
  if (!opened.ok) return opened;
  const { size, root } = opened.value;
  const holds = head.frontier.size;
  if (holds < size) return err({ fault: "log_rolled_back", promised: size, holds });
  const tree = { size, hashes: await log.hashes(completeSubtrees(size)) };
  if (!sameHash(rootOf(tree), root) || !(await continues(log, { size, root }, head))) {
    return err({ fault: "log_forked", size });
  }
  return ok(tree);
}

async function continues(
  log: LogReader,
  old: { readonly size: number; readonly root: Hash },
  { frontier }: LogHead,
): Promise<boolean> {
  const proof = await consistencyProof(old.size, frontier.size, { read: (wanted) => log.hashes(wanted) });
  const claim = { old: old.size, oldRoot: old.root, size: frontier.size, root: rootOf(frontier) };
  return provesConsistency(claim, proof);
}

/** Where the frontier of a tree of that size stands: its one bits, the largest first. */
function completeSubtrees(size: number): readonly { readonly level: number; readonly index: number }[] {
  const found = [];
  let rest = size;
  for (let level = Math.floor(Math.log2(size)); level >= 0; level -= 1) {
    const width = 2 ** level;
    if (rest < width) continue;
    found.push({ level, index: (size - rest) / width });
    rest -= width;
  }
  return found;
}

/** What was verified: where each batch ends, and the root there. */
interface Plan {
  readonly batches: readonly { readonly to: number; readonly root: Hash }[];
  readonly checkpoint: KeptCheckpoint;
}

const CHECKPOINTS = 100;

/** Through the log's checkpoints after `tree`. Null: there are none. Puts nothing. */
async function verifyOnwards(parts: LogExport, tree: Frontier): Promise<Result<Plan | null, ExportFault>> {
  const { origin } = await parts.log.head();
  const batches: { to: number; root: Hash }[] = [];
  let [reached, last]: [Frontier, KeptCheckpoint | null] = [tree, null];
  while (reached.size - tree.size < LONGEST_STRIDE) {
    const page = await parts.log.checkpoints({ after: reached.size, limit: CHECKPOINTS });
    for (const kept of page) {
      const opened = openNote(parts, kept, { of: "log", origin });
      if (!opened.ok) return opened;
      const extended = await extend(parts.log, reached, opened.value);
      if (!extended.ok) return extended;
      batches.push(...extended.value.batches);
      [reached, last] = [extended.value.tree, kept];
      if (reached.size - tree.size >= LONGEST_STRIDE) break;
    }
    if (page.length < CHECKPOINTS) break;
  }
  if (last === null) return ok(null);
  if (batches.at(-1)?.to !== reached.size) batches.push({ to: reached.size, root: rootOf(reached) });
  return ok({ batches, checkpoint: last });
}

/** The tree with the log's entries up to a checkpoint, if they hash to its root; and the batches that end on the way. */
async function extend(
  log: LogReader,
  tree: Frontier,
  { size, root }: Checkpoint,
): Promise<Result<{ readonly tree: Frontier; readonly batches: Plan["batches"] }, ExportFault>> {
  const batches: { to: number; root: Hash }[] = [];
  let reached = tree;
  while (reached.size < size) {
    const to = Math.min(endOfBatch(reached.size), size);
    const texts = await log.leaves({ from: reached.size, to });
    if (texts.length < to - reached.size) {
      return err({ fault: "log_rolled_back", promised: size, holds: reached.size + texts.length });
    }
    reached = grown(reached, texts);
    if (reached.size % BATCH === 0) batches.push({ to, root: rootOf(reached) });
  }
  if (!sameHash(rootOf(reached), root)) return err({ fault: "log_forked", size });
  return ok({ tree: reached, batches });
}

/** Null: it is stopping, and the rest is for the next run. */
async function putAndSeal(
  { log, exporter, stopping }: LogExport,
  tree: Frontier,
  { batches, checkpoint }: Plan,
): Promise<Result<Frontier | null, ExportFault>> {
  let reached = tree;
  for (const { to, root } of batches) {
    if (stopping.aborted) return ok(null);
    const from = reached.size;
    const texts = await log.leaves({ from, to });
    reached = grown(reached, texts);
    // Read again: it must be what was verified.
    if (reached.size !== to || !sameHash(rootOf(reached), root))
      return err({ fault: "log_forked", size: to });
    const put = await exporter.put({ from, texts });
    if (!put.ok) return err({ fault: "export_conflict", ...put.error });
  }
  const sealed = await exporter.seal({ size: checkpoint.size, note: checkpoint.note });
  return sealed.ok ? ok(reached) : err({ fault: "export_conflict", ...sealed.error });
}

const endOfBatch = (from: number): number => (Math.floor(from / BATCH) + 1) * BATCH;

function grown(tree: Frontier, texts: readonly string[]): Frontier {
  return texts.reduce((reached, text) => append(reached, leafHash(text)), tree);
}

/** A checkpoint that is signed, of this log, and of the size it is kept under. */
function openNote(
  { open }: LogExport,
  { size, note }: { readonly size: number; readonly note: string },
  { of, origin }: { readonly of: "log" | "export"; readonly origin: string },
): Result<Checkpoint, ExportFault> {
  const opened = open(note);
  const notOurs = (reason: string) => err({ fault: "checkpoint_not_ours" as const, of, size, reason });
  if (!opened.ok) return notOurs(opened.error);
  if (opened.value.origin !== origin) return notOurs("is of another log");
  return opened.value.size === size ? opened : notOurs("is of another size than it is kept under");
}
