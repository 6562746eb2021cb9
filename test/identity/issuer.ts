/**
 * A real issuer on loopback with real keys, and tokens signed by node:crypto instead of the library under test.
 * Headers and payloads may be given as text, so that a test can write what no JSON serialiser would.
 */
import { createHmac, generateKeyPairSync, randomUUID, sign, type KeyObject } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createTokenVerifier, type TokenVerifierOptions } from "../../src/adapters/oidc/verify-token.ts";
import type { AgentRegistry, OidcIssuer } from "../../src/identity/registry.ts";

export const AUDIENCE = "https://twokey.example.com";
export const SUBJECT = "repo:example-org/orders:ref:refs/heads/main";

type Algorithm = "RS256" | "ES256" | "EdDSA";

export interface KeyPair {
  readonly alg: Algorithm;
  readonly kid: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export function makeKey(alg: Algorithm, kid = randomUUID().slice(0, 8)): KeyPair {
  const pair =
    alg === "RS256"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : alg === "ES256"
        ? generateKeyPairSync("ec", { namedCurve: "P-256" })
        : generateKeyPairSync("ed25519");
  return { alg, kid, ...pair };
}

export const jwkOf = ({ alg, kid, publicKey }: KeyPair): Record<string, unknown> => ({
  ...publicKey.export({ format: "jwk" }),
  kid,
  alg,
  use: "sig",
});

type Json = string | Readonly<Record<string, unknown>> | readonly unknown[];
const encode = (part: Json): string =>
  Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");

export function signToken(
  key: KeyPair,
  payload: Json,
  header: Json = { alg: key.alg, kid: key.kid },
): string {
  const input = `${encode(header)}.${encode(payload)}`;
  const signature =
    key.alg === "EdDSA"
      ? sign(null, Buffer.from(input), key.privateKey)
      : sign("sha256", Buffer.from(input), { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
}

/** Signed with a secret, as an attacker does who passes a public key off as one. */
export function hmacToken(secret: string | Buffer, header: Json, payload: Json): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

export const unsignedToken = (header: Json, payload: Json): string => `${encode(header)}.${encode(payload)}.`;

export interface TestIssuer {
  readonly url: string;
  readonly config: OidcIssuer;
  /** Set to answer something else for a path; undefined falls back to the honest answer. */
  answer: ((path: string, response: ServerResponse, request: IncomingMessage) => boolean) | undefined;
  keys: Record<string, unknown>[];
  /** Paths asked for, in order. */
  readonly asked: string[];
  readonly close: () => Promise<void>;
}

export async function startIssuer(keys: readonly KeyPair[]): Promise<TestIssuer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    if (issuer.answer?.(path, response, request) === true) return;
    response.setHeader("content-type", "application/json");
    if (path === "/.well-known/openid-configuration") {
      response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }));
    } else if (path === "/keys") response.end(JSON.stringify({ keys: issuer.keys }));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: TestIssuer = {
    url,
    config: {
      kind: "oidc",
      id: "ci",
      issuer: url,
      jwksUri: null,
      audience: AUDIENCE,
      algorithms: ["RS256", "ES256", "EdDSA"],
      maxAgeSeconds: 600,
    },
    answer: undefined,
    keys: keys.map(jwkOf),
    asked,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
  return issuer;
}

export const NOW = new Date("2026-03-01T12:00:00Z");
export const NOW_SECONDS = NOW.getTime() / 1000;

export const claimsOf = (issuer: string, over: Readonly<Record<string, unknown>> = {}) => ({
  iss: issuer,
  aud: AUDIENCE,
  sub: SUBJECT,
  iat: NOW_SECONDS - 5,
  exp: NOW_SECONDS + 300,
  jti: "token-1",
  ...over,
});

export const registryOf = (...issuers: AgentRegistry["issuers"]): AgentRegistry => ({
  issuers,
  agents: [
    {
      name: "orders-ci",
      owner: "orders-lead",
      issuer: "ci",
      subject: SUBJECT,
      claims: {},
      keys: [],
      templates: ["observe"],
    },
  ],
});

/** A verifier whose clock the test moves by `world.now`; every alert is kept. */
export function verifierOf(
  registry: AgentRegistry,
  over: Partial<Pick<TokenVerifierOptions, "fetch" | "fetchTimeoutMs">> = {},
) {
  const world = { now: NOW, alerts: [] as { kind: string; detail: string }[], registry };
  const verify = createTokenVerifier({
    registry: () => world.registry,
    fetch: globalThis.fetch,
    clock: () => world.now,
    onAlert: (alert) => world.alerts.push(alert),
    dangerouslyAllowLoopbackHttpIssuers: true,
    ...over,
  });
  return { world, verify: (token: string) => verify(token, world.now) };
}
