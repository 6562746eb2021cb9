/**
 * Signing in and out. By passkey: challenge → assertion by a key that still is a person's → cookie. By OIDC: state and
 * a secret of this browser kept → provider → code exchanged → account that is a person's → cookie. Whoever is no single
 * person of people.yaml is not signed in.
 */
import type { Failure } from "../failure.ts";
import { personById, personOf, type HumanAccount } from "../identity/approver.ts";
import { SECRET_BYTES, secretDigest, secretText } from "../identity/browser-secret.ts";
import { assertionOptions, humanChallenge, type AssertionOptions } from "../identity/challenge.ts";
import type { SignIn } from "../identity/human-store.ts";
import type { Person } from "../identity/registry.ts";
import type { OidcLogin } from "../identity/webauthn.ts";
import { err, ok, type Result } from "../result.ts";
import { Secret } from "../session/credentials.ts";
import type { Broker } from "./admit.ts";
import { contextOf, refusePerson, type PersonCall, type Viewer } from "./admit-person.ts";
import {
  ACTIONS,
  confirm,
  newChallenge,
  passkeyRefused,
  verifyPasskey,
  type Asked,
  type UnverifiedConfirmation,
} from "./confirm.ts";

/** A working day. */
const SIGN_IN_SECONDS = 8 * 3600;
/** From the provider's sign-in page back to ours. */
const LOGIN_SECONDS = 600;

export async function askSignIn(broker: Broker): Promise<Asked<AssertionOptions>> {
  const challenge = await newChallenge(broker, "sign_in", null, null);
  const publicKey = assertionOptions(humanChallenge(challenge), broker.site, []);
  return { nonce: challenge.nonce, publicKey };
}

/** The cookie. */
export async function signInByPasskey(
  broker: Broker,
  call: PersonCall,
  { nonce, assertion }: UnverifiedConfirmation,
): Promise<Result<Secret, Failure>> {
  const challenge = await broker.humans.takeChallenge(nonce);
  const found =
    challenge?.purpose === "sign_in"
      ? await verifyPasskey(broker, challenge, assertion)
      : passkeyRefused("the challenge is unknown, used, over, or for something else");
  if (!found.ok) return err(await refusePerson(broker, call, null, found.error));
  const { passkey, person } = found.value;
  return ok(
    await newSignIn(broker, call, person, { account: passkey.account, method: "passkey", groups: null }),
  );
}

/** Where to send the browser, and the secret it brings back with it: another browser's callback is not taken. */
export async function startOidc(
  broker: Broker,
  call: PersonCall,
  next: string,
): Promise<Result<{ readonly url: string; readonly browser: Secret }, Failure>> {
  if (broker.oidc === null) return err({ code: "not_found" });
  const started = await startAt(broker.oidc, callbackAddress(broker));
  if (!started.ok) return err(await refusePerson(broker, call, null, started.error));
  const { url, state, login } = started.value;
  const browser = secretText(broker.randomBytes(SECRET_BYTES));
  await broker.humans.keepLogin(loginDigest(state, browser), JSON.stringify({ next, login }), LOGIN_SECONDS);
  return ok({ url, browser: new Secret(browser) });
}

/** The provider's answer, as the browser brought it. */
export interface UnverifiedCallback {
  /** `?code=…&state=…` */
  readonly search: string;
  readonly state: string | null;
  /** Of startOidc, from this browser's own cookie. */
  readonly browser: string | null;
}

export async function finishOidc(
  broker: Broker,
  call: PersonCall,
  unverified: UnverifiedCallback,
): Promise<Result<{ readonly cookie: Secret; readonly next: string }, Failure>> {
  const { oidc } = broker;
  if (oidc === null) return err({ code: "not_found" });
  const finished = await finish(broker, oidc, unverified);
  if (!finished.ok) return err(await refusePerson(broker, call, null, finished.error));
  const { account, groups, person, next } = finished.value;
  const cookie = await newSignIn(broker, call, person, { account, method: "oidc", groups });
  return ok({ cookie, next });
}

interface Finished {
  readonly account: HumanAccount;
  readonly groups: readonly string[] | null;
  readonly person: Person;
  readonly next: string;
}

async function finish(
  broker: Broker,
  oidc: OidcLogin,
  { search, state, browser }: UnverifiedCallback,
): Promise<Result<Finished, Failure>> {
  const kept =
    state === null || browser === null ? null : await broker.humans.takeLogin(loginDigest(state, browser));
  if (kept === null) return refused("no such login is under way in this browser");
  const { next, login } = JSON.parse(kept) as { next: string; login: string };
  const answer = await oidc.finish(callbackAddress(broker) + search, login);
  if (!answer.ok) return refused(answer.error);
  const { issuer, subject, groups } = answer.value;
  const person = personOf({ issuer, subject }, broker.policy.set.people);
  if (person === null) return err({ code: "not_a_person", issuer, subject });
  return ok({ account: { issuer, subject }, groups, person, next });
}

/** Ours: the request's Host is the client's own word. */
const callbackAddress = (broker: Broker): string => `${broker.site.origin}/sign-in/callback`;
const loginDigest = (state: string, browser: string): string => secretDigest(`${state}.${browser}`);
const refused = (reason: string): Result<never, Failure> => err({ code: "sign_in_refused", reason });

async function startAt(
  oidc: OidcLogin,
  callback: string,
): Promise<Result<Awaited<ReturnType<OidcLogin["start"]>>, Failure>> {
  try {
    return ok(await oidc.start(callback));
  } catch {
    return refused("the OIDC provider cannot be reached");
  }
}

/** Its cookie, which is nowhere kept. */
export async function newSignIn(
  broker: Broker,
  call: PersonCall,
  person: Person,
  signIn: Pick<SignIn, "account" | "method" | "groups">,
): Promise<Secret> {
  const cookie = secretText(broker.randomBytes(SECRET_BYTES));
  await broker.humans.signIn(
    { ...signIn, tokenDigest: secretDigest(cookie), lifetimeSeconds: SIGN_IN_SECONDS },
    contextOf(broker, call, person),
  );
  return new Secret(cookie);
}

/** The one change that takes no passkey. Whoever is not signed in is signed out already. */
export async function signOut(broker: Broker, call: PersonCall): Promise<void> {
  if (call.unverifiedSession === null) return;
  const digest = secretDigest(call.unverifiedSession);
  const signIn = await broker.humans.findSignIn(digest);
  if (signIn === null) return;
  const person = personOf(signIn.account, broker.policy.set.people);
  await broker.humans.signOut(digest, contextOf(broker, call, person));
}

/** Every sign-in of a person, by an administrator. How many there were. */
export async function signOutPerson(
  broker: Broker,
  viewer: Viewer,
  call: PersonCall,
  unverified: { readonly person: string; readonly confirmation: UnverifiedConfirmation },
): Promise<Result<number, Failure>> {
  const person = await maySignOut(broker, viewer, unverified);
  if (!person.ok) return err(await refusePerson(broker, call, viewer.person, person.error));
  const context = contextOf(broker, call, viewer.person);
  return ok(await broker.humans.signOutEverywhere(person.value.identities, context));
}

async function maySignOut(
  broker: Broker,
  viewer: Viewer,
  unverified: { readonly person: string; readonly confirmation: UnverifiedConfirmation },
): Promise<Result<Person, Failure>> {
  const action = ACTIONS.signOut(unverified.person);
  const confirmed = await confirm(broker, viewer, action, unverified.confirmation);
  if (!confirmed.ok) return confirmed;
  if (!viewer.administrator) return err({ code: "not_an_administrator" });
  const person = personById(unverified.person, broker.policy.set.people);
  return person === null ? err({ code: "not_found" }) : ok(person);
}
