/**
 * A fresh passkey, in two steps: ask (nonce kept, what is to be signed answered) and check (challenge taken, passkey
 * still that person's, assertion verified). A cookie alone changes nothing; this is what does.
 */
import type { Failure } from "../failure.ts";
import { personOf } from "../identity/approver.ts";
import { targetWords, type FreezeTarget } from "../identity/freeze.ts";
import { SECRET_BYTES, secretText } from "../identity/browser-secret.ts";
import {
  assertionOptions,
  CHALLENGE_SECONDS,
  humanChallenge,
  type AssertionOptions,
} from "../identity/challenge.ts";
import type { Challenge, Passkey } from "../identity/human-store.ts";
import type { Person } from "../identity/registry.ts";
import type { UnverifiedAssertion } from "../identity/webauthn.ts";
import { err, ok, type Result } from "../result.ts";
import type { Broker } from "./admit.ts";
import { refusePerson, type PersonCall, type Viewer } from "./admit-person.ts";

/** A passkey's answer and the challenge it answers. */
export interface UnverifiedConfirmation {
  readonly nonce: string;
  readonly assertion: UnverifiedAssertion;
}

/** What the browser is to have signed. */
export interface Asked<Options> {
  readonly nonce: string;
  readonly publicKey: Options;
}

/** What a confirmation is for, as it is signed. Compared whole. */
export const ACTIONS = {
  enrol: () => "enrol",
  remove: (credentialId: string) => `remove ${credentialId}`,
  invite: (person: string) => `invite ${person}`,
  signOut: (person: string) => `sign-out ${person}`,
  freeze: (target: FreezeTarget) => `freeze ${targetWords(target)}`,
  thaw: (target: FreezeTarget) => `thaw ${targetWords(target)}`,
} as const;

const ACTION =
  /^(?:enrol|(?:remove|invite|sign-out) [A-Za-z0-9._@-]{1,1400}|(?:freeze|thaw) (?:all|(?:session|agent|template) [A-Za-z0-9._-]{1,128}))$/;
/** What a key may do before its delay is over: for oneself, or to stop something. */
const HARMLESS = /^(?:enrol$|freeze )/;

/** `unverifiedAction`: in the words of ACTIONS. Whether the person may do it is asked when it is done. */
export async function askConfirmation(
  broker: Broker,
  { person }: Viewer,
  call: PersonCall,
  unverifiedAction: string,
): Promise<Result<Asked<AssertionOptions>, Failure>> {
  if (!ACTION.test(unverifiedAction)) {
    const faults = [{ at: "action", problem: "is no action that is confirmed" }];
    return err(await refusePerson(broker, call, person, { code: "invalid_request", faults }));
  }
  const passkeys = await passkeysOf(broker, person);
  if (passkeys.length === 0) {
    const reason = "there is no passkey to confirm with";
    return err(await refusePerson(broker, call, person, { code: "passkey_refused", reason }));
  }
  const asked = await newChallenge(broker, "confirm", person, unverifiedAction);
  return ok({
    nonce: asked.nonce,
    publicKey: assertionOptions(humanChallenge(asked), broker.site, passkeys),
  });
}

/** Takes the challenge, whatever comes of it. Refusals are not recorded here. */
export async function confirm(
  broker: Broker,
  viewer: Viewer,
  action: string,
  { nonce, assertion }: UnverifiedConfirmation,
): Promise<Result<null, Failure>> {
  const challenge = await broker.humans.takeChallenge(nonce);
  const { id } = viewer.person;
  if (challenge?.purpose !== "confirm" || challenge.person !== id || challenge.subject !== action) {
    return passkeyRefused("the challenge is unknown, used, over, or for something else");
  }
  const verified = await verifyPasskey(broker, challenge, assertion);
  if (!verified.ok) return verified;
  const { passkey, person } = verified.value;
  if (person.id !== id) return passkeyRefused("the passkey is another person's");
  return HARMLESS.test(action) || (await mayRuleOthers(broker, passkey))
    ? ok(null)
    : err({ code: "passkey_too_new", countsFrom: passkey.countsFrom });
}

/**
 * A key that may not decide yet rules over nobody else's either: whoever slipped one in could otherwise take everybody
 * out before the delay is over. Where no key counts yet there is nobody to protect, and a team must begin.
 */
async function mayRuleOthers(broker: Broker, passkey: Passkey): Promise<boolean> {
  const now = broker.clock();
  if (passkey.countsFrom <= now) return true;
  const all = await broker.humans.passkeys({ person: null });
  return all.every(({ removedAt, countsFrom }) => removedAt !== null || countsFrom > now);
}

/** The person whose passkey answered: by the account it was enrolled with, then and now. */
export async function verifyPasskey(
  broker: Broker,
  challenge: Challenge,
  assertion: UnverifiedAssertion,
): Promise<Result<{ readonly passkey: Passkey; readonly person: Person }, Failure>> {
  const passkey = await broker.humans.passkey(assertion.id);
  if (passkey === null) return passkeyRefused("nobody enrolled this passkey");
  if (passkey.removedAt !== null) return passkeyRefused("the passkey was removed");
  const person = personOf(passkey.account, broker.policy.set.people);
  if (person === null) return err({ code: "not_a_person", ...passkey.account });
  if (person.id !== passkey.person) return passkeyRefused("the passkey's account is another person's by now");
  const expected = { challenge: humanChallenge(challenge), site: broker.site, passkey };
  const verified = await broker.webauthn.verifyAssertion(assertion, expected);
  return verified.ok ? ok({ passkey, person }) : passkeyRefused(verified.error);
}

export const passkeyRefused = (reason: string): Result<never, Failure> =>
  err({ code: "passkey_refused", reason });

/** Those that still are this person's. */
export async function passkeysOf(broker: Broker, person: Person): Promise<readonly Passkey[]> {
  const all = await broker.humans.passkeys({ person: person.id });
  return all.filter(
    ({ removedAt, account }) =>
      removedAt === null && personOf(account, broker.policy.set.people)?.id === person.id,
  );
}

export async function newChallenge(
  broker: Broker,
  purpose: Challenge["purpose"],
  person: Person | null,
  subject: string | null,
): Promise<Challenge> {
  const nonce = secretText(broker.randomBytes(SECRET_BYTES));
  const challenge = { nonce, purpose, person: person?.id ?? null, subject };
  await broker.humans.challenge(challenge, CHALLENGE_SECONDS);
  return challenge;
}
