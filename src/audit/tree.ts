/**
 * The audit log as a Merkle tree (RFC 6962, section 2.1): hashes, the frontier that moves with every append, and the
 * root. Pure; keeps nothing. A leaf and a node are hashed with different prefixes, so that neither can pass for the
 * other.
 */
import { hash } from "node:crypto";

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

/** Bytes of a hash. */
export const HASH_BYTES = 32;

// By way of a string of bytes, which Node makes in a third of the time that a buffer takes it.
const sha256 = (data: Uint8Array | string): Hash => Buffer.from(hash("sha256", data, "binary"), "binary");

/** Of bytes, or of a text's UTF-8, in which a NUL is the byte 0 that marks a leaf. */
export function leafHash(leaf: Uint8Array | string): Hash {
  if (typeof leaf === "string") return sha256(`\0${leaf}`);
  const bytes = new Uint8Array(leaf.length + 1);
  bytes.set(leaf, 1);
  return sha256(bytes);
}

/** Written over whole by each nodeHash: a new one each time costs as much as hashing it. */
const node = new Uint8Array(1 + 2 * HASH_BYTES);
node[0] = 1;

export function nodeHash(left: Hash, right: Hash): Hash {
  // A shorter hash would leave some of the one before it standing.
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw new Error("not a hash");
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return sha256(node);
}

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
  if (last === undefined) return sha256("");
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
}

/** The hashes as one base64 text, for whoever keeps a frontier beside its size. */
export const frontierText = ({ hashes }: Frontier): string => Buffer.concat(hashes).toString("base64");

/** Null where the text cannot be the frontier of a tree of `size` leaves: a frontier has a hash for each one bit. */
export function parseFrontier(size: number, text: string): Frontier | null {
  const bytes = Buffer.from(text, "base64");
  let ones = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  if (bytes.toString("base64") !== text || bytes.length !== ones * HASH_BYTES) return null;
  const hashes = Array.from({ length: ones }, (_, n) => bytes.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES));
  return { size, hashes };
}

/** The root of complete subtrees side by side, a power of two of them. */
export function foldComplete(hashes: readonly Hash[]): Hash {
  let row = hashes;
  while (row.length > 1) {
    row = Array.from({ length: row.length / 2 }, (_, n) => {
      const [left, right] = [row[2 * n], row[2 * n + 1]];
      if (left === undefined || right === undefined) throw new Error("not a power of two of hashes");
      return nodeHash(left, right);
    });
  }
  const [root] = row;
  if (root === undefined) throw new Error("no hashes to fold");
  return root;
}

export function sameHash(a: Hash, b: Hash): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
