/** The log's Merkle tree as the store keeps it: against a tree worked out here from the entries alone. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import {
  consistencyProof,
  inclusionProof,
  provesConsistency,
  provesInclusion,
} from "../../src/audit/proof.ts";
import { rootOf } from "../../src/audit/tree.ts";
import { adoptTree } from "../../src/adapters/postgres/adopt-tree.ts";
import { onEveryEngine } from "./engines.ts";
import { REFUSED } from "./records.ts";

const sha256 = (...parts: readonly (string | Buffer)[]): Buffer => {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  return digest.digest();
};

/** RFC 6962, section 2.1, as it is written there. */
function mth(leaves: readonly string[]): Buffer {
  const [first = ""] = leaves;
  if (leaves.length === 0) return sha256("");
  if (leaves.length === 1) return sha256("\0", first);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256("\x01", mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

onEveryEngine("the tree of the log", (opened) => {
  const bodies = async (): Promise<readonly string[]> =>
    (await opened.db.query("SELECT body FROM entries ORDER BY idx", [])).map((row) => row["body"] as string);
  const reader = {
    read: (wanted: Parameters<typeof opened.log.tree.hashes>[0]) => opened.log.tree.hashes(wanted),
  };

  test("has the root RFC 6962 gives the entries' exact texts, alone and in groups", async () => {
    for (let round = 0; round < 5; round += 1) {
      await opened.log.append({
        ...REFUSED,
        kind: "request.refused",
        agent: "\u202e\0\ud800",
        detail: { route: "POST /v1/credentials", code: "x", reason: "ü\n\u2028 \ud83d\ude00" },
      });
      await Promise.all(Array.from({ length: 1 + round * 7 }, () => opened.log.append(REFUSED)));
      const { frontier } = await opened.log.tree.head();
      const texts = await bodies();
      expect(frontier.size).toBe(texts.length);
      expect(hex(rootOf(frontier))).toBe(hex(mth(texts)));
      expect(await opened.log.tree.leaves({ from: 0, to: texts.length })).toEqual(texts);
    }
  });

  test("refuses every write while its frontier is not that of its size", async () => {
    const [head] = await opened.db.query("SELECT frontier FROM log_head", []);
    await opened.db.write("UPDATE log_head SET frontier = $1", [""]);
    // The first finds that the head is not where it was, and the second looks at what is there.
    await expect(opened.log.append(REFUSED)).rejects.toThrow(/frontier/);
    await expect(opened.log.append(REFUSED)).rejects.toThrow(/frontier/);
    await opened.db.write("UPDATE log_head SET frontier = $1", [head?.["frontier"] as string]);
    await opened.log.append(REFUSED);
  });

  test("takes entries older than itself in, and proves any of them, with and without tiles", async () => {
    const SIZE = 66_000;
    await opened.db.transaction(async (tx) => {
      await tx.query(
        `INSERT INTO entries (idx, at, kind, body)
         SELECT n, now(), 'broker.started', '{"n":' || n || '}'
         FROM generate_series((SELECT size FROM log_head), ${SIZE - 1}) n`,
        [],
      );
      await tx.query(`UPDATE log_head SET size = ${SIZE}, frontier = NULL`, []);
    });
    await adoptTree(opened.db);
    const { frontier } = await opened.log.tree.head();
    const texts = await bodies();
    const root = rootOf(frontier);
    expect(hex(root)).toBe(hex(mth(texts)));

    const proofs = async (): Promise<readonly string[]> => {
      const found = [];
      for (const index of [255, 65_535, SIZE - 1]) {
        const proof = await inclusionProof(index, SIZE, reader);
        const leaf = sha256("\0", texts[index] ?? "");
        expect(provesInclusion({ leaf, index, size: SIZE, root }, proof)).toBe(true);
        found.push(...proof.map(hex));
      }
      for (const old of [256, 65_999]) {
        const proof = await consistencyProof(old, SIZE, reader);
        const oldRoot = mth(texts.slice(0, old));
        expect(provesConsistency({ old, oldRoot, size: SIZE, root }, proof)).toBe(true);
        found.push(...proof.map(hex));
      }
      return found;
    };
    const without = await proofs();
    // 257 tiles of 256 entries, and one of 256 tiles.
    expect(await opened.log.makeTiles(SIZE, 200)).toBe(200);
    expect(await opened.log.makeTiles(SIZE, 1_000)).toBe(58);
    expect(await opened.log.makeTiles(SIZE, 1_000)).toBe(0);
    expect(await proofs()).toEqual(without);

    // A tile that was changed proves nothing.
    await opened.db.write(
      "UPDATE log_tiles SET hashes = (SELECT hashes FROM log_tiles WHERE level = 0 AND idx = 1) WHERE level = 0 AND idx = 0",
      [],
    );
    const forged = await inclusionProof(0, SIZE, reader);
    expect(provesInclusion({ leaf: sha256("\0", texts[0] ?? ""), index: 0, size: SIZE, root }, forged)).toBe(
      false,
    );
  });
});
