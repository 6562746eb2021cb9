/**
 * A person's passkeys: enrol one, confirmed by an existing one or in an invitation's sign-in, and take one away.
 *
 *   sign-in → confirmation (or invitation) → challenge → registration verified → key enrolled, invitation spent
 *
 * What is enrolled is announced to everyone who can approve, and decides only after the configured delay.
 */
import type { Failure } from "../failure.ts";
import { humanChallenge, registrationOptions, type RegistrationOptions } from "../identity/challenge.ts";
import type { Passkey } from "../identity/human-store.ts";
import type { UnverifiedRegistration } from "../identity/webauthn.ts";
import { err, ok, type Result } from "../result.ts";
import type { Secret } from "../session/credentials.ts";
import type { Broker } from "./admit.ts";
import { contextOf, refusePerson, type PersonCall, type Viewer } from "./admit-person.ts";
import {
  ACTIONS,
  confirm,
  newChallenge,
  passkeyRefused,
  passkeysOf,
  type Asked,
  type UnverifiedConfirmation,
} from "./confirm.ts";
import { invitationDigest } from "./invite.ts";
import { newSignIn } from "./sign-in.ts";

/** `viewer` may be an invitation's sign-in, for which alone no confirmation is enough. */
export async function askEnrolment(
  broker: Broker,
  viewer: Viewer,
  call: PersonCall,
  confirmation: UnverifiedConfirmation | null,
): Promise<Result<Asked<RegistrationOptions>, Failure>> {
  const { person, account } = viewer;
  const allowed = await mayEnrol(broker, call, viewer, confirmation);
  if (!allowed.ok) return err(await refusePerson(broker, call, person, allowed.error));
  const challenge = await newChallenge(broker, "enrol", person, viewer.sessionDigest);
  const passkeys = await passkeysOf(broker, person);
  const publicKey = registrationOptions(humanChallenge(challenge), broker.site, {
    account,
    person,
    passkeys,
  });
  return ok({ nonce: challenge.nonce, publicKey });
}

async function mayEnrol(
  broker: Broker,
  call: PersonCall,
  viewer: Viewer,
  confirmation: UnverifiedConfirmation | null,
): Promise<Result<null, Failure>> {
  if (viewer.signIn.method === "invitation") {
    const invitation = await broker.humans.findInvitation(invitationDigest(call.unverifiedSession ?? ""));
    return invitation?.person === viewer.person.id ? ok(null) : err({ code: "invitation_refused" });
  }
  return confirmation === null
    ? passkeyRefused("an existing passkey has to confirm this")
    : confirm(broker, viewer, ACTIONS.enrol(), confirmation);
}

export interface UnverifiedEnrolment {
  readonly nonce: string;
  readonly registration: UnverifiedRegistration;
  readonly label: string;
}

/** `viewer`: as for askEnrolment. `cookie`: of the sign-in that takes the invitation's place; null where the browser keeps its own. */
export async function enrolPasskey(
  broker: Broker,
  viewer: Viewer,
  call: PersonCall,
  unverified: UnverifiedEnrolment,
): Promise<Result<{ readonly cookie: Secret | null }, Failure>> {
  const { person, account } = viewer;
  const enrolled = await enrol(broker, call, viewer, unverified);
  if (!enrolled.ok) return err(await refusePerson(broker, call, person, enrolled.error));
  if (viewer.signIn.method !== "invitation") return ok({ cookie: null });
  const cookie = await newSignIn(broker, call, person, { account, method: "passkey", groups: null });
  await broker.humans.signOut(viewer.sessionDigest, contextOf(broker, call, person));
  return ok({ cookie });
}

async function enrol(
  broker: Broker,
  call: PersonCall,
  viewer: Viewer,
  { nonce, registration, label }: UnverifiedEnrolment,
): Promise<Result<Passkey, Failure>> {
  if (!isLabel(label)) {
    const problem = "is 1 to 60 characters, none of them a control character";
    return err({ code: "invalid_request", faults: [{ at: "label", problem }] });
  }
  const { person, account, signIn, sessionDigest } = viewer;
  // Spent in the transaction that enrols.
  const challenge = await broker.humans.findChallenge(nonce);
  if (
    challenge?.purpose !== "enrol" ||
    challenge.person !== person.id ||
    challenge.subject !== sessionDigest
  ) {
    return passkeyRefused("the challenge is unknown, used, over, or for something else");
  }
  const expected = { challenge: humanChallenge(challenge), site: broker.site };
  const verified = await broker.webauthn.verifyRegistration(registration, expected);
  if (!verified.ok) return passkeyRefused(verified.error);
  const spendInvitation =
    signIn.method === "invitation" ? invitationDigest(call.unverifiedSession ?? "") : null;
  const enrolled = await broker.humans.enrol(
    { ...verified.value, account, person: person.id, label },
    { delaySeconds: broker.passkeyDelaySeconds, nonce, spendInvitation },
    contextOf(broker, call, person),
  );
  if (enrolled.ok) return enrolled;
  return enrolled.error === "invitation_used"
    ? err({ code: "invitation_refused" })
    : passkeyRefused(
        enrolled.error === "nonce_used" ? "the challenge was used" : "the key is enrolled already",
      );
}

const isLabel = (text: string): boolean => /^[^\p{Cc}\p{Cs}]{1,60}$/u.test(text) && text.trim() !== "";

/** One's own, or anybody's by an administrator. */
export async function removePasskey(
  broker: Broker,
  viewer: Viewer,
  call: PersonCall,
  unverified: { readonly credentialId: string; readonly confirmation: UnverifiedConfirmation },
): Promise<Result<null, Failure>> {
  const removed = await remove(broker, viewer, call, unverified);
  return removed.ok ? removed : err(await refusePerson(broker, call, viewer.person, removed.error));
}

async function remove(
  broker: Broker,
  viewer: Viewer,
  call: PersonCall,
  unverified: { readonly credentialId: string; readonly confirmation: UnverifiedConfirmation },
): Promise<Result<null, Failure>> {
  const { person, administrator } = viewer;
  const action = ACTIONS.remove(unverified.credentialId);
  const confirmed = await confirm(broker, viewer, action, unverified.confirmation);
  if (!confirmed.ok) return confirmed;
  const passkey = await broker.humans.passkey(unverified.credentialId);
  if (passkey?.person !== person.id && !administrator) return err({ code: "not_an_administrator" });
  if (passkey === null) return err({ code: "not_found" });
  const removed = await broker.humans.removePasskey(passkey.credentialId, contextOf(broker, call, person));
  return removed ? ok(null) : err({ code: "not_found" });
}
