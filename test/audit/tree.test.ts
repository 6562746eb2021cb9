/** The Merkle tree against the published vectors of RFC 6962 implementations, and against a naive tree. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  consistencyProof,
  inclusionProof,
  provesConsistency,
  provesInclusion,
  type HashReader,
} from "../../src/audit/proof.ts";
import { append, EMPTY_FRONTIER, leafHash, rootOf, type Frontier, type Hash } from "../../src/audit/tree.ts";

const hex = (hash: Hash): string => Buffer.from(hash).toString("hex");
const sha = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** RFC 6962's definition, word for word. */
function naiveRoot(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha();
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return sha(Buffer.of(0), only);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha(Buffer.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

const readerOf = (leaves: readonly Uint8Array[]): HashReader => ({
  read: async (wanted) =>
    wanted.map(({ level, index }) => {
      const width = 2 ** level;
      const part = leaves.slice(index * width, (index + 1) * width);
      if (part.length !== width) throw new Error("asked for a subtree that is not complete");
      return naiveRoot(part);
    }),
});

const frontierOf = (leaves: readonly Uint8Array[]): Frontier =>
  leaves.reduce((frontier, leaf) => append(frontier, leafHash(leaf)), EMPTY_FRONTIER);

/** The leaves and roots that implementations of Certificate Transparency test themselves with. */
const CT_LEAVES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
].map((text) => Buffer.from(text, "hex"));
const CT_ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

test("the empty tree's root is the hash of nothing", () => {
  expect(hex(rootOf(EMPTY_FRONTIER))).toBe(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
});

test.each(CT_ROOTS.map((root, index) => [index + 1, root] as const))(
  "the root of the first %i published leaves is the published one",
  (size, root) => {
    expect(hex(rootOf(frontierOf(CT_LEAVES.slice(0, size))))).toBe(root);
  },
);

const leaves = fc.array(fc.uint8Array({ maxLength: 8 }), { minLength: 1, maxLength: 130 });

test("the frontier's root is the root RFC 6962 defines, at every size", () => {
  fc.assert(
    fc.property(leaves, (all) => {
      expect(hex(rootOf(frontierOf(all)))).toBe(hex(naiveRoot(all)));
    }),
  );
});

test("every leaf's inclusion is proved, and no other leaf's, place's or tree's", async () => {
  await fc.assert(
    fc.asyncProperty(leaves, fc.nat(), fc.nat(), async (all, a, b) => {
      const [index, other] = [a % all.length, b % all.length];
      const [size, root] = [all.length, naiveRoot(all)];
      const proof = await inclusionProof(index, size, readerOf(all));
      const leaf = leafHash(all[index] ?? new Uint8Array());
      const claim = { leaf, index, size, root };
      expect(provesInclusion(claim, proof)).toBe(true);
      const changed = leafHash(Buffer.concat([all[index] ?? Buffer.of(), Buffer.of(1)]));
      expect(provesInclusion({ ...claim, leaf: changed }, proof)).toBe(false);
      expect(provesInclusion({ ...claim, root: changed }, proof)).toBe(false);
      expect(provesInclusion(claim, [...proof, leaf])).toBe(false);
      if (proof.length > 0) expect(provesInclusion(claim, proof.slice(1))).toBe(false);
      const elsewhere = provesInclusion({ ...claim, index: other }, proof);
      const sameLeaf = index === other || hex(leafHash(all[other] ?? Buffer.of())) === hex(leaf);
      if (!sameLeaf) expect(elsewhere).toBe(false);
    }),
  );
});

test("a tree is proved to begin with each earlier one, and with nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(leaves, fc.nat(), fc.nat(), async (all, a, b) => {
      const [old, size] = [1 + (a % all.length), all.length];
      const claim = { old, oldRoot: naiveRoot(all.slice(0, old)), size, root: naiveRoot(all) };
      const proof = await consistencyProof(old, size, readerOf(all));
      expect(provesConsistency(claim, proof)).toBe(true);
      // An edited entry of the earlier tree.
      const edited = all
        .slice(0, old)
        .map((leaf, at) => (at === b % old ? Buffer.concat([leaf, Buffer.of(7)]) : leaf));
      expect(provesConsistency({ ...claim, oldRoot: naiveRoot(edited) }, proof)).toBe(false);
      // One bit off, so that it is no tree's of these leaves.
      const other = Buffer.from(claim.root);
      other[0] = (other[0] ?? 0) ^ 1;
      expect(provesConsistency({ ...claim, root: other }, proof)).toBe(false);
      expect(provesConsistency(claim, [...proof, claim.root])).toBe(false);
      if (proof.length > 0) expect(provesConsistency(claim, proof.slice(0, -1))).toBe(false);
    }),
  );
});

test("sizes and places that cannot be are refused", async () => {
  const reader = readerOf(CT_LEAVES);
  expect(() => inclusionProof(8, 8, reader)).toThrow(RangeError);
  expect(() => inclusionProof(-1, 8, reader)).toThrow(RangeError);
  expect(() => consistencyProof(0, 8, reader)).toThrow(RangeError);
  expect(() => consistencyProof(9, 8, reader)).toThrow(RangeError);
  expect(provesInclusion({ leaf: naiveRoot([]), index: 1, size: 1, root: naiveRoot([]) }, [])).toBe(false);
  expect(provesConsistency({ old: 0, oldRoot: naiveRoot([]), size: 1, root: naiveRoot([]) }, [])).toBe(false);
});
