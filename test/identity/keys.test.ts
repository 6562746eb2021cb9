/** Security cases 11 to 13, the faults of a key endpoint, and enrolled keys: real HTTP, a clock the test moves. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keyAddress } from "../../src/adapters/oidc/key-address.ts";
import {
  claimsOf,
  jwkOf,
  makeKey,
  NOW,
  registryOf,
  signToken,
  startIssuer,
  verifierOf,
  type KeyPair,
  type TestIssuer,
} from "./issuer.ts";

const key = makeKey("ES256");
const MINUTE = 60_000;
let issuer: TestIssuer;
let others: TestIssuer[];

beforeEach(async () => {
  issuer = await startIssuer([key]);
  others = [];
});
afterEach(async () => {
  await Promise.all([issuer, ...others].map((each) => each.close()));
});

/** Long-lived, so that only the keys' age decides. */
const token = (by: KeyPair = key) =>
  signToken(by, claimsOf(issuer.url, { exp: NOW.getTime() / 1000 + 7200 }));

function start(over: Partial<TestIssuer["config"]> = {}, fetchTimeoutMs = 5_000) {
  const { world, verify } = verifierOf(registryOf({ ...issuer.config, maxAgeSeconds: 7200, ...over }), {
    fetchTimeoutMs,
    // The deadline is for a faulty issuer: an honest one may take its time, so that a busy machine fails no test.
    fetch: (url, init) => fetch(url, issuer.answer === undefined ? { ...init, signal: null } : init),
  });
  const at = (ms: number) => {
    world.now = new Date(NOW.getTime() + ms);
  };
  const reason = async (given = token()) => {
    const verified = await verify(given);
    return verified.ok ? "accepted" : verified.error.reason;
  };
  return { world, at, reason, keyFetches: () => issuer.asked.filter((path) => path === "/keys").length };
}

test("case 11: 10,000 unknown kids cost at most 2 key fetches in 30 s, and a valid token still passes", async () => {
  const { at, reason, keyFetches } = start();
  const forged = (count: number, from: number) =>
    Array.from({ length: count }, (_, n) => reason(token({ ...key, kid: `unknown-${from + n}` })));
  const first = await Promise.all(forged(5_000, 0));
  at(10_000);
  const second: string[] = [];
  for (let n = 0; n < 100; n++) second.push(...(await Promise.all(forged(50, 5_000 + n * 50))));
  expect(await reason()).toBe("accepted");
  at(29_999);
  expect(await reason(token(makeKey("ES256")))).toBe("unknown_key");
  expect(new Set([...first, ...second])).toEqual(new Set(["unknown_key"]));
  expect(keyFetches()).toBe(2);
  at(60_000);
  expect(await reason(token(makeKey("ES256")))).toBe("unknown_key");
  expect(keyFetches()).toBe(3);
});

test("case 11: many tokens at a cold start share one fetch", async () => {
  const { reason, keyFetches } = start();
  expect(new Set(await Promise.all(Array.from({ length: 50 }, () => reason())))).toEqual(
    new Set(["accepted"]),
  );
  expect(keyFetches()).toBe(1);
});

test("a key the issuer added is found, and a key it withdrew stops passing within ten minutes", async () => {
  const { at, reason } = start();
  expect(await reason()).toBe("accepted");
  const added = makeKey("ES256");
  issuer.keys = [jwkOf(key), jwkOf(added)];
  expect(await reason(token(added))).toBe("accepted");
  issuer.keys = [jwkOf(added)];
  at(9 * MINUTE);
  expect(await reason()).toBe("accepted");
  at(10 * MINUTE);
  expect(await reason()).toBe("unknown_key");
});

test("a token without kid passes only where one key alone can be meant", async () => {
  const { reason } = start();
  const withoutKid = signToken(key, claimsOf(issuer.url), { alg: "ES256" });
  expect(await reason(withoutKid)).toBe("accepted");
  issuer.keys = [jwkOf(key), jwkOf(makeKey("ES256"))];
  expect(await start().reason(withoutKid)).toBe("unknown_key");
});

describe("case 12: where keys may be fetched", () => {
  test.each([
    "file:///etc/passwd",
    "data:application/json,{}",
    "ftp://issuer.example.com/keys",
    "http://issuer.example.com/keys",
    "https://169.254.169.254/latest/meta-data",
    "https://0xa9fea9fe/",
    "https://2852039166/",
    "https://169.254.169.254./",
    "https://[fe80::1]/",
    "https://[fd00:ec2::254]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::]/",
    "https://0.0.0.0/",
    "https://metadata.google.internal/",
    "https://user:password@issuer.example.com/",
    "not a url",
  ])("%s is refused, whether loopback is allowed or not", (address) => {
    expect(keyAddress(address, false).ok).toBe(false);
    expect(keyAddress(address, true).ok).toBe(false);
  });

  test.each([
    "http://127.0.0.1:1/",
    "http://localhost/",
    "https://[::1]/",
    "https://a.localhost/",
    "http://127.1/",
  ])("%s is allowed by the explicit option alone", (address) => {
    expect(keyAddress(address, false).ok).toBe(false);
    expect(keyAddress(address, true).ok).toBe(true);
  });

  test("an https address is allowed", () => {
    expect(keyAddress("https://issuer.example.com/keys", false).ok).toBe(true);
  });

  test.each(["file:///etc/passwd", "https://169.254.169.254/keys"])(
    "a configured jwks_uri of %s stops the start",
    (jwksUri) => {
      expect(() => start({ jwksUri })).toThrow(/issuer ci: the address/);
    },
  );

  test.each(["file:///etc/passwd", "https://169.254.169.254/keys", "http://issuer.example.com/keys"])(
    "a discovery document that names %s gives no keys",
    async (jwksUri) => {
      issuer.answer = (_, response) => {
        response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: jwksUri }));
        return true;
      };
      const { world, reason } = start();
      expect(await reason()).toBe("keys_unavailable");
      expect(world.alerts).toMatchObject([
        { kind: "keys_not_refreshed", detail: expect.stringMatching(/^the address is/) as string },
      ]);
    },
  );

  test.each(["/.well-known/openid-configuration", "/keys"])(
    "a redirect of %s is not followed",
    async (moved) => {
      const other = await startIssuer([key]);
      others.push(other);
      issuer.answer = (path, response) => {
        if (path === moved) response.writeHead(307, { location: `${other.url}${path}` }).end();
        return path === moved;
      };
      other.answer = (path, response) => {
        if (path === "/keys") return false;
        response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${other.url}/keys` }));
        return true;
      };
      expect(await start().reason()).toBe("keys_unavailable");
      expect(other.asked).toEqual([]);
    },
  );
});

describe("case 13: a discovery document that changes", () => {
  test.each([
    ["another issuer", (evil: string) => ({ issuer: evil, jwks_uri: `${issuer.url}/keys` })],
    ["another jwks_uri", (evil: string) => ({ issuer: issuer.url, jwks_uri: `${evil}/keys` })],
  ])("to %s keeps the last good keys for an hour, alerts once, and is never followed", async (_, changed) => {
    const theirs = makeKey("ES256");
    const evil = await startIssuer([theirs]);
    others.push(evil);
    const { world, at, reason } = start();
    expect(await reason()).toBe("accepted");
    issuer.answer = (path, response) => {
      const discovery = path === "/.well-known/openid-configuration";
      if (discovery) response.end(JSON.stringify(changed(evil.url)));
      return discovery;
    };
    issuer.keys = [jwkOf(theirs)];
    at(11 * MINUTE);
    expect(await reason()).toBe("accepted");
    expect(await reason(token(theirs))).toBe("unknown_key");
    at(59 * MINUTE);
    expect(await reason()).toBe("accepted");
    at(61 * MINUTE);
    expect(await reason()).toBe("keys_unavailable");
    expect(await reason(token(theirs))).toBe("keys_unavailable");
    expect(evil.asked).toEqual([]);
    expect(world.alerts).toMatchObject([{ kind: "discovery_changed", issuer: "ci" }]);
  });

  test("at the start, a document of another issuer gives no keys", async () => {
    issuer.answer = (path, response) => {
      if (path === "/keys") return false;
      response.end(JSON.stringify({ issuer: "https://evil.example.com", jwks_uri: `${issuer.url}/keys` }));
      return true;
    };
    expect(await start().reason()).toBe("keys_unavailable");
  });
});

describe("a key endpoint that is down, slow or wrong: last good keys for an hour, never an unknown key", () => {
  const faults: Record<string, NonNullable<TestIssuer["answer"]>> = {
    "resets the connection": (_path, response) => response.destroy() instanceof Object,
    "answers 503": (_path, response) => response.writeHead(503).end() instanceof Object,
    "never answers": () => true,
    "answers slowly without end": (_path, response) => response.write("{") || true,
    "answers text": (_path, response) => response.end("down for repairs") instanceof Object,
    "answers no keys": (path, response) =>
      path === "/keys" && response.end(JSON.stringify({ keys: [] })) instanceof Object,
    "answers secrets instead of keys": (path, response) =>
      path === "/keys" &&
      response.end(JSON.stringify({ keys: [{ kty: "oct", k: "AA", kid: key.kid }] })) instanceof Object,
    "answers megabytes": (path, response) =>
      path === "/keys" &&
      response.end(JSON.stringify({ keys: [jwkOf(key)], filler: "x".repeat(1 << 20) })) instanceof Object,
  };

  test.each(Object.entries(faults))("an endpoint that %s", async (name, fault) => {
    const { world, at, reason } = start({}, /never|slowly/.test(name) ? 50 : 5_000);
    expect(await reason()).toBe("accepted");
    issuer.answer = fault;
    at(11 * MINUTE);
    expect(await reason(token(makeKey("ES256")))).toBe("unknown_key");
    expect(await reason()).toBe("accepted");
    at(59 * MINUTE);
    expect(await reason()).toBe("accepted");
    at(60 * MINUTE);
    expect(await reason()).toBe("keys_unavailable");
    expect(world.alerts).toMatchObject([{ kind: "keys_not_refreshed", issuer: "ci" }]);
    issuer.answer = undefined;
    at(61 * MINUTE);
    expect(await reason()).toBe("accepted");
  });

  test("keys that are nonsense are no keys", async () => {
    issuer.answer = (path, response) =>
      path === "/keys" &&
      response.end(JSON.stringify({ keys: [null, 7, { kty: "EC", kid: 7, crv: {} }] })) instanceof Object;
    expect(await start().reason()).toBe("unknown_key");
  });

  test("a clock that is set back lends the keys no more life", async () => {
    const { at, reason } = start();
    expect(await reason()).toBe("accepted");
    issuer.answer = (_, response) => response.writeHead(503).end() instanceof Object;
    at(-MINUTE);
    expect(await reason()).toBe("keys_unavailable");
  });
});

test("a configured jwks_uri needs no discovery document", async () => {
  expect(await start({ jwksUri: `${issuer.url}/keys` }).reason()).toBe("accepted");
  expect(issuer.asked).toEqual(["/keys"]);
});

describe("enrolled keys", () => {
  const mine = makeKey("EdDSA");
  const enrolled = { kind: "enrolled", id: "enrolled", issuer: "twokey:enrolled" } as const;
  const limits = { audience: "https://twokey.example.com", maxAgeSeconds: 60 };
  const registryWith = (...keys: KeyPair[]) => ({
    issuers: [{ ...enrolled, ...limits }],
    agents: keys.map((pair, n) => ({
      name: `laptop-${n}`,
      owner: "orders-lead",
      issuer: "enrolled",
      subject: `laptop-${n}`,
      claims: {},
      keys: [{ kid: pair.kid, x: String(jwkOf(pair)["x"]) }],
      templates: ["observe"],
    })),
  });
  const own = (by: KeyPair, header?: Record<string, unknown>) =>
    signToken(by, claimsOf("twokey:enrolled", { sub: "laptop-0" }), header);

  test("a token signed by an enrolled key is verified, and the claims name the key", async () => {
    const { verify } = verifierOf(registryWith(mine));
    expect(await verify(own(mine))).toMatchObject({ value: { issuerId: "enrolled", keyId: mine.kid } });
  });

  test("an unknown key, another's signature, another algorithm and a kid enrolled twice are refused", async () => {
    const { verify } = verifierOf(registryWith(mine));
    const reason = async (given: string) => {
      const verified = await verify(given);
      return verified.ok ? "accepted" : verified.error.reason;
    };
    expect(await reason(own(makeKey("EdDSA")))).toBe("unknown_key");
    expect(await reason(own(mine, { alg: "EdDSA" }))).toBe("unknown_key");
    expect(await reason(own({ ...makeKey("EdDSA"), kid: mine.kid }))).toBe("bad_signature");
    expect(await reason(own(makeKey("RS256", mine.kid)))).toBe("algorithm_not_allowed");
    const twice = verifierOf(registryWith(mine, mine));
    expect(await twice.verify(own(mine))).toMatchObject({ error: { reason: "unknown_key" } });
  });

  test("a key taken out of the registry stops passing with the reload", async () => {
    const { world, verify } = verifierOf(registryWith(mine));
    expect(await verify(own(mine))).toMatchObject({ ok: true });
    world.registry = registryWith({ ...makeKey("EdDSA"), kid: mine.kid });
    expect(await verify(own(mine))).toMatchObject({ error: { reason: "bad_signature" } });
    world.registry = registryWith(makeKey("EdDSA"));
    expect(await verify(own(mine))).toMatchObject({ error: { reason: "unknown_key" } });
  });

  test("an enrolled x that is no key proves nobody", async () => {
    const registry = registryWith(mine);
    const broken = registry.agents.map((agent) => ({ ...agent, keys: [{ kid: mine.kid, x: "AAAA" }] }));
    const { verify } = verifierOf({ ...registry, agents: broken });
    expect(await verify(own(mine))).toMatchObject({ error: { reason: "unknown_key" } });
  });
});
