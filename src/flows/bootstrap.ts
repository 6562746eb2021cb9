/**
 * The first administrator, where nobody has a passkey yet: a token that the broker prints once when it starts, good for
 * one invitation of one administrator of people.yaml. Whoever comes first without it gets nothing (security case 48).
 */
import type { Failure } from "../failure.ts";
import { SECRET_BYTES, secretDigest, secretText } from "../identity/browser-secret.ts";
import type { Person } from "../identity/registry.ts";
import { err, ok, type Result } from "../result.ts";
import { Secret } from "../session/credentials.ts";
import { base32 } from "../session/name.ts";
import type { Broker } from "./admit.ts";
import { contextOf, isAdministrator, refusePerson, type PersonCall } from "./admit-person.ts";
import { accountForPasskey, invitable, INVITATION_SECONDS, invitationLink } from "./invite.ts";

/** 160 bits: 32 characters, which people can type. */
const TOKEN_BYTES = 20;
const TOKEN_SECONDS = 3600;

/** The token to print; null where there is nothing to bootstrap, and no older token counts any more. */
export async function createBootstrap(broker: Broker): Promise<Secret | null> {
  if (broker.policy.set.administrators.length === 0 || !(await isFresh(broker))) {
    await broker.humans.setBootstrap(null, TOKEN_SECONDS);
    return null;
  }
  const token = base32(broker.randomBytes(TOKEN_BYTES));
  await broker.humans.setBootstrap(secretDigest(token), TOKEN_SECONDS);
  return new Secret(token);
}

/** Administrators who can be let in; null where somebody was already, or nobody can be. */
export async function showBootstrap(broker: Broker): Promise<readonly Person[] | null> {
  const { people, administrators } = broker.policy.set;
  if (administrators.length === 0 || !(await isFresh(broker))) return null;
  return people.filter(
    (person) => isAdministrator(broker, person) && accountForPasskey(person, people) !== null,
  );
}

/** Nobody has a passkey. */
async function isFresh(broker: Broker): Promise<boolean> {
  const passkeys = await broker.humans.passkeys({ person: null });
  return passkeys.every(({ removedAt }) => removedAt !== null);
}

/** An invitation link for that administrator. */
export async function bootstrap(
  broker: Broker,
  call: PersonCall,
  unverified: { readonly token: string; readonly person: string },
): Promise<Result<Secret, Failure>> {
  const spent = await spend(broker, call, unverified);
  return spent.ok ? spent : err(await refusePerson(broker, call, null, spent.error));
}

async function spend(
  broker: Broker,
  call: PersonCall,
  unverified: { readonly token: string; readonly person: string },
): Promise<Result<Secret, Failure>> {
  const person = invitable(broker, unverified.person);
  // Nobody is known yet, so nobody is told who is of people.yaml.
  if (!person.ok || !isAdministrator(broker, person.value)) return err({ code: "bootstrap_refused" });
  const token = secretText(broker.randomBytes(SECRET_BYTES));
  const spent = await broker.humans.spendBootstrap(
    secretDigest(unverified.token.trim()),
    { tokenDigest: secretDigest(token), person: person.value.id, lifetimeSeconds: INVITATION_SECONDS },
    contextOf(broker, call, null),
  );
  return spent.ok ? ok(invitationLink(broker.site, token)) : err({ code: "bootstrap_refused" });
}
