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

// By primary key, once for each: a join would let the planner read the table through.
const TILES = `
  SELECT r.level, r.tile,
    (SELECT t.hashes FROM log_tiles t WHERE t.level = r.level AND t.idx = r.tile) AS hashes
  FROM json_to_recordset($1::text::json) AS r (level integer, tile bigint)`;
const ROOTS = `
  SELECT idx, root FROM log_tiles WHERE level = $1::integer AND idx >= $2::bigint AND idx < $3::bigint
  ORDER BY idx`;

/** See HashReader. One question for all the tiles; what is not made yet is asked for part by part. */
export async function readHashes(
  db: Queries,
  wanted: readonly { readonly level: number; readonly index: number }[],
): Promise<readonly Hash[]> {
  const places = wanted.map(placeOf);
  const tiles = new Map(places.map((place) => [tileOf(place), place]));
  const asked = [...tiles.values()].map(({ level, tile }) => ({ level, tile }));
  const rows = await db.query(TILES, [JSON.stringify(asked)]);
  const stored = new Map(
    rows.map((row) => [`${Number(row["level"])}/${Number(row["tile"])}`, row["hashes"] as string | null]),
  );
  const runs = new Map(
    await Promise.all(
      [...tiles].map(async ([key, { tile }]): Promise<readonly [string, Run]> => {
        const text = stored.get(key) ?? null;
        if (text !== null) return [key, { first: tile * WIDTH, hashes: hashesOf(text) }];
        const inTile = places.filter((place) => tileOf(place) === key);
        return [key, await readRun(db, inTile)];
      }),
    ),
  );
  return places.map((place) => {
    const { first = 0, hashes = [] } = runs.get(tileOf(place)) ?? {};
    return foldComplete(hashes.slice(place.first - first, place.first - first + place.count));
  });
}

interface Parts {
  /** Of tiles: the hashes are at level 8 · `level` of the tree. */
  readonly level: number;
  readonly first: number;
  readonly count: number;
}

/** Where a hash is folded from: parts of one tile. */
interface Place extends Parts {
  readonly tile: number;
}

function placeOf({ level, index }: { readonly level: number; readonly index: number }): Place {
  const count = 2 ** (level % SPAN);
  const first = index * count;
  return { level: Math.floor(level / SPAN), tile: Math.floor(first / WIDTH), first, count };
}

const tileOf = ({ level, tile }: Place): string => `${level}/${tile}`;

/** Hashes of one tile side by side, from part `first` on. */
interface Run {
  readonly first: number;
  readonly hashes: readonly Hash[];
}

/** What `places`, all of one tile that is not made yet, and what is between them have. */
async function readRun(db: Queries, places: readonly Place[]): Promise<Run> {
  const level = places[0]?.level ?? 0;
  const first = Math.min(...places.map((place) => place.first));
  const to = Math.max(...places.map((place) => place.first + place.count));
  return { first, hashes: await readParts(db, { level, first, count: to - first }) };
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
