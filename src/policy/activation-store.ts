/**
 * Port: which policy set is in force, where a change of it takes two keys. Kept in the database, so that neither a
 * restart nor another replica's folder goes around the approval.
 */
import type { PolicyFile } from "./parse-set.ts";

/** A set as text, under its digest. */
export interface KeptSet {
  readonly digest: string;
  readonly files: readonly PolicyFile[];
  /** Version of the action data that the digest covers besides the files. */
  readonly actionData: string;
}

export interface ActiveSet {
  readonly digest: string;
  /** The escalation that approved it; null: it was served without approval. */
  readonly escalation: string | null;
  /**
   * Counts activations from 1. A set may come back; its number never does, so nothing that was approved against one
   * time in force is good for another.
   */
  readonly generation: number;
}

/** Contract: resolves only once durable. */
export interface ActivationStore {
  /** Null: no set was ever served from this database. */
  active(): Promise<ActiveSet | null>;
  /**
   * Keeps the set and makes it the one in force, if generation `from` (null: none) still is. False: something else is
   * by now, and nothing changed.
   */
  activate(set: KeptSet & { readonly escalation: string | null }, from: number | null): Promise<boolean>;
  /** Keeps a set's files under its digest until it is approved. The first files kept under a digest stay. */
  keep(set: KeptSet): Promise<void>;
  kept(digest: string): Promise<KeptSet | null>;
}
