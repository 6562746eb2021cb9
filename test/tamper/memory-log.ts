/** A log in memory that anybody may tamper with, signed by a real key, as the port shows it. */
import { generateKeyPairSync, sign } from "node:crypto";
import { signCheckpoint, type VerifierKey } from "../../src/audit/checkpoint.ts";
import type { KeptCheckpoint, LogReader } from "../../src/audit/reader.ts";
import {
  append,
  EMPTY_FRONTIER,
  foldComplete,
  leafHash,
  rootOf,
  type Frontier,
} from "../../src/audit/tree.ts";

export const ORIGIN = "twokey.log/test";

export interface MemoryLog {
  texts: string[];
  frontier: Frontier;
  checkpoints: KeptCheckpoint[];
}

export const treeOf = (texts: readonly string[]): Frontier =>
  texts.reduce((tree, text) => append(tree, leafHash(text)), EMPTY_FRONTIER);

export interface Signer {
  readonly key: VerifierKey;
  readonly note: (texts: readonly string[]) => string;
}

export function signer(origin = ORIGIN): Signer {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const key = {
    name: origin,
    publicKey: Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url"),
  };
  const note = (texts: readonly string[]): string =>
    signCheckpoint({ origin, size: texts.length, root: rootOf(treeOf(texts)) }, key, (message) =>
      sign(null, message, privateKey),
    );
  return { key, note };
}

/** Signed at each of `sizes`. */
export function signedLog(texts: readonly string[], sizes: readonly number[], { note }: Signer): MemoryLog {
  return {
    texts: [...texts],
    frontier: treeOf(texts),
    checkpoints: sizes.map((size) => ({ size, note: note(texts.slice(0, size)), at: new Date(0) })),
  };
}

export const readerOf = (log: MemoryLog): LogReader => ({
  head: async () => ({ origin: ORIGIN, frontier: log.frontier }),
  leaves: async ({ from, to }) => log.texts.slice(from, to),
  checkpoints: async ({ after, limit }) => log.checkpoints.filter(({ size }) => size > after).slice(0, limit),
  latestCheckpoint: async () => log.checkpoints.at(-1) ?? null,
  hashes: async (wanted) =>
    wanted.map(({ level, index }) =>
      foldComplete(log.texts.slice(index * 2 ** level, (index + 1) * 2 ** level).map(leafHash)),
    ),
});
