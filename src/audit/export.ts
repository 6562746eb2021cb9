/**
 * Port: append-only storage outside the broker and its database, which whoever owns those two cannot rewrite. Stands for
 * flows/export-log.ts, which verifies everything before it is put; adapters/export keeps it.
 */
import type { Result } from "../result.ts";

/** A checkpoint that was exported: everything before `size` is in the export. `note`: see checkpoint.ts; unverified. */
export interface ExportedCheckpoint {
  readonly size: number;
  readonly note: string;
}

/** A batch ends at every multiple of this, so that replicas which export the same name their objects alike. */
export const BATCH = 1_000;

/** Exact texts of the entries from `from` on, in order: no more than up to the next multiple of BATCH. */
export interface ExportBatch {
  readonly from: number;
  readonly texts: readonly string[];
}

/** An object of that name is there and holds something else: somebody exported another log, or changed what was. */
export interface ExportConflict {
  readonly object: string;
}

/**
 * Contract. Objects are only ever created, never overwritten or removed. Creating one that is there with the same bytes
 * is success, since replicas may export the same; with other bytes it is the conflict that is answered. `put` and `seal`
 * resolve only once the object is durable. What cannot be reached or written rejects, and may be tried again.
 */
export interface AuditExporter {
  /** For the operator's log: where it goes. Never a secret. */
  readonly name: string;
  /** The one of the largest size; null: nothing was exported yet. */
  latest(): Promise<ExportedCheckpoint | null>;
  put(batch: ExportBatch): Promise<Result<null, ExportConflict>>;
  /** Only after every entry before its size was put. */
  seal(checkpoint: ExportedCheckpoint): Promise<Result<null, ExportConflict>>;
}
