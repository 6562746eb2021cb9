/**
 * Verifies workload tokens with jose, in this order: shape and header → issuer → algorithm → key → signature →
 * claims of the verified bytes. Must never trust an address, a key or an algorithm the token names, and keeps no
 * verified token: each use is judged anew.
 */
import { compactVerify, errors, importJWK, type CryptoKey } from "jose";
import { issuerFaults } from "../../identity/issuer.ts";
import type { AgentRegistry, EnrolledKey, Issuer, OidcIssuer } from "../../identity/registry.ts";
import {
  checkAlgorithm,
  checkClaims,
  printable,
  readUnverifiedToken,
  type TokenHeader,
} from "../../identity/token.ts";
import type { TokenFault, VerifyToken } from "../../identity/verify.ts";
import { err, ok, type Result } from "../../result.ts";
import {
  createIssuerKeys,
  discoveryAddress,
  type FindKey,
  type IssuerAlert,
  type IssuerKeysOptions,
} from "./issuer-keys.ts";
import { keyAddress } from "./key-address.ts";

export interface TokenVerifierOptions {
  /** The registry now served; asked for at every token. */
  readonly registry: () => AgentRegistry;
  readonly fetch: typeof globalThis.fetch;
  /** For the age of fetched keys. A token's own times are judged by the `now` of its call. */
  readonly clock: () => Date;
  /** An issuer's keys could not be refreshed. Once for each new cause. */
  readonly onAlert: (alert: IssuerAlert) => void;
  readonly dangerouslyAllowLoopbackHttpIssuers: boolean;
  /** For each request to an issuer; 5,000. */
  readonly fetchTimeoutMs?: number;
}

/** Throws, naming every fault, when the registry has an issuer that must not be used. Fetches nothing yet. */
export function createTokenVerifier(options: TokenVerifierOptions): VerifyToken {
  assertIssuers(options.registry().issuers, options.dangerouslyAllowLoopbackHttpIssuers);
  const remoteKey = createRemoteKeys({ ...options, timeoutMs: options.fetchTimeoutMs ?? 5_000 });
  const enrolledKey = createEnrolledKeys();
  return async (unverifiedToken, now) => {
    const startedAt = options.clock().getTime();
    const token = readUnverifiedToken(unverifiedToken);
    if (!token.ok) return token;
    const { header, unverifiedIssuer, digest } = token.value;
    const registry = options.registry();
    const issuer = findIssuer(registry, unverifiedIssuer);
    if (!issuer.ok) return issuer;
    const forbidden = checkAlgorithm(header, issuer.value);
    if (forbidden !== null) return err(forbidden);
    const key =
      issuer.value.kind === "oidc"
        ? await remoteKey(issuer.value, header)
        : await enrolledKey(registry, issuer.value.id, header);
    if (!key.ok) return key;
    const payload = await verifySignature(unverifiedToken, key.value, header.alg);
    if (!payload.ok) return payload;
    // Fetching keys may have taken seconds, in which the token went on ageing.
    const waited = Math.max(0, options.clock().getTime() - startedAt);
    return checkClaims({
      payload: payload.value,
      issuer: issuer.value,
      keyId: issuer.value.kind === "enrolled" ? header.kid : null,
      digest,
      now: new Date(now.getTime() + waited),
    });
  };
}

function assertIssuers(issuers: readonly Issuer[], allowLoopback: boolean): void {
  const faults = issuers.flatMap((issuer) => {
    const found = [...issuerFaults(issuer)];
    if (issuer.kind === "oidc") {
      const address = keyAddress(issuer.jwksUri ?? discoveryAddress(issuer), allowLoopback);
      if (!address.ok) found.push(address.error);
    }
    return found.map((problem) => `issuer ${issuer.id}: ${problem}`);
  });
  if (faults.length > 0) throw new Error(faults.join("; "));
}

function findIssuer(registry: AgentRegistry, unverifiedIssuer: string): Result<Issuer, TokenFault> {
  const [issuer, another] = registry.issuers.filter(({ issuer: iss }) => iss === unverifiedIssuer);
  // A registry that was reloaded is judged again: a faulty issuer is nobody.
  if (issuer === undefined || another !== undefined || issuerFaults(issuer).length > 0) {
    return err({
      reason: "unknown_issuer",
      detail: `${printable(unverifiedIssuer)} is not one usable issuer`,
    });
  }
  return ok(issuer);
}

/** Keys are kept for each address in the configuration, so that a reload with another address starts anew. */
function createRemoteKeys(options: IssuerKeysOptions) {
  const known = new Map<string, FindKey>();
  return (issuer: OidcIssuer, header: TokenHeader): Promise<Result<CryptoKey, TokenFault>> => {
    const address = JSON.stringify([issuer.issuer, issuer.jwksUri]);
    const find = known.get(address) ?? createIssuerKeys(issuer, options);
    known.set(address, find);
    return find(header);
  };
}

function createEnrolledKeys() {
  /** By the registry's own object: a reload brings new objects, and the old ones are forgotten. */
  const imported = new WeakMap<EnrolledKey, CryptoKey>();
  return async (
    registry: AgentRegistry,
    issuerId: string,
    { kid }: TokenHeader,
  ): Promise<Result<CryptoKey, TokenFault>> => {
    const agents = registry.agents.filter(({ issuer }) => issuer === issuerId);
    const [key, another] = agents.flatMap(({ keys }) => keys).filter((enrolled) => enrolled.kid === kid);
    if (key === undefined || another !== undefined) {
      return err({ reason: "unknown_key", detail: `no one enrolled key ${printable(kid ?? "")}` });
    }
    const ready = imported.get(key) ?? (await importEnrolled(key));
    if (ready === null) return err({ reason: "unknown_key", detail: "the enrolled key is no Ed25519 key" });
    imported.set(key, ready);
    return ok(ready);
  };
}

async function importEnrolled({ x }: EnrolledKey): Promise<CryptoKey | null> {
  try {
    const key = await importJWK({ kty: "OKP", crv: "Ed25519", x }, "EdDSA");
    return key instanceof Uint8Array ? null : key;
  } catch {
    return null;
  }
}

async function verifySignature(
  unverifiedToken: string,
  key: CryptoKey,
  algorithm: string,
): Promise<Result<Uint8Array, TokenFault>> {
  try {
    return ok((await compactVerify(unverifiedToken, key, { algorithms: [algorithm] })).payload);
  } catch (error) {
    // A key that does not fit the algorithm is a TypeError of jose's; anything else is a bug.
    if (!(error instanceof errors.JOSEError || error instanceof TypeError)) throw error;
    return err({ reason: "bad_signature", detail: "the signature does not hold" });
  }
}
