/**
 * The public keys of one OIDC issuer: fetched, kept while they are fresh, kept an hour while the issuer is away.
 * Must never use a key the issuer's last good answer did not hold, follow a discovery document to another place
 * than its first, or fetch more often because strangers send more tokens.
 *
 * Own cache around jose's createLocalJWKSet, because createRemoteJWKSet knows neither an upper age for keys of an
 * unreachable issuer nor a changed discovery document.
 */
import { createLocalJWKSet, errors, type CryptoKey, type JSONWebKeySet, type JWK } from "jose";
import { printable, type TokenHeader } from "../../identity/token.ts";
import type { OidcIssuer } from "../../identity/registry.ts";
import type { TokenFault } from "../../identity/verify.ts";
import { err, ok, type Result } from "../../result.ts";
import { fetchDocument, type FetchOptions } from "./fetch-document.ts";
import { keyAddress } from "./key-address.ts";

/** Older keys are fetched again before use: how long a key the issuer withdrew may still pass. */
const FRESH_MS = 10 * 60_000;
/** Keys are never used longer than this after the last good answer. */
const USABLE_MS = 60 * 60_000;
/** At most this many fetches in any such window, however many unknown keys are named. */
const FETCHES = 2;
const WINDOW_MS = 30_000;

export interface IssuerAlert {
  readonly kind: "keys_not_refreshed" | "discovery_changed";
  /** Issuer id. */
  readonly issuer: string;
  readonly detail: string;
}

export interface IssuerKeysOptions extends FetchOptions {
  readonly clock: () => Date;
  readonly onAlert: (alert: IssuerAlert) => void;
  readonly dangerouslyAllowLoopbackHttpIssuers: boolean;
}

export type FindKey = (header: TokenHeader) => Promise<Result<CryptoKey, TokenFault>>;

interface GoodKeys {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  readonly fetchedAt: number;
}

type Alert = Omit<IssuerAlert, "issuer">;

export function createIssuerKeys(issuer: OidcIssuer, options: IssuerKeysOptions): FindKey {
  const load = createLoader(issuer, options);
  const now = (): number => options.clock().getTime();
  let good: GoodKeys | null = null;
  let refreshing: Promise<void> | null = null;
  let attempts: readonly number[] = [];
  let alerted: string | null = null;

  /** A clock that was set back makes an age negative: then nothing is known of it. */
  const younger = (time: number, limit: number): boolean => now() >= time && now() - time < limit;

  const usable = (keys: GoodKeys | null, limit: number): keys is GoodKeys =>
    keys !== null && younger(keys.fetchedAt, limit);

  async function attempt(): Promise<void> {
    const loaded = await load();
    if (loaded.ok) {
      good = { find: loaded.value, fetchedAt: now() };
      alerted = null;
    } else if (alerted !== loaded.error.detail) {
      alerted = loaded.error.detail;
      options.onAlert({ ...loaded.error, issuer: issuer.id });
    }
  }

  function refresh(): Promise<void> {
    if (refreshing !== null) return refreshing;
    attempts = attempts.filter((time) => younger(time, WINDOW_MS));
    if (attempts.length >= FETCHES) return Promise.resolve();
    attempts = [...attempts, now()];
    refreshing = attempt().finally(() => {
      refreshing = null;
    });
    return refreshing;
  }

  async function lookUp(header: TokenHeader): Promise<Result<CryptoKey, TokenFault>> {
    if (!usable(good, USABLE_MS)) {
      return err({ reason: "keys_unavailable", detail: `the keys of ${issuer.id} could not be fetched` });
    }
    return findKey(good, header);
  }

  return async (header) => {
    // With keys at hand only the request that starts a refresh waits for it, so that a slow issuer delays one.
    const ask = !usable(good, USABLE_MS) || (refreshing === null && !usable(good, FRESH_MS));
    if (ask) await refresh();
    const found = await lookUp(header);
    if (found.ok || found.error.reason !== "unknown_key" || ask) return found;
    await refresh();
    return lookUp(header);
  };
}

async function findKey(keys: GoodKeys, { alg, kid }: TokenHeader): Promise<Result<CryptoKey, TokenFault>> {
  try {
    // jose imports a key once and picks by kid, alg, use and key type.
    return ok(await keys.find({ alg, ...(kid === null ? {} : { kid }) }));
  } catch (error) {
    if (!(error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException)) {
      throw error;
    }
    const which = kid === null ? "a token without kid" : printable(kid);
    return err({ reason: "unknown_key", detail: `no one usable key for ${which}` });
  }
}

/** Whether the issuer's keys can be had now: one whole fetch, of which nothing is kept. `err`: why not. */
export async function reachIssuer(
  issuer: OidcIssuer,
  options: Omit<IssuerKeysOptions, "clock" | "onAlert">,
): Promise<Result<null, string>> {
  const loaded = await createLoader(issuer, options)();
  return loaded.ok ? ok(null) : err(loaded.error.detail);
}

/** One whole fetch. Remembers where the keys were found the first time. */
function createLoader(
  issuer: OidcIssuer,
  options: Omit<IssuerKeysOptions, "clock" | "onAlert">,
): () => Promise<Result<GoodKeys["find"], Alert>> {
  let pinned: string | null = issuer.jwksUri;
  const failed = (detail: string) => err({ kind: "keys_not_refreshed", detail } as const);
  const fetchJson = async (address: string) => {
    const url = keyAddress(address, options.dangerouslyAllowLoopbackHttpIssuers);
    return url.ok ? fetchDocument(url.value, options) : url;
  };
  return async () => {
    let address = pinned;
    if (issuer.jwksUri === null) {
      const document = await fetchJson(discoveryAddress(issuer));
      if (!document.ok) return failed(document.error);
      const { issuer: named, jwks_uri: found } = document.value;
      if (typeof named !== "string" || typeof found !== "string") return failed("no discovery document");
      const moved =
        named !== issuer.issuer
          ? `the discovery document is now issuer ${printable(named)}'s`
          : pinned !== null && found !== pinned
            ? `jwks_uri is now ${printable(found)}`
            : null;
      if (moved !== null) return err({ kind: "discovery_changed", detail: moved });
      address = found;
    }
    if (address === null) return failed("no address");
    const document = await fetchJson(address);
    if (!document.ok) return failed(document.error);
    const keys = publicKeys(document.value["keys"]);
    if (keys.length === 0) return failed("the key document holds no public key");
    pinned = address;
    return ok(createLocalJWKSet({ keys }));
  };
}

export function discoveryAddress(issuer: OidcIssuer): string {
  return `${issuer.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
}

function publicKeys(keys: unknown): JSONWebKeySet["keys"] {
  const isPublic = ({ kty }: JWK): boolean => kty === "RSA" || kty === "EC" || kty === "OKP";
  return Array.isArray(keys)
    ? (keys as unknown[]).filter(
        (key): key is JWK => typeof key === "object" && key !== null && isPublic(key as JWK),
      )
    : [];
}
