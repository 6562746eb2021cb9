/**
 * The audit log as a Merkle tree (RFC 6962, section 2.1): hashes, the frontier that moves with every append, and the
 * root. Pure; keeps nothing. A leaf and a node are hashed with different prefixes, so that neither can pass for the
 * other.
 */
import { createHash } from "node:crypto";

/** 32 bytes. */
export type Hash = Uint8Array;

/**
 * The roots of the complete subtrees a tree of `size` leaves is made of, largest first: as many as `size` has one bits.
 * All that is needed to append and to know the root.
 */
export interface Frontier {
  readonly size: number;
  readonly hashes: readonly Hash[];
}

export const EMPTY_FRONTIER: Frontier = { size: 0, hashes: [] };

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (leaf: Uint8Array): Hash => createHash("sha256").update(LEAF).update(leaf).digest();

export const nodeHash = (left: Hash, right: Hash): Hash =>
  createHash("sha256").update(NODE).update(left).update(right).digest();

/** O(log n), and one node hash for each append on average. */
export function append({ size, hashes }: Frontier, leaf: Hash): Frontier {
  const next = [...hashes];
  let hash = leaf;
  // Each trailing one bit of the size is a complete subtree as large as what was just made.
  for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) {
    const left = next.pop();
    if (left === undefined) throw new Error("the frontier is shorter than its size says");
    hash = nodeHash(left, hash);
  }
  next.push(hash);
  return { size: size + 1, hashes: next };
}

/** The tree's root; of the empty tree, the hash of nothing. */
export function rootOf({ hashes }: Frontier): Hash {
  const last = hashes.at(-1);
  if (last === undefined) return createHash("sha256").digest();
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
}

export function sameHash(a: Hash, b: Hash): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
