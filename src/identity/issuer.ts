/**
 * What an issuer's configuration may say. The one table of signature algorithms; must never hold a symmetric one,
 * because then the issuer's public key would be the secret, nor `none`.
 */
import type { Issuer } from "./registry.ts";

export const ASYMMETRIC_ALGORITHMS: ReadonlySet<string> = new Set([
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
]);

const ENROLLED_ALGORITHMS = ["EdDSA", "Ed25519"];

export function algorithmsOf(issuer: Issuer): readonly string[] {
  return issuer.kind === "oidc" ? issuer.algorithms : ENROLLED_ALGORITHMS;
}

/** Every reason not to trust this configuration, as a sentence each. Whoever has one is not used. */
export function issuerFaults(issuer: Issuer): readonly string[] {
  const faults: string[] = [];
  const algorithms = algorithmsOf(issuer);
  if (issuer.issuer === "") faults.push("has no issuer");
  if (issuer.audience === "") faults.push("has no audience: tokens made for anybody would be accepted");
  if (algorithms.length === 0) faults.push("lists no algorithms");
  for (const name of algorithms) {
    if (!ASYMMETRIC_ALGORITHMS.has(name)) faults.push(`lists ${name}, which is no asymmetric signature`);
  }
  if (!(Number.isFinite(issuer.maxAgeSeconds) && issuer.maxAgeSeconds > 0)) faults.push("has no maximum age");
  return faults;
}
