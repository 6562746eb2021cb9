/**
 * The keys this AWS has given out and whom they speak for. Owns every secret: a secret key or session token can
 * be used here to check one, and cannot be read back out.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { PolicyText } from "./policy-text.ts";
import type { SignatureClaim } from "./sigv4.ts";
import type { Tag } from "./tags.ts";

/** One AssumeRole session. Its role is looked up at every call, so a change of the role takes effect at once. */
export interface RoleSession {
  readonly account: string;
  readonly roleArn: string;
  /** A role deleted and made again has another id: sessions of the old one are dead. */
  readonly roleId: string;
  readonly roleName: string;
  readonly name: string;
  readonly sourceIdentity: string | null;
  /** Passed and inherited. */
  readonly tags: readonly Tag[];
  readonly transitiveKeys: readonly string[];
  /** The inline session policy; null for none. */
  readonly policy: PolicyText | null;
  readonly policyArns: readonly string[];
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

export type Holder =
  | { readonly kind: "root"; readonly account: string }
  | { readonly kind: "user"; readonly account: string; readonly name: string }
  | { readonly kind: "role"; readonly account: string; readonly session: RoleSession };

interface Key {
  readonly holder: Holder;
  readonly secret: string;
  /** SHA-256, so that tokens compare in constant time at any length. Null for long-term keys. */
  readonly tokenHash: Buffer | null;
}

const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

export class CredentialStore {
  readonly #keys = new Map<string, Key>();

  /** `sessionToken` is null for a long-term key. */
  add(key: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string | null;
    readonly holder: Holder;
  }): void {
    if (this.#keys.has(key.accessKeyId)) throw new Error(`access key ${key.accessKeyId} exists already`);
    this.#keys.set(key.accessKeyId, {
      holder: key.holder,
      secret: key.secretAccessKey,
      tokenHash: key.sessionToken === null ? null : hash(key.sessionToken),
    });
  }

  /** Null for an unknown key, and for a session token that is missing, wrong, or sent with a long-term key. */
  holder(accessKeyId: string, sessionToken: string | null): Holder | null {
    const key = this.#keys.get(accessKeyId);
    if (key === undefined) return null;
    if (key.tokenHash === null || sessionToken === null)
      return key.tokenHash === null && sessionToken === null ? key.holder : null;
    return timingSafeEqual(key.tokenHash, hash(sessionToken)) ? key.holder : null;
  }

  /** Whether the key's secret made this signature. */
  signed(claim: SignatureClaim, stringToSign: string): boolean {
    const key = this.#keys.get(claim.accessKeyId);
    if (key === undefined) return false;
    const { date, region, service } = claim.scope;
    const signing = hmac(hmac(hmac(hmac(`AWS4${key.secret}`, date), region), service), "aws4_request");
    return timingSafeEqual(hmac(signing, stringToSign), Buffer.from(claim.signature, "hex"));
  }
}
