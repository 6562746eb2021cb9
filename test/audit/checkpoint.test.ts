/** Checkpoints in the C2SP formats: against a published key and note, and against everything that was changed. */
import { createPublicKey, generateKeyPairSync, sign as signBytes, verify as verifyBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  openCheckpoint,
  parseVerifierLine,
  signCheckpoint,
  verifierLine,
  type Verify,
} from "../../src/audit/checkpoint.ts";

const verify: Verify = (message, signature, publicKey) => {
  const key = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(publicKey).toString("base64url") },
    format: "jwk",
  });
  return verifyBytes(null, message, key, signature);
};

const pair = generateKeyPairSync("ed25519");
const publicKey = Buffer.from(pair.publicKey.export({ format: "jwk" }).x ?? "", "base64url");
const key = { name: "twokey.example.com/log", publicKey };
const sign = (message: Uint8Array): Uint8Array => signBytes(null, message, pair.privateKey);
const checkpoint = { origin: "twokey.example.com/log", size: 20_852_163, root: Buffer.alloc(32, 7) };
const note = signCheckpoint(checkpoint, key, sign);

// From the documentation of Go's golang.org/x/mod/sumdb/note (BSD-3-Clause), as a fact to agree with.
const GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE_TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const GO_SIGNATURE =
  "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";

test("a key line published elsewhere is read, and written the same again", () => {
  const read = parseVerifierLine(GO_KEY);
  expect(read.ok && read.value.name).toBe("PeterNeumann");
  expect(read.ok && verifierLine(read.value)).toBe(GO_KEY);
});

test("a signature made elsewhere over a note's text fits the key it names", () => {
  const read = parseVerifierLine(GO_KEY);
  const signature = Buffer.from(GO_SIGNATURE, "base64");
  expect(signature.subarray(0, 4).toString("hex")).toBe("c74f20a3");
  expect(read.ok && verify(Buffer.from(GO_NOTE_TEXT), signature.subarray(4), read.value.publicKey)).toBe(
    true,
  );
});

test("a checkpoint is origin, size and root, a blank line and the signature", () => {
  const [origin, size, root, blank, signature] = note.split("\n");
  expect([origin, size, root, blank]).toEqual([
    "twokey.example.com/log",
    "20852163",
    Buffer.alloc(32, 7).toString("base64"),
    "",
  ]);
  expect(signature).toMatch(/^— twokey\.example\.com\/log [A-Za-z0-9+/]+=*$/);
});

test("what was signed is opened with the key, also beside a witness's signature", () => {
  const opened = openCheckpoint(note, [key], verify);
  expect(opened).toMatchObject({ ok: true, value: { size: 20_852_163, signedBy: key.name } });
  const witnessed = note.replace("\n\n", `\n\n— witness.example.org ${GO_SIGNATURE}\n`);
  expect(openCheckpoint(witnessed, [key], verify).ok).toBe(true);
});

test("a checkpoint that no known key signed is not opened", () => {
  const other = { name: key.name, publicKey: Buffer.alloc(32, 1) };
  expect(openCheckpoint(note, [other], verify)).toEqual({ ok: false, error: "no known key signed it" });
  expect(openCheckpoint(note, [], verify).ok).toBe(false);
});

test("a checkpoint with any byte changed is not opened as it was", () => {
  const bytes = Buffer.from(note);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ flip;
      expect(openCheckpoint(changed.toString("utf8"), [key], verify).ok).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

test.each(["", "\n", "a\n1\n", "a\n01\nAA==\n\n— a AAAA\n", note.slice(0, -1), `${note}x\n`])(
  "%j is no checkpoint",
  (text) => {
    expect(openCheckpoint(text, [key], verify).ok).toBe(false);
  },
);

test.each(["", "a", "a+b+c", GO_KEY.replace("c74f20a3", "c74f20a4"), GO_KEY.slice(0, -4)])(
  "%j is no verifier key",
  (line) => {
    expect(parseVerifierLine(line).ok).toBe(false);
  },
);
