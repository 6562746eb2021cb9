/**
 * The broker's own keys, in files or given as they are: the Ed25519 key that signs checkpoints, and the tokens of operators and of Watch.
 * A file is made only where the caller says so and none is there, readable by its owner alone; one that others may read
 * is refused. Must never answer with what is in a file, or a text, that it refuses.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
  type KeyObject,
} from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Sign, Verify } from "../../audit/checkpoint.ts";
import { err, ok, type Result } from "../../result.ts";
import { Secret } from "../../session/credentials.ts";

export interface AuditKey {
  /** 32 bytes of Ed25519. */
  readonly publicKey: Uint8Array;
  readonly sign: Sign;
}

/** A file's path, or the text itself. */
type Place = string | Secret;

/** What a line for the operator calls it. */
const nameOf = (place: Place): string => (typeof place === "string" ? place : "the text given");

/** `place` null: a key that lives as long as the process. `err`: a line for the operator. */
export function openAuditKey(place: Place | null, make: boolean): Result<AuditKey, string> {
  if (place === null) return ok(auditKey(generateKeyPairSync("ed25519").privateKey));
  const text = readOrMake(place, make ? newKeyText : null);
  if (!text.ok) return text;
  try {
    const key = createPrivateKey(text.value);
    if (key.asymmetricKeyType === "ed25519") return ok(auditKey(key));
  } catch {
    // What OpenSSL says of a key may quote it.
  }
  return err(`${nameOf(place)}: is not an Ed25519 key in PEM (PKCS #8)`);
}

const newKeyText = (): string =>
  generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();

function auditKey(key: KeyObject): AuditKey {
  const { x = "" } = createPublicKey(key).export({ format: "jwk" });
  return { publicKey: Buffer.from(x, "base64url"), sign: (message) => sign(null, message, key) };
}

export const verifyEd25519: Verify = (message, signature, publicKey) => {
  const x = Buffer.from(publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return verify(null, message, key, signature);
};

const SHORTEST_TOKEN = 32;

export function openToken(place: Place, make: boolean): Result<Secret, string> {
  const text = readOrMake(place, make ? () => `${randomBytes(32).toString("base64url")}\n` : null);
  if (!text.ok) return text;
  const token = text.value.trim();
  return /^[\w.~+/=-]+$/.test(token) && token.length >= SHORTEST_TOKEN
    ? ok(new Secret(token))
    : err(`${nameOf(place)}: a token is ${SHORTEST_TOKEN} characters at least, letters, digits and ._~+/=-`);
}

/** Whether somebody's token is this one. In constant time; without a token nobody's is. */
export function tokenCheck(token: Secret | null): (unverifiedToken: string) => boolean {
  if (token === null) return () => false;
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  const expected = digest(token.reveal());
  return (unverifiedToken) => timingSafeEqual(digest(unverifiedToken), expected);
}

/** Whether one token would open both ways in. */
export const isSameToken = (one: Secret, other: Secret): boolean => tokenCheck(one)(other.reveal());

function readOrMake(file: Place, make: (() => string) | null): Result<string, string> {
  if (typeof file !== "string") return ok(file.reveal());
  try {
    if (make !== null) create(file, make());
    // On other systems than these the mode says nothing.
    const open = process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0;
    if (open) return err(`${file}: others may read it; allow its owner alone (chmod 600)`);
    return ok(readFileSync(file, "utf8"));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    return err(`${file}: cannot be read (${code})`);
  }
}

/** Whole or not at all, and never over one that is there. */
function create(file: string, text: string): void {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(draft, text, { mode: 0o600, flag: "wx", flush: true });
  try {
    linkSync(draft, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
