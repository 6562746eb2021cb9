/**
 * Port: what the broker keeps of the humans who decide: passkeys, sign-ins, invitations and challenges. Stands for
 * the flows; adapters/postgres keeps it. Tokens and cookies reach it as SHA-256 only.
 */
import type { Result } from "../result.ts";
import type { PersonId } from "./agent.ts";
import type { HumanAccount } from "./approver.ts";

/** A passkey as enrolled. Base64url without padding. */
export interface Passkey {
  readonly credentialId: string;
  /** COSE key. */
  readonly publicKey: string;
  readonly account: HumanAccount;
  /** The person it belonged to when it was enrolled. */
  readonly person: PersonId;
  /** What its owner calls it. */
  readonly label: string;
  readonly counter: number;
  readonly transports: readonly string[];
  /** The database's clock. */
  readonly enrolledAt: Date;
  /** From when it may decide. */
  readonly countsFrom: Date;
  readonly removedAt: Date | null;
}

/** A signed-in browser. */
export interface SignIn {
  readonly account: HumanAccount;
  /** `passkey` and `oidc` may decide; `invitation` may only enrol its passkey. */
  readonly method: "passkey" | "oidc" | "invitation";
  /** What the OIDC provider's groups claim said; null where there is none. */
  readonly groups: readonly string[] | null;
  readonly signedInAt: Date;
  readonly expiresAt: Date;
}

/** What a WebAuthn challenge is for. A challenge made for one thing is no good for another. */
export type ChallengePurpose = "sign_in" | "enrol" | "confirm" | "decide";

export interface Challenge {
  /** Base64url, 32 random bytes. */
  readonly nonce: string;
  readonly purpose: ChallengePurpose;
  /** Null for `sign_in`: nobody is known yet. */
  readonly person: PersonId | null;
  /** For `decide`: `<escalation id> <verdict>`. For `confirm`: the action, e.g. `invite orders-lead`. Compared whole. */
  readonly subject: string | null;
}

export interface Invitation {
  readonly person: PersonId;
  /** The person who invited, or null for the bootstrap token. */
  readonly invitedBy: PersonId | null;
  readonly expiresAt: Date;
}

/** Who did it and what the entry says; every writing method records one. */
export interface HumanContext {
  readonly requestId: string | null;
  readonly policyVersion: string;
  /** The person acting; null where nobody is signed in yet. */
  readonly person: PersonId | null;
}

/**
 * Contract. Every writing method but `challenge` and `takeChallenge` resolves only once it and its audit entry are
 * durable, in one transaction. Expiry is by the database's clock. `…Digest` is SHA-256, hex.
 */
export interface HumanStore {
  /** Removed ones too. */
  passkeys(query: { readonly person: PersonId | null }): Promise<readonly Passkey[]>;
  passkey(credentialId: string): Promise<Passkey | null>;
  /** Spends the challenge and announces the key to everyone. Counts from `delaySeconds` after now. */
  enrol(
    passkey: Pick<
      Passkey,
      "credentialId" | "publicKey" | "account" | "person" | "label" | "counter" | "transports"
    >,
    options: {
      readonly delaySeconds: number;
      readonly nonce: string;
      readonly spendInvitation: string | null;
    },
    context: HumanContext,
  ): Promise<Result<Passkey, "nonce_used" | "invitation_used" | "already_enrolled">>;
  /** A removed key never counts again. */
  removePasskey(credentialId: string, context: HumanContext): Promise<boolean>;

  signIn(
    signIn: Pick<SignIn, "account" | "method" | "groups"> & {
      readonly tokenDigest: string;
      readonly lifetimeSeconds: number;
    },
    context: HumanContext,
  ): Promise<SignIn>;
  /** Null where it is unknown, over or revoked. */
  findSignIn(tokenDigest: string): Promise<SignIn | null>;
  /** The groups claim of each account's last OIDC sign-in, where that had one, is a day old at most and was not ended. */
  memberships(): Promise<readonly { readonly account: HumanAccount; readonly groups: readonly string[] }[]>;
  signOut(tokenDigest: string, context: HumanContext): Promise<void>;
  /** Every sign-in of these accounts. How many there were. */
  signOutEverywhere(accounts: readonly HumanAccount[], context: HumanContext): Promise<number>;

  invite(
    invitation: { readonly tokenDigest: string; readonly person: PersonId; readonly lifetimeSeconds: number },
    context: HumanContext,
  ): Promise<Invitation>;
  /** Valid and not spent, else null. Does not spend it: enrolment does. */
  findInvitation(tokenDigest: string): Promise<Invitation | null>;

  /** Replaces the bootstrap token; null takes it away. Only the last one counts, once, while no passkey is enrolled. */
  setBootstrap(tokenDigest: string | null, lifetimeSeconds: number): Promise<void>;
  /** Spends it for an invitation of `person`. */
  spendBootstrap(
    tokenDigest: string,
    invitation: { readonly tokenDigest: string; readonly person: PersonId; readonly lifetimeSeconds: number },
    context: HumanContext,
  ): Promise<Result<Invitation, "refused">>;

  challenge(challenge: Challenge, lifetimeSeconds: number): Promise<void>;
  /** The challenge as it was made, and it is gone: the second caller gets null. For `decide` use the store's change. */
  takeChallenge(nonce: string): Promise<Challenge | null>;
  /** Without taking it. */
  findChallenge(nonce: string): Promise<Challenge | null>;

  /** The OIDC login under way in a browser: `stateDigest` → what the callback needs. Taken once. */
  keepLogin(stateDigest: string, login: string, lifetimeSeconds: number): Promise<void>;
  takeLogin(stateDigest: string): Promise<string | null>;
}
