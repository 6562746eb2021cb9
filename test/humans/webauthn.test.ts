/** The adapter alone: which registrations and assertions it takes, and that no altered one is. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { createWebauthn } from "../../src/adapters/webauthn/webauthn.ts";
import {
  softwarePasskey,
  type AssertionJson,
  type Misbehaviour,
} from "../../src/cli/demo/software-passkey.ts";
import { decisionChallenge } from "../../src/escalation/digest.ts";
import type { Passkey } from "../../src/identity/human-store.ts";

const SITE = { origin: "https://twokey.example.com", rpId: "twokey.example.com" };
const DECISION = {
  nonce: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE",
  digest: "a".repeat(64),
  verdict: "approve",
  person: "orders-lead",
} as const;
const CHALLENGE = decisionChallenge(DECISION);

const webauthn = createWebauthn();
const key = softwarePasskey();
let passkey: Pick<Passkey, "credentialId" | "publicKey" | "counter">;

const CREATE = { challenge: "Y2hhbGxlbmdl", rp: { id: SITE.rpId }, user: { id: "dXNlcg" } };

beforeAll(async () => {
  const registered = await webauthn.verifyRegistration(
    { ...key.create(CREATE, SITE.origin) },
    {
      challenge: CREATE.challenge,
      site: SITE,
    },
  );
  if (!registered.ok) throw new Error(registered.error);
  passkey = registered.value;
});

const assertion = (wrong: Misbehaviour = {}, challenge = CHALLENGE): AssertionJson =>
  key.get({ challenge, rpId: SITE.rpId }, SITE.origin, wrong);

const verify = (given: AssertionJson, challenge = CHALLENGE, held = passkey) =>
  webauthn.verifyAssertion(given, { challenge, site: SITE, passkey: held });

describe("a registration", () => {
  const register = (wrong: Misbehaviour) =>
    webauthn.verifyRegistration(
      { ...key.create(CREATE, SITE.origin, wrong) },
      {
        challenge: CREATE.challenge,
        site: SITE,
      },
    );

  test("gives the key's id, its public key, its counter and how it is reached", () => {
    expect(passkey).toMatchObject({ credentialId: key.credentialId, counter: 0, transports: ["internal"] });
    expect(Buffer.from(passkey.publicKey, "base64url")).toHaveLength(77);
  });

  test.each<[string, Misbehaviour]>([
    ["without user verification", { userVerified: false }],
    ["from another origin", { origin: "https://twokey.example.com.evil.example" }],
    ["for another RP id", { rpId: "evil.example" }],
    ["with another challenge", { challenge: "b3RoZXI" }],
    ["made in another site's frame", { crossOrigin: true }],
  ])("%s is refused", async (_title, wrong) => {
    expect((await register(wrong)).ok).toBe(false);
  });

  test("that is no registration at all is refused and throws nothing", async () => {
    for (const junk of [{}, { id: 1 }, { id: "YQ", rawId: "YQ", type: "public-key", response: {} }]) {
      expect((await webauthn.verifyRegistration(junk, { challenge: CREATE.challenge, site: SITE })).ok).toBe(
        false,
      );
    }
  });
});

describe("an assertion", () => {
  test("by the passkey over the challenge is taken", async () => {
    expect(await verify(assertion())).toEqual({ ok: true, value: { counter: 0 } });
  });

  test.each<[string, Misbehaviour]>([
    ["user verification false", { userVerified: false }],
    ["user not present", { userPresent: false }],
    ["wrong origin", { origin: "https://twokey.example.org" }],
    ["http instead of https", { origin: "http://twokey.example.com" }],
    ["wrong RP id", { rpId: "example.com" }],
    ["made in another site's frame", { crossOrigin: true }],
  ])("case 47: %s is refused", async (_title, wrong) => {
    expect((await verify(assertion(wrong))).ok).toBe(false);
  });

  test("case 47: another approver's key is refused, under its own id and under this one's", async () => {
    const other = softwarePasskey().get({ challenge: CHALLENGE, rpId: SITE.rpId }, SITE.origin);
    expect((await verify(other)).ok).toBe(false);
    const renamed = { ...other, id: passkey.credentialId, rawId: passkey.credentialId };
    expect((await verify(renamed)).ok).toBe(false);
  });

  test.each([
    ["case 47: approve turned to deny", { ...DECISION, verdict: "deny" as const }],
    ["case 37: an assertion for request A on request B", { ...DECISION, digest: "b".repeat(64) }],
    ["case 47: another person's", { ...DECISION, person: "payments-lead" }],
    ["case 47: replayed under a new nonce", { ...DECISION, nonce: DECISION.nonce.replace("M", "N") }],
  ])("%s is refused", async (_title, decision) => {
    expect((await verify(assertion(), decisionChallenge(decision))).ok).toBe(false);
  });

  test("case 47: a counter that did not move forward is refused", async () => {
    const held = { ...passkey, counter: 7 };
    expect((await verify(assertion({ counter: 7 }), CHALLENGE, held)).ok).toBe(false);
    expect(await verify(assertion({ counter: 8 }), CHALLENGE, held)).toEqual({
      ok: true,
      value: { counter: 8 },
    });
  });

  test("spelled another way, so that it decodes to the same bytes, is refused", async () => {
    const good = assertion();
    for (const field of ["clientDataJSON", "authenticatorData", "signature"] as const) {
      const respelled = { ...good, response: { ...good.response, [field]: `${good.response[field]}=` } };
      expect((await verify(respelled)).ok).toBe(false);
    }
  });
});

test("case 47: of 10,000 assertions with one bit flipped, none is accepted", async () => {
  const FIELDS = ["clientDataJSON", "authenticatorData", "signature", "id"] as const;
  const flip = (text: string, at: number): string => {
    const bytes = Buffer.from(text, "base64url");
    const bit = at % (bytes.length * 8);
    bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    return bytes.toString("base64url");
  };
  let tried = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...FIELDS), fc.nat(10_000), async (field, at) => {
      const good = assertion();
      const id = field === "id" ? flip(good.id, at) : good.id;
      const response =
        field === "id" ? good.response : { ...good.response, [field]: flip(good.response[field], at) };
      tried += 1;
      expect((await verify({ ...good, id, rawId: id, response })).ok).toBe(false);
    }),
    { numRuns: 10_000 },
  );
  expect(tried).toBe(10_000);
}, 120_000);
