/**
 * The log's head, one row: how many entries, the frontier of their Merkle tree, and what is frozen. Every writer moves
 * it by compare-and-swap, so whoever moved it knows all three exactly. Must never take a head whose frontier cannot be
 * that of its size.
 */
import { append, leafHash, parseFrontier, type Frontier } from "../../audit/tree.ts";
import type { FreezeTarget } from "../../identity/freeze.ts";
import type { Queries, Row } from "./sql.ts";

export interface Head {
  /** Its size is the log's: the next index. */
  readonly frontier: Frontier;
  /** But for single sessions, which are frozen in their own rows. */
  readonly frozen: readonly FreezeTarget[];
}

/** Where this replica last saw the head; null when it does not know. A wrong belief costs a second try. */
export interface HeadBelief {
  head: Head | null;
}

export const HEAD_COLUMNS = "size, frontier, frozen";
const LOCK_HEAD = `SELECT ${HEAD_COLUMNS} FROM log_head WHERE id = 1 FOR UPDATE`;

/** Every writer waits here, and what follows sees all that any earlier one committed. */
export async function lockHead(tx: Queries): Promise<Head> {
  const [row] = await tx.query(LOCK_HEAD, []);
  if (row === undefined) throw new Error("the log has no head");
  return headOf(row);
}

export function headOf(row: Row): Head {
  const text = row["frontier"] as string | null;
  const frontier = text === null ? null : parseFrontier(Number(row["size"]), text);
  if (frontier === null) throw new Error("the head's frontier is not that of the log's size");
  return {
    frontier,
    frozen: JSON.parse((row["frozen"] as string | null) ?? "[]") as readonly FreezeTarget[],
  };
}

/** The tree with `texts` behind it; see LogReader.leaves. */
export const grown = (frontier: Frontier, texts: readonly string[]): Frontier =>
  texts.reduce((tree, text) => append(tree, leafHash(text)), frontier);
