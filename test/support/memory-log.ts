/** A log in memory with signed checkpoints, as the port LogReader: real hashes and a real Ed25519 key. */
import { createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from "node:crypto";
import {
  openCheckpoint,
  signCheckpoint,
  type Checkpoint,
  type Verify,
  type VerifierKey,
} from "../../src/audit/checkpoint.ts";
import type { KeptCheckpoint, LogReader } from "../../src/audit/reader.ts";
import { append, EMPTY_FRONTIER, leafHash, rootOf, type Frontier } from "../../src/audit/tree.ts";
import type { Result } from "../../src/result.ts";

export const ORIGIN = "twokey.example.com/log";

const verifyEd25519: Verify = (message, signature, publicKey) => {
  const x = Buffer.from(publicKey).toString("base64url");
  return verify(
    null,
    message,
    createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" }),
    signature,
  );
};

export interface MemoryLog {
  readonly reader: LogReader;
  /** What is read: a test may change it, as somebody with the database could. */
  readonly texts: string[];
  readonly checkpoints: KeptCheckpoint[];
  readonly add: (count: number) => void;
  /** Signs and keeps a checkpoint of the log as it is, or with changes. */
  readonly sign: (changes?: Partial<Checkpoint>) => KeptCheckpoint;
  /** Opens what this log's key signed. */
  readonly open: (note: string) => Result<Checkpoint, string>;
  /** The same log as it was: shares the key and nothing else. */
  readonly copy: () => MemoryLog;
}

const treeOf = (texts: readonly string[]): Frontier =>
  texts.reduce((tree, text) => append(tree, leafHash(Buffer.from(text, "utf8"))), EMPTY_FRONTIER);

export function memoryLog(): MemoryLog {
  return logOf(generateKeyPairSync("ed25519"), [], []);
}

function logOf(
  pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  texts: string[],
  checkpoints: KeptCheckpoint[],
): MemoryLog {
  const { x = "" } = pair.publicKey.export({ format: "jwk" });
  const key: VerifierKey = { name: ORIGIN, publicKey: Buffer.from(x, "base64url") };
  return {
    texts,
    checkpoints,
    add: (count) => {
      for (let n = 0; n < count; n += 1) texts.push(entryText(texts.length));
    },
    sign: (changes = {}) => {
      const checkpoint = { origin: ORIGIN, size: texts.length, root: rootOf(treeOf(texts)), ...changes };
      const note = signCheckpoint(checkpoint, key, (message) => sign(null, message, pair.privateKey));
      const kept = { size: checkpoint.size, note, at: new Date("2030-01-01T00:00:00Z") };
      checkpoints.push(kept);
      return kept;
    },
    open: (note) => openCheckpoint(note, [key], verifyEd25519),
    copy: () => logOf(pair, [...texts], [...checkpoints]),
    reader: {
      head: async () => ({ origin: ORIGIN, frontier: treeOf(texts) }),
      leaves: async ({ from, to }) => texts.slice(from, to),
      checkpoints: async ({ after, limit }) =>
        checkpoints
          .filter(({ size }) => size > after)
          .sort((a, b) => a.size - b.size)
          .slice(0, limit),
      latestCheckpoint: async () =>
        checkpoints.reduce<KeptCheckpoint | null>((a, b) => (a && a.size > b.size ? a : b), null),
      hashes: async (wanted) =>
        wanted.map(({ level, index }) => {
          const leaves = texts.slice(index * 2 ** level, (index + 1) * 2 ** level);
          if (leaves.length !== 2 ** level) throw new Error("asked for a subtree that is not complete");
          return rootOf(treeOf(leaves));
        }),
    },
  };
}

/** As the store writes an entry; with text that is more bytes than characters. */
export function entryText(index: number): string {
  return JSON.stringify({
    kind: "request.refused",
    at: new Date(Date.UTC(2030, 0, 1, 0, 0, index)),
    requestId: `req-${index}`,
    agent: "orders-ci",
    owner: "orders-lead",
    person: null,
    session: null,
    escalation: null,
    policyVersion: null,
    detail: { route: "POST /v1/credentials", code: "invalid_request", reason: `№ ${index}\u202e\n` },
  });
}
