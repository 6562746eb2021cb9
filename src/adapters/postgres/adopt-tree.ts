/**
 * Puts entries that are older than the tree into it, at the first start of a version that has one, and names the log.
 * Any number of replicas may do so at once; each comes to the same tree. Does nothing where that is done.
 */
import { randomBytes } from "node:crypto";
import { EMPTY_FRONTIER, frontierText } from "../../audit/tree.ts";
import { grown } from "./head.ts";
import { readLeaves } from "./leaves.ts";
import type { Database } from "./sql.ts";

const HEAD = "SELECT size, frontier, origin FROM log_head WHERE id = 1";
const NAME = "UPDATE log_head SET origin = $1 WHERE id = 1 AND origin IS NULL";
const ADOPT = "UPDATE log_head SET frontier = $2 WHERE id = 1 AND size = $1::bigint AND frontier IS NULL";
/** Entries read at once. */
const PAGE = 2_000;

export async function adoptTree(db: Database): Promise<void> {
  for (let tree = EMPTY_FRONTIER; ;) {
    const [head] = await db.query(HEAD, []);
    if (head === undefined) throw new Error("the log has no head");
    if (head["origin"] === null) {
      await db.write(NAME, [`twokey.log/${randomBytes(16).toString("hex")}`]);
    }
    if (head["frontier"] !== null) return;
    const size = Number(head["size"]);
    while (tree.size < size) {
      const to = Math.min(size, tree.size + PAGE);
      const texts = await readLeaves(db, { from: tree.size, to });
      if (texts.length !== to - tree.size) throw new Error(`the log lacks entries from ${tree.size} on`);
      tree = grown(tree, texts);
    }
    // Where the log grew meanwhile nothing was set, and the next round takes the rest.
    await db.write(ADOPT, [size, frontierText(tree)]);
  }
}
