/**
 * A software authenticator for the demo and the tests: answers WebAuthn options as a browser with a passkey would.
 * It has nobody to verify, so it must never stand where a person's presence counts. Bytes by
 * https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data and RFC 9052 (COSE).
 */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";

/** Of navigator.credentials.create(), as JSON; what is not used here is not named. */
export interface CreateOptions {
  readonly challenge: string;
  readonly rp: { readonly id?: string | undefined };
  readonly user: { readonly id: string };
}

/** Of navigator.credentials.get(), as JSON. */
export interface GetOptions {
  readonly challenge: string;
  readonly rpId?: string | undefined;
}

/** What a wrong, stolen or careless authenticator does; each changes one answer only. */
export interface Misbehaviour {
  readonly userVerified?: boolean;
  readonly userPresent?: boolean;
  /** Instead of the origin the caller stands on. */
  readonly origin?: string;
  /** Instead of the options' RP id. */
  readonly rpId?: string;
  /** Signature counter; 0, as most passkeys say, where it is not given. */
  readonly counter?: number;
  /** The answer was made in a frame of another site. */
  readonly crossOrigin?: boolean;
  /** Instead of the options' challenge. */
  readonly challenge?: string;
}

export interface AssertionJson {
  readonly id: string;
  readonly rawId: string;
  readonly type: "public-key";
  readonly response: {
    readonly clientDataJSON: string;
    readonly authenticatorData: string;
    readonly signature: string;
    readonly userHandle?: string;
  };
  readonly clientExtensionResults: Readonly<Record<string, unknown>>;
}

export interface RegistrationJson {
  readonly id: string;
  readonly rawId: string;
  readonly type: "public-key";
  readonly response: {
    readonly clientDataJSON: string;
    readonly attestationObject: string;
    readonly transports: readonly string[];
  };
  readonly clientExtensionResults: Readonly<Record<string, unknown>>;
}

/** One passkey. */
export interface SoftwarePasskey {
  readonly credentialId: string;
  /** `origin`: of the page that asks. */
  readonly create: (options: CreateOptions, origin: string, wrong?: Misbehaviour) => RegistrationJson;
  readonly get: (options: GetOptions, origin: string, wrong?: Misbehaviour) => AssertionJson;
}

const FLAG = { userPresent: 0x01, userVerified: 0x04, attested: 0x40 } as const;

export function softwarePasskey(): SoftwarePasskey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const id = randomBytes(32);
  const credentialId = id.toString("base64url");
  let userHandle: string | null = null;
  const answer = {
    id: credentialId,
    rawId: credentialId,
    type: "public-key",
    clientExtensionResults: {},
  } as const;
  return {
    credentialId,
    create: (options, origin, wrong = {}) => {
      userHandle = options.user.id;
      const rpId = wrong.rpId ?? options.rp.id ?? new URL(origin).hostname;
      const attested = Buffer.concat([Buffer.alloc(16), uint(id.length, 2), id, coseKey(publicKey)]);
      const data = authenticatorData(rpId, wrong, attested);
      const attestationObject = Buffer.concat([
        Buffer.from([0xa3]),
        cborText("fmt"),
        cborText("none"),
        cborText("attStmt"),
        Buffer.from([0xa0]),
        cborText("authData"),
        cborBytes(data),
      ]);
      const response = {
        clientDataJSON: clientData("webauthn.create", options.challenge, origin, wrong).toString("base64url"),
        attestationObject: attestationObject.toString("base64url"),
        transports: ["internal"],
      };
      return { ...answer, response };
    },
    get: (options, origin, wrong = {}) => {
      const data = authenticatorData(wrong.rpId ?? options.rpId ?? new URL(origin).hostname, wrong, null);
      const client = clientData("webauthn.get", options.challenge, origin, wrong);
      const signature = sign("sha256", Buffer.concat([data, sha256(client)]), privateKey);
      const response = {
        clientDataJSON: client.toString("base64url"),
        authenticatorData: data.toString("base64url"),
        signature: signature.toString("base64url"),
        ...(userHandle !== null && { userHandle }),
      };
      return { ...answer, response };
    },
  };
}

function clientData(type: string, challenge: string, origin: string, wrong: Misbehaviour): Buffer {
  const said = {
    type,
    challenge: wrong.challenge ?? challenge,
    origin: wrong.origin ?? origin,
    crossOrigin: wrong.crossOrigin ?? false,
  };
  return Buffer.from(JSON.stringify(said), "utf8");
}

function authenticatorData(rpId: string, wrong: Misbehaviour, attested: Buffer | null): Buffer {
  const flags =
    (wrong.userPresent === false ? 0 : FLAG.userPresent) |
    (wrong.userVerified === false ? 0 : FLAG.userVerified) |
    (attested === null ? 0 : FLAG.attested);
  const head = [sha256(Buffer.from(rpId, "utf8")), Buffer.from([flags]), uint(wrong.counter ?? 0, 4)];
  return Buffer.concat(attested === null ? head : [...head, attested]);
}

const sha256 = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();

function uint(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

const cborText = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0x60 | text.length]), Buffer.from(text)]);
/** Two bytes of length hold all there is here. */
const cborBytes = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0x59]), uint(bytes.length, 2), bytes]);

/** {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y} */
function coseKey(publicKey: KeyObject): Buffer {
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const coordinate = (text: string): Buffer => Buffer.from(text, "base64url");
  return Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]),
    coordinate(x),
    Buffer.from([0x22, 0x58, 0x20]),
    coordinate(y),
  ]);
}
