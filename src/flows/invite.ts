/**
 * Letting a person in for the first time. An administrator invites with a fresh passkey → a link that is good for one
 * day and one passkey → whoever opens it is signed in for a quarter of an hour, to enrol that passkey and nothing else.
 * The link's token stands after its `#`, which no server and no log ever sees.
 */
import type { Failure } from "../failure.ts";
import { INVITED_ISSUER, personById, personOf, type HumanAccount } from "../identity/approver.ts";
import { SECRET_BYTES, secretDigest, secretText } from "../identity/browser-secret.ts";
import type { Person } from "../identity/registry.ts";
import type { Site } from "../identity/webauthn.ts";
import { err, ok, type Result } from "../result.ts";
import { Secret } from "../session/credentials.ts";
import type { Broker } from "./admit.ts";
import { contextOf, refusePerson, type PersonCall, type Viewer } from "./admit-person.ts";
import { ACTIONS, confirm, type UnverifiedConfirmation } from "./confirm.ts";

export const INVITATION_SECONDS = 24 * 3600;
const INVITED_SIGN_IN_SECONDS = 15 * 60;

export interface InvitationLink {
  readonly url: Secret;
  readonly expiresAt: Date;
}

export async function invite(
  broker: Broker,
  viewer: Viewer,
  call: PersonCall,
  unverified: { readonly person: string; readonly confirmation: UnverifiedConfirmation },
): Promise<Result<InvitationLink, Failure>> {
  const invited = await mayInvite(broker, viewer, unverified);
  if (!invited.ok) return err(await refusePerson(broker, call, viewer.person, invited.error));
  const token = secretText(broker.randomBytes(SECRET_BYTES));
  const { expiresAt } = await broker.humans.invite(
    { tokenDigest: secretDigest(token), person: invited.value.id, lifetimeSeconds: INVITATION_SECONDS },
    contextOf(broker, call, viewer.person),
  );
  return ok({ url: invitationLink(broker.site, token), expiresAt });
}

async function mayInvite(
  broker: Broker,
  viewer: Viewer,
  unverified: { readonly person: string; readonly confirmation: UnverifiedConfirmation },
): Promise<Result<Person, Failure>> {
  const action = ACTIONS.invite(unverified.person);
  const confirmed = await confirm(broker, viewer, action, unverified.confirmation);
  if (!confirmed.ok) return confirmed;
  if (!viewer.administrator) return err({ code: "not_an_administrator" });
  return invitable(broker, unverified.person);
}

/** The person, if there is an account of theirs that a passkey can belong to. */
export function invitable(broker: Broker, unverifiedPerson: string): Result<Person, Failure> {
  const { people } = broker.policy.set;
  const person = personById(unverifiedPerson, people);
  if (person !== null && accountForPasskey(person, people) !== null) return ok(person);
  const problem =
    person === null
      ? "is nobody of people.yaml"
      : "has no account in people.yaml that is this person's alone";
  return err({ code: "invalid_request", faults: [{ at: "person", problem }] });
}

/**
 * The account that an invited person's passkey belongs to: the one made for invitations, else the first of their OIDC
 * accounts, so that whoever signs in there gets a first passkey too. Null: there is none.
 */
export function accountForPasskey(person: Person, people: readonly Person[]): HumanAccount | null {
  const { identities } = person;
  const account =
    identities.find(({ issuer, subject }) => issuer === INVITED_ISSUER && subject === person.id) ??
    identities.find(({ issuer }) => issuer !== INVITED_ISSUER);
  if (account === undefined || personOf(account, people)?.id !== person.id) return null;
  return { issuer: account.issuer, subject: account.subject };
}

export const invitationLink = (site: Site, token: string): Secret =>
  new Secret(`${site.origin}/invitation#${token}`);

/** The cookie of a sign-in that can only enrol. The invitation is not spent by it. */
export async function acceptInvitation(
  broker: Broker,
  call: PersonCall,
  unverifiedToken: string,
): Promise<Result<Secret, Failure>> {
  const invitation = await broker.humans.findInvitation(secretDigest(unverifiedToken));
  const { people } = broker.policy.set;
  const person = invitation === null ? null : personById(invitation.person, people);
  const account = person === null ? null : accountForPasskey(person, people);
  if (person === null || account === null) {
    return err(await refusePerson(broker, call, null, { code: "invitation_refused" }));
  }
  const cookie = invitedCookie(secretText(broker.randomBytes(SECRET_BYTES)), unverifiedToken);
  await broker.humans.signIn(
    {
      account,
      method: "invitation",
      groups: null,
      tokenDigest: secretDigest(cookie),
      lifetimeSeconds: INVITED_SIGN_IN_SECONDS,
    },
    contextOf(broker, call, person),
  );
  return ok(new Secret(cookie));
}

/** The cookie brings the invitation along, so that enrolment spends that one. It is known by the digest of both. */
const invitedCookie = (random: string, token: string): string => `${random}.${token}`;

/** `cookie`: of an admitted `invitation` sign-in. */
export const invitationDigest = (cookie: string): string =>
  secretDigest(cookie.slice(cookie.indexOf(".") + 1));
