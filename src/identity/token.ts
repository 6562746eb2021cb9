/**
 * The checks of a workload token that need no key: its shape and header before the signature, its claims after.
 * Each check is a small validator and the first fault wins. Must never judge a claim of bytes whose signature was
 * not verified; until then the payload only says which issuer's keys to try.
 */
import { createHash } from "node:crypto";
import { err, ok, type Result } from "../result.ts";
import { algorithmsOf } from "./issuer.ts";
import type { Issuer } from "./registry.ts";
import { parseStrictObject, type JsonObject } from "./strict-json.ts";
import type { TokenFault, VerifiedClaims } from "./verify.ts";

/** Clocks of issuers and brokers may differ by this much, in seconds. */
const SKEW_SECONDS = 30;

/** Far above real tokens (GitHub's are about 2 KiB); bounds the work a stranger can ask for. */
const MAX_TOKEN_LENGTH = 16 * 1024;

const COMPACT_JWS = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

/**
 * Each names or carries a key, which would let the token choose who vouches for it; `crit` demands an extension,
 * and none is understood here.
 */
const FORBIDDEN_HEADERS = ["jku", "x5u", "jwk", "x5c", "crit"];

type Fault = TokenFault | null;
const fault = (reason: TokenFault["reason"], detail: string): TokenFault => ({ reason, detail });

export interface TokenHeader {
  readonly alg: string;
  readonly kid: string | null;
}

export interface UnverifiedToken {
  readonly header: TokenHeader;
  /** Chooses the keys to try and nothing else. */
  readonly unverifiedIssuer: string;
  /**
   * SHA-256 of the signed part, base64url. Without the signature, because the holder of an ECDSA token can write
   * the same signature in another way.
   */
  readonly digest: string;
}

/** Shape and header of a token nobody has vouched for yet. */
export function readUnverifiedToken(unverifiedToken: string): Result<UnverifiedToken, TokenFault> {
  if (unverifiedToken === "") return err(fault("missing", "the token is empty"));
  if (unverifiedToken.length > MAX_TOKEN_LENGTH) return err(fault("malformed", "the token is too long"));
  const [, head, body] = COMPACT_JWS.exec(unverifiedToken) ?? [];
  if (head === undefined || body === undefined) return err(fault("malformed", "no compact JWS"));
  const header = readHeader(head);
  if (!header.ok) return header;
  const payload = readObject("payload", Buffer.from(body, "base64url"));
  if (!payload.ok) return payload;
  const { iss } = payload.value;
  if (typeof iss !== "string") return err(fault("unknown_issuer", "iss is not a string"));
  const digest = createHash("sha256").update(`${head}.${body}`).digest("base64url");
  return ok({ header: header.value, unverifiedIssuer: iss, digest });
}

function readHeader(encoded: string): Result<TokenHeader, TokenFault> {
  const header = readObject("header", Buffer.from(encoded, "base64url"));
  if (!header.ok) return header;
  const forbidden = FORBIDDEN_HEADERS.find((name) => Object.hasOwn(header.value, name));
  if (forbidden !== undefined) return err(fault("header_not_allowed", `the header has ${forbidden}`));
  const { alg, kid } = header.value;
  if (typeof alg !== "string") return err(fault("malformed", "alg is not a string"));
  if (kid !== undefined && typeof kid !== "string") return err(fault("malformed", "kid is not a string"));
  return ok({ alg, kid: kid ?? null });
}

function readObject(part: string, bytes: Uint8Array): Result<JsonObject, TokenFault> {
  const read = parseStrictObject(bytes);
  if (read.ok) return read;
  if (read.error === "duplicate_key")
    return err(fault("duplicate_claim", `a key of the ${part} stands twice`));
  return err(fault("malformed", `the ${part} is not a JSON object`));
}

/** The issuer's configuration decides, whatever the token or the key says. */
export function checkAlgorithm(header: TokenHeader, issuer: Issuer): Fault {
  if (algorithmsOf(issuer).includes(header.alg)) return null;
  return fault("algorithm_not_allowed", `${printable(header.alg)} is not listed for ${issuer.id}`);
}

export interface VerifiedToken {
  /** The payload, exactly as it was signed. */
  readonly payload: Uint8Array;
  readonly issuer: Issuer;
  /** The enrolled key that signed; null for OIDC. */
  readonly keyId: string | null;
  readonly digest: string;
  readonly now: Date;
}

/** Judges the claims of a token whose signature held. */
export function checkClaims(token: VerifiedToken): Result<VerifiedClaims, TokenFault> {
  const read = readObject("payload", token.payload);
  if (!read.ok) return read;
  const claims = read.value;
  const now = token.now.getTime() / 1000;
  const found =
    checkIssuer(claims, token.issuer) ??
    checkAudience(claims, token.issuer) ??
    checkSubject(claims) ??
    checkTokenId(claims) ??
    checkTimes(claims, token.issuer, now);
  if (found !== null) return err(found);
  return ok({
    issuerId: token.issuer.id,
    subject: claims["sub"] as string,
    tokenId: (claims["jti"] as string | undefined) ?? token.digest,
    issuedAt: claims["iat"] as number,
    expiresAt: claims["exp"] as number,
    keyId: token.keyId,
    claims,
  });
}

function checkIssuer({ iss }: JsonObject, issuer: Issuer): Fault {
  return iss === issuer.issuer ? null : fault("unknown_issuer", "iss is not the issuer's, exactly");
}

/** A list may hold our audience and no other: a token made for two could be replayed by the second. */
function checkAudience({ aud }: JsonObject, issuer: Issuer): Fault {
  if (aud === undefined) return fault("missing_claim", "aud is missing");
  const only: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  return only === issuer.audience ? null : fault("wrong_audience", `aud is not ${issuer.id}'s, exactly`);
}

function checkSubject({ sub }: JsonObject): Fault {
  if (sub === undefined) return fault("missing_claim", "sub is missing");
  return typeof sub === "string" && sub !== "" ? null : fault("malformed", "sub is not a string with text");
}

function checkTokenId({ jti }: JsonObject): Fault {
  if (jti === undefined || (typeof jti === "string" && jti !== "")) return null;
  return fault("malformed", "jti is not a string with text");
}

function checkTimes(claims: JsonObject, issuer: Issuer, now: number): Fault {
  for (const name of ["exp", "iat"]) {
    if (claims[name] === undefined) return fault("missing_claim", `${name} is missing`);
    if (!Number.isFinite(claims[name])) return fault("malformed", `${name} is not a number`);
  }
  const { exp, iat, nbf = iat } = claims as { exp: number; iat: number; nbf?: unknown };
  if (typeof nbf !== "number") return fault("malformed", "nbf is not a number");
  if (now > exp + SKEW_SECONDS) return fault("expired", "exp has passed");
  if (now < Math.max(iat, nbf) - SKEW_SECONDS) return fault("not_yet_valid", "iat or nbf is in the future");
  if (now > iat + issuer.maxAgeSeconds + SKEW_SECONDS) {
    return fault("too_old", `iat is more than ${issuer.maxAgeSeconds} s ago`);
  }
  return null;
}

/** Hostile text for the record: short, printable ASCII. */
export function printable(text: string): string {
  return JSON.stringify(text.slice(0, 80).replaceAll(/[^\x20-\x7e]/g, "?"));
}
