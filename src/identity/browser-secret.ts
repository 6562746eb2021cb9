/**
 * What a browser or a link proves itself with: a random word, of which the broker keeps the SHA-256 only. Pure: the
 * random bytes are arguments.
 */
import { createHash } from "node:crypto";

/** Of a cookie, an invitation or a challenge's nonce. */
export const SECRET_BYTES = 32;

/** Base64url without padding. */
export const secretText = (random: Uint8Array): string => Buffer.from(random).toString("base64url");

/** SHA-256, hex. 256 random bits need no salt and no slow hash. */
export const secretDigest = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");
