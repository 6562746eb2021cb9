/**
 * Ports: WebAuthn and OIDC login as the flows need them. Adapters verify; the flows decide what it means.
 */
import type { Result } from "../result.ts";
import type { HumanAccount } from "./approver.ts";
import type { Passkey } from "./human-store.ts";

/** Where the pages stand. A passkey is bound to both. */
export interface Site {
  /** `https://twokey.example.com`, without a trailing slash. */
  readonly origin: string;
  /** `twokey.example.com`. */
  readonly rpId: string;
}

/** A browser's answer to navigator.credentials.get(), as JSON (WebAuthn level 3, toJSON). Unverified. */
export interface UnverifiedAssertion {
  readonly id: string;
  readonly rawId: string;
  readonly type: string;
  readonly response: {
    readonly clientDataJSON: string;
    readonly authenticatorData: string;
    readonly signature: string;
    readonly userHandle?: string | undefined;
  };
  readonly clientExtensionResults: Readonly<Record<string, unknown>>;
  readonly authenticatorAttachment?: string | undefined;
}

/** A browser's answer to navigator.credentials.create(), as JSON. Unverified: only the adapter reads it. */
export type UnverifiedRegistration = Readonly<Record<string, unknown>>;

export interface Webauthn {
  /**
   * Verifies an assertion: signature by `passkey`, challenge (base64url), type, exact origin and RP id, user present and
   * verified, counter not moved back. Never throws for a bad one. `err` is the reason, for the audit log.
   */
  verifyAssertion(
    assertion: UnverifiedAssertion,
    expected: {
      readonly challenge: string;
      readonly site: Site;
      readonly passkey: Pick<Passkey, "credentialId" | "publicKey" | "counter">;
    },
  ): Promise<Result<{ readonly counter: number }, string>>;

  /** Verifies a registration: user verified, exact origin and RP id, challenge. */
  verifyRegistration(
    registration: UnverifiedRegistration,
    expected: { readonly challenge: string; readonly site: Site },
  ): Promise<Result<Pick<Passkey, "credentialId" | "publicKey" | "counter" | "transports">, string>>;
}

/** OIDC sign-in, authorization code with PKCE. One provider. */
export interface OidcLogin {
  /** What the button says. */
  readonly label: string;
  /** Where to send the browser, and what the callback needs (opaque text, kept by HumanStore.keepLogin). */
  start(
    redirectUri: string,
  ): Promise<{ readonly url: string; readonly state: string; readonly login: string }>;
  /** `callbackUrl`: as the browser called it. `err` is the reason, for the audit log. */
  finish(
    callbackUrl: string,
    login: string,
  ): Promise<Result<HumanAccount & { readonly groups: readonly string[] | null }, string>>;
}
