/**
 * Hashes of the log's tree as stored tiles of 256, made behind the writers' backs from the entries: level 0 of their leaf
 * hashes, level n of the roots of 256 tiles below. What has no tile yet is computed from below, so a tile is never needed
 * to be right. Whoever proves something checks the proof: a tile that was changed proves nothing.
 */
import { foldComplete, HASH_BYTES, leafHash, type Hash } from "../../audit/tree.ts";
import { readLeaves } from "./leaves.ts";
import type { Database, Queries } from "./sql.ts";

const WIDTH = 256;
/** Levels of the tree that one tile spans. */
const SPAN = 8;

const TILE = "SELECT hashes FROM log_tiles WHERE level = $1::integer AND idx = $2::bigint";
const ROOTS = `
  SELECT idx, root FROM log_tiles WHERE level = $1::integer AND idx >= $2::bigint AND idx < $3::bigint
  ORDER BY idx`;

export interface TileReader {
  hashes(wanted: readonly { readonly level: number; readonly index: number }[]): Promise<readonly Hash[]>;
}

/** Remembers the tiles it read, so one is for one question. */
export function tileReader(db: Queries): TileReader {
  const tiles = new Map<string, Promise<readonly Hash[] | null>>();

  function tileOf(level: number, index: number): Promise<readonly Hash[] | null> {
    const key = `${level} ${index}`;
    const known = tiles.get(key) ?? readTile(db, level, index);
    tiles.set(key, known);
    return known;
  }

  async function hashOf(level: number, index: number): Promise<Hash> {
    const tileLevel = Math.floor(level / SPAN);
    const count = 2 ** (level % SPAN);
    const first = index * count;
    const tile = await tileOf(tileLevel, Math.floor(first / WIDTH));
    const start = first % WIDTH;
    return foldComplete(
      tile?.slice(start, start + count) ?? (await readParts(db, { level: tileLevel, first, count })),
    );
  }

  return { hashes: (wanted) => Promise.all(wanted.map(({ level, index }) => hashOf(level, index))) };
}

async function readTile(db: Queries, level: number, index: number): Promise<readonly Hash[] | null> {
  const [tile] = await db.query(TILE, [level, index]);
  return tile === undefined ? null : hashesOf(tile["hashes"] as string);
}

interface Parts {
  /** Of tiles: the hashes are at level 8 · `level` of the tree. */
  readonly level: number;
  readonly first: number;
  readonly count: number;
}

/** Hashes that stand side by side, where no tile has them. */
async function readParts(db: Queries, { level, first, count }: Parts): Promise<readonly Hash[]> {
  const to = first + count;
  if (level === 0) return (await readLeaves(db, { from: first, to })).map(leafHash);
  const rows = await db.query(ROOTS, [level - 1, first, to]);
  const roots: Hash[] = rows.map((row) => Buffer.from(row["root"] as string, "base64"));
  // Tiles are made in order: what is missing is behind those that are there.
  while (roots.length < count) {
    const below = { level: level - 1, first: (first + roots.length) * WIDTH, count: WIDTH };
    roots.push(foldComplete(await readParts(db, below)));
  }
  return roots;
}

function hashesOf(text: string): readonly Hash[] {
  const bytes = Buffer.from(text, "base64");
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, n) =>
    bytes.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES),
  );
}

const MADE = "SELECT COALESCE(max(idx) + 1, 0) AS made FROM log_tiles WHERE level = $1::integer";
const MAKE = `
  INSERT INTO log_tiles (level, idx, root, hashes) VALUES ($1::integer, $2::bigint, $3, $4) ON CONFLICT DO NOTHING`;

/**
 * Makes the tiles that `size` entries complete, at most `limit` of them. Answers how many were made; fewer than `limit`:
 * there are no more. Replicas may do so at once.
 */
export async function makeTiles(db: Database, size: number, limit: number): Promise<number> {
  let made = 0;
  let parts = size;
  for (let level = 0; parts >= WIDTH; level += 1) {
    const [row] = await db.query(MADE, [level]);
    const complete = Math.floor(parts / WIDTH);
    for (let index = Number(row?.["made"]); index < complete; index += 1) {
      if (made === limit) return made;
      const hashes = await readParts(db, { level, first: index * WIDTH, count: WIDTH });
      if (hashes.length !== WIDTH) throw new Error(`the log lacks entries for tile ${level}/${index}`);
      const text = Buffer.concat(hashes).toString("base64");
      const root = Buffer.from(foldComplete(hashes)).toString("base64");
      await db.query(MAKE, [level, index, root, text]);
      made += 1;
    }
    parts = complete;
  }
  return made;
}
