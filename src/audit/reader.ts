/**
 * Port: the log as it is hashed: exact texts, the tree's head, signed checkpoints. Stands for whoever verifies, proves
 * or exports it. adapters/postgres reads it, and whoever reads an export.
 */
import type { Frontier, Hash } from "./tree.ts";

/** A signed checkpoint as it is kept; see checkpoint.ts. */
export interface KeptCheckpoint {
  readonly size: number;
  /** The signed note, whole. */
  readonly note: string;
  readonly at: Date;
}

export interface LogHead {
  /** Names the log in its checkpoints: one line, the same for ever. */
  readonly origin: string;
  readonly frontier: Frontier;
}

/** Contract: what is read was durable; nothing is decided or repaired here. */
export interface LogReader {
  head(): Promise<LogHead>;

  /**
   * The exact JSON texts of entries `from` to `to` (exclusive), in order: leaf n of the tree is the UTF-8 of text n.
   * Fewer where the log lacks some of them: whoever asked counts. Texts hold no line break.
   */
  leaves(range: { readonly from: number; readonly to: number }): Promise<readonly string[]>;

  /** In the order of their sizes, those of a larger size than `after`. */
  checkpoints(query: { readonly after: number; readonly limit: number }): Promise<readonly KeptCheckpoint[]>;

  /** The one of the largest size; null: none was signed yet. */
  latestCheckpoint(): Promise<KeptCheckpoint | null>;

  /** Roots of complete subtrees; see proof.ts. */
  hashes(wanted: readonly { readonly level: number; readonly index: number }[]): Promise<readonly Hash[]>;
}
