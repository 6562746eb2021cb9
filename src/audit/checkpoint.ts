/**
 * Signed checkpoints of the log in the C2SP formats tlog-checkpoint and signed-note (Ed25519), so that witnesses outside
 * can follow it with tools that exist. Pure: signing and verifying are arguments. Must never take a checkpoint without
 * a signature of a key it was given.
 */
import { createHash } from "node:crypto";
import { err, ok, type Result } from "../result.ts";
import type { Hash } from "./tree.ts";

export interface Checkpoint {
  /** Names the log; one line, the same for ever. */
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

/** A key's name and bytes, as `<name>+<key id>+<base64>` says them. */
export interface VerifierKey {
  readonly name: string;
  /** 32 bytes of Ed25519. */
  readonly publicKey: Uint8Array;
}

export type Sign = (message: Uint8Array) => Uint8Array;
export type Verify = (message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array) => boolean;

/** Signature type of the format: Ed25519 over the note's text. */
const ED25519 = 1;
const NAME = /^[^\s+\p{C}]+$/u;
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

function keyId({ name, publicKey }: VerifierKey): Buffer {
  const bytes = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), publicKey]);
  return createHash("sha256").update(bytes).digest().subarray(0, 4);
}

/** What an operator publishes, and a witness keeps: the key as one line. */
export function verifierLine(key: VerifierKey): string {
  return `${key.name}+${keyId(key).toString("hex")}+${base64(Buffer.concat([Buffer.of(ED25519), key.publicKey]))}`;
}

export function parseVerifierLine(line: string): Result<VerifierKey, string> {
  const [, name = "", id = "", encoded = ""] =
    /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(line.trim()) ?? [];
  const bytes = strictBase64(encoded);
  if (!NAME.test(name) || bytes === null) return err("is not a verifier key: <name>+<key id>+<base64>");
  if (bytes.length !== 33 || bytes[0] !== ED25519) return err("is not an Ed25519 key");
  const key = { name, publicKey: bytes.subarray(1) };
  return keyId(key).toString("hex") === id ? ok(key) : err("the key id is not that of the key");
}

/** The text that is signed: three lines, each ended. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${base64(root)}\n`;
}

export function signCheckpoint(checkpoint: Checkpoint, key: VerifierKey, sign: Sign): string {
  const text = checkpointText(checkpoint);
  const signature = Buffer.concat([keyId(key), sign(Buffer.from(text))]);
  return `${text}\n— ${key.name} ${base64(signature)}\n`;
}

/** The checkpoint of a note that one of `keys` signed. Signatures of keys that are not known are passed over. */
export function openCheckpoint(
  note: string,
  keys: readonly VerifierKey[],
  verify: Verify,
): Result<Checkpoint & { readonly signedBy: string }, string> {
  const end = note.lastIndexOf("\n\n");
  if (end === -1 || !note.endsWith("\n")) return err("is not a signed note");
  const text = note.slice(0, end + 1);
  const signatures = note
    .slice(end + 2, -1)
    .split("\n")
    .map(readSignature);
  const read = readText(text);
  if (read === null) return err("is not a checkpoint: origin, size and root, a line each");
  if (signatures.includes(null)) return err("has a line that is not a signature");
  for (const signature of signatures) {
    const key = keys.find((known) => known.name === signature?.name && keyId(known).equals(signature.id));
    if (key === undefined || signature === null) continue;
    if (!verify(Buffer.from(text), signature.bytes, key.publicKey)) {
      return err(`the signature of ${key.name} does not fit`);
    }
    return ok({ ...read, signedBy: key.name });
  }
  return err("no known key signed it");
}

function readText(text: string): Checkpoint | null {
  const [origin = "", size = "", root = ""] = text.split("\n");
  const hash = strictBase64(root);
  // Further lines are extensions, and signed like the rest.
  const whole = origin !== "" && /^(?:0|[1-9]\d{0,14})$/.test(size) && hash?.length === 32;
  return whole ? { origin, size: Number(size), root: hash } : null;
}

function readSignature(line: string) {
  const [, name = "", encoded = ""] = /^— (\S+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
  const bytes = strictBase64(encoded);
  if (!NAME.test(name) || bytes === null || bytes.length < 5) return null;
  return { name, id: bytes.subarray(0, 4), bytes: bytes.subarray(4) };
}

/** Null for anything another encoder would write differently: one note has one spelling. */
function strictBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64");
  return text !== "" && bytes.toString("base64") === text ? bytes : null;
}
