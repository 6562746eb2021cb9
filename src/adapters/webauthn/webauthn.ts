/**
 * The port Webauthn by @simplewebauthn/server. Stricter than the library where the library is lenient: base64url has
 * one spelling, an ECDSA signature one encoding, and nothing made inside another site's frame is accepted. Never
 * throws for what a browser sent.
 */
import {
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type AuthenticationResponseJSON,
  type RegistrationResponseJSON,
} from "@simplewebauthn/server";
import { cose, decodeCredentialPublicKey } from "@simplewebauthn/server/helpers";
import { z } from "zod";
import type { Webauthn } from "../../identity/webauthn.ts";
import { err, ok, type Result } from "../../result.ts";

/** Node's decoder skips what it does not know; here whatever does not come out as it went in is refused. */
const base64url = z
  .string()
  .max(8192)
  .refine((text) => text !== "" && Buffer.from(text, "base64url").toString("base64url") === text, {
    error: "is not canonical base64url",
  });

const extensions = z.record(z.string(), z.unknown());

const assertionSchema = z.object({
  id: base64url,
  rawId: base64url,
  type: z.literal("public-key"),
  response: z.object({
    clientDataJSON: base64url,
    authenticatorData: base64url,
    signature: base64url,
    userHandle: base64url.nullish(),
  }),
  clientExtensionResults: extensions,
});

const registrationSchema = z.object({
  id: base64url,
  rawId: base64url,
  type: z.literal("public-key"),
  response: z.object({
    clientDataJSON: base64url,
    attestationObject: base64url,
    transports: z
      .array(z.string().regex(/^[a-z-]{1,32}$/))
      .max(8)
      .optional(),
  }),
  clientExtensionResults: extensions,
});

/** COSE: ES256, EdDSA, RS256. The challenge's options name the same. */
const ALGORITHMS = [-7, -8, -257];

/** https://www.w3.org/TR/webauthn-3/#dictionary-client-data: `crossOrigin` is there where a frame asked. */
const clientDataSchema = z.object({
  crossOrigin: z.literal(false).optional(),
  topOrigin: z.undefined().optional(),
});

export function createWebauthn(): Webauthn {
  return {
    verifyAssertion: (assertion, { challenge, site, passkey }) =>
      refuseThrows(async () => {
        const read = assertionSchema.safeParse(assertion);
        if (!read.success) return err("the assertion is malformed");
        const { response } = read.data;
        if (read.data.id !== passkey.credentialId) return err("the assertion is another passkey's");
        if (!isTopLevel(response.clientDataJSON)) return err("the assertion was made in a frame");
        const publicKey = Uint8Array.from(Buffer.from(passkey.publicKey, "base64url"));
        const isEcdsa = decodeCredentialPublicKey(publicKey).get(cose.COSEKEYS.kty) === cose.COSEKTY.EC2;
        if (isEcdsa && !isStrictDer(Buffer.from(response.signature, "base64url"))) {
          return err("the signature is not DER");
        }
        const { verified, authenticationInfo } = await verifyAuthenticationResponse({
          response: read.data as AuthenticationResponseJSON,
          expectedChallenge: challenge,
          expectedOrigin: site.origin,
          expectedRPID: site.rpId,
          expectedType: "webauthn.get",
          requireUserVerification: true,
          credential: { id: passkey.credentialId, publicKey, counter: passkey.counter },
        });
        return verified ? ok({ counter: authenticationInfo.newCounter }) : err("the signature does not fit");
      }),
    verifyRegistration: (registration, { challenge, site }) =>
      refuseThrows(async () => {
        const read = registrationSchema.safeParse(registration);
        if (!read.success) return err("the registration is malformed");
        if (!isTopLevel(read.data.response.clientDataJSON))
          return err("the registration was made in a frame");
        const { verified, registrationInfo } = await verifyRegistrationResponse({
          response: read.data as RegistrationResponseJSON,
          expectedChallenge: challenge,
          expectedOrigin: site.origin,
          expectedRPID: site.rpId,
          expectedType: "webauthn.create",
          requireUserVerification: true,
          supportedAlgorithmIDs: ALGORITHMS,
        });
        if (!verified) return err("the registration does not fit");
        const { id, publicKey, counter } = registrationInfo.credential;
        // The browser's own word for the id; the key's stands in what was attested.
        if (read.data.id !== id) return err("the registration names another passkey");
        return ok({
          credentialId: id,
          publicKey: Buffer.from(publicKey).toString("base64url"),
          counter,
          transports: read.data.response.transports ?? [],
        });
      }),
  };
}

/**
 * Two INTEGERs in a SEQUENCE, each as short as it can be. The library's parser takes other tags and lengths for the
 * same numbers, so that one signature would have many spellings.
 */
function isStrictDer(bytes: Buffer): boolean {
  if (bytes[0] !== 0x30 || bytes[1] !== bytes.length - 2) return false;
  const afterR = endOfInteger(bytes, 2);
  return afterR !== null && endOfInteger(bytes, afterR) === bytes.length;
}

/** Where the positive INTEGER that begins at `start` ends; null: there is none. */
function endOfInteger(bytes: Buffer, start: number): number | null {
  const [tag, length = 0, first = 0xff, second = 0] = bytes.subarray(start);
  const padded = first === 0 && second < 0x80;
  return tag !== 0x02 || length === 0 || first >= 0x80 || padded ? null : start + 2 + length;
}

function isTopLevel(clientDataJSON: string): boolean {
  const data: unknown = JSON.parse(Buffer.from(clientDataJSON, "base64url").toString("utf8"));
  return clientDataSchema.safeParse(data).success;
}

/** The library throws for whatever is wrong with an answer; its messages quote the client, so they are cut. */
async function refuseThrows<T>(check: () => Promise<Result<T, string>>): Promise<Result<T, string>> {
  try {
    return await check();
  } catch (error) {
    return err(error instanceof Error ? error.message.slice(0, 300) : "malformed");
  }
}
