/**
 * What a passkey is asked to sign when it signs in, confirms an action or is enrolled: a hash over what it is for, so
 * that a signature given for one thing is good for nothing else. A decision's challenge stands in escalation/digest.ts.
 */
import { createHash } from "node:crypto";
import type { HumanAccount } from "./approver.ts";
import type { Challenge, Passkey } from "./human-store.ts";
import type { Site } from "./webauthn.ts";

/** Seconds from the question to the passkey's answer. */
export const CHALLENGE_SECONDS = 300;

/** SHA-256, base64url: the challenge of WebAuthn. */
export function humanChallenge({ nonce, purpose, person, subject }: Challenge): string {
  const lines = ["twokey-human-v1", nonce, purpose, person ?? "", subject ?? ""];
  // No field can hold a line break, so the lines cannot be shifted.
  if (lines.some((line) => !/^[\x20-\x7e]*$/.test(line))) throw new Error("a challenge's field is not plain");
  return createHash("sha256").update(lines.join("\n"), "utf8").digest("base64url");
}

/** PublicKeyCredentialRequestOptionsJSON of WebAuthn level 3. */
export interface AssertionOptions {
  readonly challenge: string;
  readonly rpId: string;
  readonly timeout: number;
  readonly userVerification: "required";
  readonly allowCredentials: readonly {
    readonly id: string;
    readonly type: "public-key";
    readonly transports: readonly string[];
  }[];
}

/** No passkeys: whichever the person's device knows for this site. */
export function assertionOptions(
  challenge: string,
  site: Site,
  passkeys: readonly Passkey[],
): AssertionOptions {
  return {
    challenge,
    rpId: site.rpId,
    timeout: CHALLENGE_SECONDS * 1000,
    userVerification: "required",
    allowCredentials: passkeys.map(keyOf),
  };
}

const keyOf = ({ credentialId, transports }: Passkey): AssertionOptions["allowCredentials"][number] => ({
  id: credentialId,
  type: "public-key",
  transports,
});

/** PublicKeyCredentialCreationOptionsJSON. */
export interface RegistrationOptions {
  readonly challenge: string;
  readonly rp: { readonly id: string; readonly name: string };
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly pubKeyCredParams: readonly { readonly type: "public-key"; readonly alg: number }[];
  readonly timeout: number;
  readonly excludeCredentials: AssertionOptions["allowCredentials"];
  readonly authenticatorSelection: {
    readonly residentKey: "required";
    readonly requireResidentKey: true;
    readonly userVerification: "required";
  };
  readonly attestation: "none";
}

/** COSE: ES256, EdDSA, RS256; the adapter verifies no other. */
const ALGORITHMS = [-7, -8, -257];

export function registrationOptions(
  challenge: string,
  site: Site,
  who: {
    readonly account: HumanAccount;
    readonly person: { readonly id: string; readonly name: string };
    readonly passkeys: readonly Passkey[];
  },
): RegistrationOptions {
  return {
    challenge,
    rp: { id: site.rpId, name: "Twokey" },
    user: { id: userHandle(who.account), name: who.person.id, displayName: who.person.name },
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
    timeout: CHALLENGE_SECONDS * 1000,
    excludeCredentials: who.passkeys.map(keyOf),
    authenticatorSelection: {
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "required",
    },
    attestation: "none",
  };
}

/** The same for each of an account's passkeys, and no word about the person: authenticators show it to anybody. */
function userHandle({ issuer, subject }: HumanAccount): string {
  return createHash("sha256").update(`twokey-user-v1\n${issuer}\n${subject}`, "utf8").digest("base64url");
}
