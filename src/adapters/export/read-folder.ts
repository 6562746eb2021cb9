/**
 * The port LogReader over an export in a folder, for whoever checks it without the broker and its database. The head is
 * that of the entries which are there, without gaps, up to the newest checkpoint. A file that does not hold what its
 * name says counts as absent. Must never write; verifies nothing: that is for whoever reads.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { KeptCheckpoint, LogReader } from "../../audit/reader.ts";
import { append, EMPTY_FRONTIER, leafHash, rootOf, type Frontier, type Hash } from "../../audit/tree.ts";
import {
  blockOf,
  checkpointName,
  CHECKPOINTS,
  checkpointSize,
  ENTRIES,
  entriesRange,
  readTexts,
  type EntriesRange,
} from "./objects.ts";

/** Lists the folder once: what is exported later is not seen. Throws where it is no export. */
export async function openExportFolder(folder: string): Promise<LogReader> {
  const texts = textsOf(folder, await filesByBlock(folder));
  const sizes = (await readdir(join(folder, CHECKPOINTS)))
    .flatMap((file) => checkpointSize(file) ?? [])
    .sort((a, b) => a - b);
  const newest = sizes.at(-1);
  return {
    head: async () => {
      if (newest === undefined) throw new Error("the export has no checkpoint");
      const { note } = await readCheckpoint(folder, newest);
      const [origin = ""] = note.split("\n");
      return { origin, frontier: await treeOf(texts, { from: 0, to: newest }) };
    },
    leaves: async (range) => {
      const found: string[] = [];
      for await (const page of pages(texts, range)) found.push(...page);
      return found;
    },
    checkpoints: ({ after, limit }) => {
      const wanted = sizes.filter((size) => size > after).slice(0, limit);
      return Promise.all(wanted.map((size) => readCheckpoint(folder, size)));
    },
    latestCheckpoint: async () => (newest === undefined ? null : readCheckpoint(folder, newest)),
    hashes: async (wanted) => {
      const hashes: Hash[] = [];
      for (const { level, index } of wanted) {
        const range = { from: index * 2 ** level, to: (index + 1) * 2 ** level };
        const subtree = await treeOf(texts, range);
        if (subtree.size !== 2 ** level) throw new Error("the export lacks entries of the tree");
        hashes.push(rootOf(subtree));
      }
      return hashes;
    },
  };
}

async function readCheckpoint(folder: string, size: number): Promise<KeptCheckpoint> {
  const path = join(folder, checkpointName(size));
  // When it was signed is not in it; when it was exported is in the file system.
  const [note, { mtime }] = await Promise.all([readFile(path, "utf8"), stat(path)]);
  return { size, note, at: mtime };
}

type EntriesFile = EntriesRange & { readonly file: string };

async function filesByBlock(folder: string): Promise<ReadonlyMap<number, readonly EntriesFile[]>> {
  const blocks = new Map<number, EntriesFile[]>();
  for (const file of await readdir(join(folder, ENTRIES))) {
    const range = entriesRange(file);
    if (range === null) continue;
    const block = blockOf(range.from);
    const others = blocks.get(block) ?? [];
    others.push({ ...range, file });
    blocks.set(block, others);
  }
  return blocks;
}

/** The texts from an entry on that one file holds. Null: none holds that entry. */
type Texts = (at: number) => Promise<readonly string[] | null>;

/**
 * Files may overlap: an export that was cut short is put again up to a later checkpoint. The one that reaches furthest
 * is read, and another where that one does not hold what its name says. Keeps the last one read.
 */
function textsOf(folder: string, files: ReadonlyMap<number, readonly EntriesFile[]>): Texts {
  let kept: { readonly file: string; readonly texts: Promise<readonly string[] | null> } | null = null;
  // Kept while it is still being read: whoever asks for the next page meanwhile wants the same file.
  const load = ({ file, from, to }: EntriesFile): Promise<readonly string[] | null> => {
    if (kept?.file !== file) {
      const texts = readFile(join(folder, ENTRIES, file)).then((bytes) => readTexts(bytes, to - from));
      kept = { file, texts };
    }
    return kept.texts;
  };
  return async (at) => {
    const holding = (files.get(blockOf(at)) ?? []).filter(({ from, to }) => from <= at && at < to);
    for (const file of holding.toSorted((a, b) => b.to - a.to)) {
      const texts = await load(file);
      if (texts !== null) return texts.slice(at - file.from);
    }
    return null;
  };
}

/** Ends where an entry is lacking. */
async function* pages(texts: Texts, { from, to }: EntriesRange): AsyncGenerator<readonly string[]> {
  for (let at = from; at < to;) {
    const page = await texts(at);
    if (page === null) return;
    yield page.slice(0, to - at);
    at += page.length;
  }
}

async function treeOf(texts: Texts, range: EntriesRange): Promise<Frontier> {
  let tree = EMPTY_FRONTIER;
  for await (const page of pages(texts, range)) {
    tree = page.reduce((reached, text) => append(reached, leafHash(text)), tree);
  }
  return tree;
}
