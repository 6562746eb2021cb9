/**
 * Proofs about the log: that an entry is in a tree, and that one tree is the beginning of another (RFC 6962, section
 * 2.1, in the recursive form of RFC 9162). Pure: hashes are read through a one-method reader. A proof is checked only
 * against a root that came from somewhere else.
 */
import { nodeHash, rootOf, sameHash, type Frontier, type Hash } from "./tree.ts";

/**
 * The root of the complete subtree of 2^`level` leaves that begins at leaf `index` · 2^`level`. Asked for complete
 * subtrees only.
 */
export interface HashReader {
  read(wanted: readonly { readonly level: number; readonly index: number }[]): Promise<readonly Hash[]>;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** The largest power of two below `count`, for a count of two at least. */
function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/** The ranges whose hashes prove that leaf `index` is in `range`, from the leaf upwards. */
function inclusionRanges(index: number, { from, to }: Range): readonly Range[] {
  if (to - from <= 1) return [];
  const middle = from + splitOf(to - from);
  return index < middle
    ? [...inclusionRanges(index, { from, to: middle }), { from: middle, to }]
    : [...inclusionRanges(index, { from: middle, to }), { from, to: middle }];
}

/** The ranges that prove the first `old` leaves of `range` a tree of their own. `whole`: that tree's root is known. */
function consistencyRanges(old: number, { from, to }: Range, whole: boolean): readonly Range[] {
  if (old === to) return whole ? [] : [{ from, to }];
  const middle = from + splitOf(to - from);
  return old <= middle
    ? [...consistencyRanges(old, { from, to: middle }, whole), { from: middle, to }]
    : [...consistencyRanges(old, { from: middle, to }, false), { from, to: middle }];
}

/** The hash of any range that begins where a subtree of its size may: folded from the complete subtrees in it. */
async function rangeHashes(ranges: readonly Range[], reader: HashReader): Promise<readonly Hash[]> {
  const parts = ranges.map(completeSubtrees);
  const read = await reader.read(parts.flat());
  let at = 0;
  return parts.map((subtrees) => {
    const hashes = read.slice(at, (at += subtrees.length));
    const last = hashes.at(-1);
    if (last === undefined || hashes.length !== subtrees.length)
      throw new Error("the log lacks a hash of its tree");
    return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
  });
}

/** The root of the log's first `size` leaves. */
export async function rootAt(size: number, reader: HashReader): Promise<Hash> {
  return rootOf(await frontierAt(size, reader));
}

export async function frontierAt(size: number, reader: HashReader): Promise<Frontier> {
  const parts = completeSubtrees({ from: 0, to: size });
  const hashes = await reader.read(parts);
  if (hashes.length !== parts.length) throw new Error("the log lacks a hash of its tree");
  return { size, hashes };
}

function completeSubtrees({
  from,
  to,
}: Range): readonly { readonly level: number; readonly index: number }[] {
  const found = [];
  for (let at = from; at < to;) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= to) level += 1;
    found.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return found;
}

function demand(fits: boolean, what: string): void {
  if (!fits) throw new RangeError(what);
}

/** Throws where the tree has no such leaf. */
export function inclusionProof(index: number, size: number, reader: HashReader): Promise<readonly Hash[]> {
  demand(Number.isSafeInteger(index) && index >= 0 && index < size, "no such leaf in the tree");
  return rangeHashes(inclusionRanges(index, { from: 0, to: size }), reader);
}

/** Throws unless 0 < `old` ≤ `size`. Of a tree with itself the proof is empty. */
export function consistencyProof(old: number, size: number, reader: HashReader): Promise<readonly Hash[]> {
  demand(Number.isSafeInteger(old) && old > 0 && old <= size, "no such earlier tree");
  return rangeHashes(consistencyRanges(old, { from: 0, to: size }, true), reader);
}

/** Whether `leaf` (a leaf hash) is entry `index` of the tree of `size` leaves with this root. */
export function provesInclusion(
  claim: {
    readonly leaf: Hash;
    readonly index: number;
    readonly size: number;
    readonly root: Hash;
  },
  proof: readonly Hash[],
): boolean {
  const { leaf, index, size, root } = claim;
  if (!(Number.isSafeInteger(index) && index >= 0 && index < size)) return false;
  const ranges = inclusionRanges(index, { from: 0, to: size });
  if (ranges.length !== proof.length) return false;
  const found = proof.reduce<Hash>((hash, other, at) => {
    const isRight = (ranges[at]?.from ?? 0) > index;
    return isRight ? nodeHash(hash, other) : nodeHash(other, hash);
  }, leaf);
  return sameHash(found, root);
}

/** Whether the tree of `size` leaves begins with the tree of `old` leaves. */
export function provesConsistency(
  claim: {
    readonly old: number;
    readonly oldRoot: Hash;
    readonly size: number;
    readonly root: Hash;
  },
  proof: readonly Hash[],
): boolean {
  const { old, oldRoot, size, root } = claim;
  if (!(Number.isSafeInteger(old) && old > 0 && old <= size)) return false;
  if (old === size) return proof.length === 0 && sameHash(oldRoot, root);
  const ranges = consistencyRanges(old, { from: 0, to: size }, true);
  if (ranges.length !== proof.length) return false;
  // Where the old tree is complete its own root begins the proof.
  const startsKnown = (ranges[0]?.from ?? 0) >= old;
  const [first, rest, places] = startsKnown
    ? [oldRoot, proof, ranges]
    : [proof[0] ?? oldRoot, proof.slice(1), ranges.slice(1)];
  let [oldHash, newHash] = [first, first];
  for (const [at, hash] of rest.entries()) {
    const isRight = (places[at]?.from ?? 0) >= old;
    if (!isRight) oldHash = nodeHash(hash, oldHash);
    newHash = isRight ? nodeHash(newHash, hash) : nodeHash(hash, newHash);
  }
  return sameHash(oldHash, oldRoot) && sameHash(newHash, root);
}
