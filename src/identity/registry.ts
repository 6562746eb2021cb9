/**
 * The registry as agents.yaml and people.yaml state it: trusted issuers, agents, people. Immutable; parsed by
 * policy/set.ts and matched by identity/match.ts.
 */
import type { AgentName, PersonId } from "./agent.ts";

/** An OIDC issuer whose keys are fetched. `jwks_uri` is found by discovery when not given. */
export interface OidcIssuer {
  readonly kind: "oidc";
  /** The id used in agents.yaml and the audit log, e.g. `github`. */
  readonly id: string;
  /** The exact `iss` value. */
  readonly issuer: string;
  readonly jwksUri: string | null;
  /** Exact `aud` value a token must carry. Never empty. */
  readonly audience: string;
  /** The configured algorithms decide; the token's header and the key's `alg` never widen them. */
  readonly algorithms: readonly string[];
  /** Oldest `iat` accepted, in seconds. */
  readonly maxAgeSeconds: number;
}

/** Keys enrolled one by one for agents on a laptop; the agent signs its own short token with Ed25519. */
export interface EnrolledKeys {
  readonly kind: "enrolled";
  readonly id: string;
  /** The exact `iss` value, e.g. `twokey:enrolled`. */
  readonly issuer: string;
  readonly audience: string;
  readonly maxAgeSeconds: number;
}

export type Issuer = OidcIssuer | EnrolledKeys;

/** An Ed25519 public key of an enrolled agent: JWK `x`, named by its RFC 7638 thumbprint. */
export interface EnrolledKey {
  readonly kid: string;
  readonly x: string;
}

/** One row of agents.yaml. For an enrolled agent the subject is its name and `keys` is not empty. */
export interface AgentRegistration {
  readonly name: AgentName;
  readonly owner: PersonId;
  /** Issuer id. */
  readonly issuer: string;
  /** Segment-wise pattern, anchored at both ends; see identity/match.ts. */
  readonly subject: string;
  /** Further claims that must match, by name, each a segment-wise pattern. */
  readonly claims: Readonly<Record<string, string>>;
  readonly keys: readonly EnrolledKey[];
  readonly templates: readonly string[];
}

export interface AgentRegistry {
  readonly issuers: readonly Issuer[];
  readonly agents: readonly AgentRegistration[];
}

export interface Person {
  readonly id: PersonId;
  readonly name: string;
  readonly groups: readonly string[];
  /** Every issuer and subject that is this person. */
  readonly identities: readonly { readonly issuer: string; readonly subject: string }[];
}
