/** Security cases 1 to 9, 14 and 16: one honest token, and every way it can be bent, against a real issuer. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTokenVerifier } from "../../src/adapters/oidc/verify-token.ts";
import {
  AUDIENCE,
  claimsOf,
  hmacToken,
  jwkOf,
  makeKey,
  NOW,
  NOW_SECONDS,
  registryOf,
  signToken,
  startIssuer,
  SUBJECT,
  unsignedToken,
  verifierOf,
  type TestIssuer,
} from "./issuer.ts";

const rsa = makeKey("RS256");
const ec = makeKey("ES256");
const ed = makeKey("EdDSA");
let issuer: TestIssuer;
let verifier: ReturnType<typeof verifierOf>;

beforeAll(async () => {
  issuer = await startIssuer([rsa, ec, ed]);
  verifier = verifierOf(registryOf(issuer.config));
});
afterAll(() => issuer.close());

const claims = (over?: Readonly<Record<string, unknown>>) => claimsOf(issuer.url, over);
const without = (name: string) =>
  Object.fromEntries(Object.entries(claims()).filter(([key]) => key !== name));
const reasonFor = async (token: string): Promise<string> => {
  const verified = await verifier.verify(token);
  return verified.ok ? "accepted" : verified.error.reason;
};

test.each([rsa, ec, ed])("a token signed with $alg is verified and its claims handed on", async (key) => {
  const verified = await verifier.verify(signToken(key, claims()));
  expect(verified).toEqual({
    ok: true,
    value: {
      issuerId: "ci",
      subject: SUBJECT,
      tokenId: "token-1",
      issuedAt: NOW_SECONDS - 5,
      expiresAt: NOW_SECONDS + 300,
      keyId: null,
      claims: claims(),
    },
  });
});

test("a token without jti is known by what was signed, however its signature is written", async () => {
  const tokenIdOf = async (token: string) => {
    const verified = await verifier.verify(token);
    return verified.ok ? verified.value.tokenId : verified.error;
  };
  // ECDSA signs differently each time: two tokens, one signed part.
  const [one, two] = [signToken(ec, without("jti")), signToken(ec, without("jti"))];
  expect(one).not.toBe(two);
  expect(await tokenIdOf(one)).toMatch(/^[\w-]{43}$/);
  expect(await tokenIdOf(one)).toBe(await tokenIdOf(two));
  expect(await tokenIdOf(signToken(ec, { ...without("jti"), extra: 1 }))).not.toBe(await tokenIdOf(one));
});

describe("signature and algorithm", () => {
  test("a changed payload, a signature of another key and a cut token are refused", async () => {
    const [head, , signature] = signToken(rsa, claims()).split(".");
    const forged = Buffer.from(JSON.stringify(claims({ sub: "repo:example-org/other" }))).toString(
      "base64url",
    );
    expect(await reasonFor([head, forged, signature].join("."))).toBe("bad_signature");
    expect(await reasonFor(signToken({ ...makeKey("RS256"), kid: rsa.kid }, claims()))).toBe("bad_signature");
    expect(await reasonFor(`${String(head)}.${forged}`)).toBe("malformed");
    expect(await reasonFor("")).toBe("missing");
    expect(await reasonFor(signToken(rsa, claims({ filler: "x".repeat(16_384) })))).toBe("malformed");
  });

  test("case 1: HS256 signed with the issuer's RSA public key is refused", async () => {
    const pem = rsa.publicKey.export({ format: "pem", type: "spki" });
    const token = hmacToken(pem, { alg: "HS256", kid: rsa.kid }, claims());
    expect(await reasonFor(token)).toBe("algorithm_not_allowed");
  });

  test.each(["none", "None", "NONE", ""])("case 2: alg %j is refused", async (alg) => {
    expect(await reasonFor(`${unsignedToken({ alg }, claims())}AA`)).toBe("algorithm_not_allowed");
    expect(await reasonFor(unsignedToken({ alg }, claims()))).toBe("malformed");
  });

  test("case 3: with a key that names no algorithm, the issuer's configured ones still decide", async () => {
    const other = await startIssuer([]);
    const secret = Buffer.from("a shared secret of thirty-two by");
    const { alg, ...anyRsa } = jwkOf(rsa);
    other.keys = [anyRsa, { kty: "oct", k: secret.toString("base64url"), kid: "shared" }];
    const { verify } = verifierOf(registryOf({ ...other.config, algorithms: ["RS256"] }));
    const shared = hmacToken(secret, { alg: "HS256", kid: "shared" }, claimsOf(other.url));
    const pem = rsa.publicKey.export({ format: "pem", type: "spki" });
    const confused = hmacToken(pem, { alg: "HS256", kid: rsa.kid }, claimsOf(other.url));
    const unlisted = signToken(rsa, claimsOf(other.url), { alg: "PS256", kid: rsa.kid });
    for (const token of [shared, confused, unlisted]) {
      expect(await verify(token)).toMatchObject({ error: { reason: "algorithm_not_allowed" } });
    }
    expect(other.asked).toEqual([]);
    expect(await verify(signToken(rsa, claimsOf(other.url)))).toMatchObject({ ok: true });
    expect(alg).toBe("RS256");
    await other.close();
  });

  test.each([["HS256"], ["none"], ["RS256", "HS512"], []])(
    "case 3: an issuer configured with %j stops the start, and on reload is nobody's issuer",
    async (...algorithms) => {
      const faulty = registryOf({ ...issuer.config, algorithms });
      expect(() => verifierOf(faulty)).toThrow(/issuer ci: lists/);
      const { world, verify } = verifierOf(registryOf(issuer.config));
      world.registry = faulty;
      expect(await verify(signToken(rsa, claims()))).toMatchObject({ error: { reason: "unknown_issuer" } });
    },
  );
});

describe("audience and issuer", () => {
  test.each([
    ["another", "https://other.example.com"],
    ["a longer one", `${AUDIENCE}/`],
    ["other case", AUDIENCE.toUpperCase()],
    ["a list with ours and another", [AUDIENCE, "https://other.example.com"]],
    ["an empty list", []],
    ["a list in a list", [[AUDIENCE]]],
    ["an object", { [AUDIENCE]: true }],
    ["null", null],
  ])("case 4: a token for another audience is refused: %s", async (_, aud) => {
    expect(await reasonFor(signToken(rsa, claims({ aud })))).toBe("wrong_audience");
  });

  test("case 4: a token without audience is refused; one with ours alone in a list is ours", async () => {
    expect(await reasonFor(signToken(rsa, without("aud")))).toBe("missing_claim");
    expect(await reasonFor(signToken(rsa, claims({ aud: [AUDIENCE] })))).toBe("accepted");
  });

  test("case 4: an issuer configured without audience stops the start", () => {
    expect(() => verifierOf(registryOf({ ...issuer.config, audience: "" }))).toThrow(
      /issuer ci: has no audience/,
    );
  });

  test("case 5: another iss with the same keys is refused, though one issuer alone is configured", async () => {
    for (const iss of ["https://evil.example.com", `${issuer.url}/`, issuer.url.toUpperCase(), ""]) {
      expect(await reasonFor(signToken(rsa, claimsOf(iss)))).toBe("unknown_issuer");
    }
    expect(await reasonFor(signToken(rsa, without("iss")))).toBe("unknown_issuer");
  });

  test("case 5: an issuer's keys do not vouch for another configured issuer", async () => {
    const other = await startIssuer([makeKey("RS256", rsa.kid)]);
    const { verify } = verifierOf(registryOf(issuer.config, { ...other.config, id: "other" }));
    expect(await verify(signToken(rsa, claimsOf(other.url)))).toMatchObject({
      error: { reason: "bad_signature" },
    });
    await other.close();
  });

  test("two configured issuers of one iss are refused rather than chosen from", async () => {
    const { verify } = verifierOf(registryOf(issuer.config, { ...issuer.config, id: "again" }));
    expect(await verify(signToken(rsa, claims()))).toMatchObject({ error: { reason: "unknown_issuer" } });
  });
});

describe("claims", () => {
  test("case 6: iss as an array, a payload that is an array, a sub that is no text are refused", async () => {
    expect(await reasonFor(signToken(rsa, claims({ iss: [issuer.url] })))).toBe("unknown_issuer");
    expect(await reasonFor(signToken(rsa, [claims()]))).toBe("malformed");
    expect(await reasonFor(signToken(rsa, "null"))).toBe("malformed");
    expect(await reasonFor(signToken(rsa, `"text"`))).toBe("malformed");
    for (const sub of [7, [SUBJECT], { SUBJECT }, null, true, ""]) {
      expect(await reasonFor(signToken(rsa, claims({ sub })))).toBe("malformed");
    }
    for (const jti of [7, "", null])
      expect(await reasonFor(signToken(rsa, claims({ jti })))).toBe("malformed");
  });

  test.each(["exp", "iat", "sub"])("case 7: a token without %s is refused", async (name) => {
    expect(await reasonFor(signToken(rsa, without(name)))).toBe("missing_claim");
  });

  test.each(["exp", "iat", "nbf"])("case 7: a token whose %s is no number is refused", async (name) => {
    for (const value of [String(NOW_SECONDS + 60), null, [NOW_SECONDS], true]) {
      expect(await reasonFor(signToken(rsa, claims({ [name]: value })))).toBe("malformed");
    }
    const huge = JSON.stringify(claims({ [name]: 1 })).replace(`"${name}":1`, `"${name}":1e999`);
    expect(await reasonFor(signToken(rsa, huge))).not.toBe("accepted");
  });

  test.each([
    ["expired 29 s ago", "accepted", { exp: NOW_SECONDS - 29 }],
    ["expired 31 s ago", "expired", { exp: NOW_SECONDS - 31 }],
    ["issued 29 s ahead", "accepted", { iat: NOW_SECONDS + 29 }],
    ["issued 31 s ahead", "not_yet_valid", { iat: NOW_SECONDS + 31 }],
    ["valid from 29 s ahead", "accepted", { nbf: NOW_SECONDS + 29 }],
    ["valid from 31 s ahead", "not_yet_valid", { nbf: NOW_SECONDS + 31 }],
    ["as old as the issuer allows", "accepted", { iat: NOW_SECONDS - 600 }],
    ["older than the issuer allows, by more than the skew", "too_old", { iat: NOW_SECONDS - 631 }],
  ])("case 8: clock skew: a token %s is %s", async (_, expected, over) => {
    expect(await reasonFor(signToken(rsa, claims(over)))).toBe(expected);
  });

  test("case 9: a token that was accepted is refused once it has expired", async () => {
    const { world, verify } = verifierOf(registryOf(issuer.config));
    const token = signToken(ed, claims());
    expect(await verify(token)).toMatchObject({ ok: true });
    world.now = new Date((NOW_SECONDS + 300 + 31) * 1000);
    expect(await verify(token)).toMatchObject({ error: { reason: "expired" } });
  });

  test("case 9: a token that expires while the keys are being fetched is refused", async () => {
    let now = NOW;
    const verify = createTokenVerifier({
      registry: () => registryOf(issuer.config),
      clock: () => now,
      fetch: (...request) => {
        now = new Date(NOW.getTime() + 4_000);
        return fetch(...request);
      },
      onAlert: () => undefined,
      dangerouslyAllowLoopbackHttpIssuers: true,
    });
    const verified = await verify(signToken(ed, claims({ exp: NOW_SECONDS - 28 })), NOW);
    expect(verified).toMatchObject({ error: { reason: "expired" } });
  });
});

describe("header and JSON", () => {
  const jwk = jwkOf(rsa);
  test.each([
    ["jku", "https://evil.example.com/keys"],
    ["x5u", "https://evil.example.com/cert"],
    ["jwk", jwk],
    ["x5c", ["MIIB"]],
    ["crit", ["exp"]],
    ["crit", ["b64"]],
  ])("case 14: %s in the header is refused", async (name, value) => {
    const token = signToken(rsa, claims(), { alg: "RS256", kid: rsa.kid, [name]: value });
    expect(await reasonFor(token)).toBe("header_not_allowed");
  });

  test("case 14: a kid or alg that is no text is refused", async () => {
    expect(await reasonFor(signToken(rsa, claims(), { alg: "RS256", kid: 7 }))).toBe("malformed");
    expect(await reasonFor(signToken(rsa, claims(), { alg: ["RS256"], kid: rsa.kid }))).toBe("malformed");
  });

  const bent = (cut: string, put: string): string => JSON.stringify(claims()).replace(cut, put);
  test.each([
    ["twice", `{"sub":"evil",`],
    ["written with an escape", `{"s\\u0075b":"evil",`],
    ["in an object inside", `{"a":{"x":1,"x":2},`],
    ["in an object inside an array", `{"a":[1,{"x":[],"y":"}","x" : {}}],`],
  ])("case 16: a key that stands %s in the payload is refused", async (_, start) => {
    expect(await reasonFor(signToken(rsa, bent("{", start)))).toBe("duplicate_claim");
  });

  test("case 16: a key that stands twice in the header is refused", async () => {
    const header = `{"alg":"RS256","kid":"${rsa.kid}","alg":"RS256"}`;
    expect(await reasonFor(signToken(rsa, claims(), header))).toBe("duplicate_claim");
  });

  test("case 16: one key in two objects, or a key's name as a value, is no duplicate", async () => {
    const start = `{"a":[{"sub":1},{"sub":2}],"b":{"sub":"sub","c":"\\"sub\\":{"},"__proto__":{"sub":1},`;
    expect(await reasonFor(signToken(rsa, bent("{", start)))).toBe("accepted");
  });

  test("bytes that are not UTF-8, trailing text and a byte order mark are refused", async () => {
    expect(await reasonFor(signToken(rsa, `${JSON.stringify(claims())}x`))).toBe("malformed");
    expect(await reasonFor(signToken(rsa, `\uFEFF${JSON.stringify(claims())}`))).toBe("malformed");
    const [head, , signature] = signToken(rsa, claims()).split(".");
    const bytes = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString("base64url");
    expect(await reasonFor([head, bytes, signature].join("."))).toBe("malformed");
  });

  test("a fault never repeats the token, and shows hostile text as short printable ASCII", async () => {
    const iss = `https://evil.example.com/\u202e\n${"x".repeat(500)}`;
    const verified = await verifier.verify(signToken(rsa, claimsOf(iss)));
    expect(verified).toMatchObject({ ok: false });
    const detail = verified.ok ? "" : verified.error.detail;
    expect(detail).toMatch(/^[\x20-\x7e]{1,160}$/);
  });
});
