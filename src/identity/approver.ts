/**
 * Who a human is: an account that signed in, and the one person of people.yaml it belongs to. An account that is no
 * single person's has no vote; must never guess which of two it is.
 */
import type { PersonId } from "./agent.ts";
import type { Person } from "./registry.ts";

/** One way a human signs in: the issuer and subject people.yaml lists for them. */
export interface HumanAccount {
  readonly issuer: string;
  readonly subject: string;
}

/** The issuer of accounts made by invitation and passkey, for teams without OIDC; the subject is the person's id. */
export const INVITED_ISSUER = "twokey:invited";

/** The single person behind the account; null where there is none, or more than one. */
export function personOf(account: HumanAccount, people: readonly Person[]): Person | null {
  const found = people.filter(({ identities }) =>
    identities.some(({ issuer, subject }) => issuer === account.issuer && subject === account.subject),
  );
  const [person, another] = found;
  return person === undefined || another !== undefined ? null : person;
}

export function personById(id: PersonId, people: readonly Person[]): Person | null {
  return people.find((person) => person.id === id) ?? null;
}

/**
 * People with the groups their OIDC provider gave them besides those of people.yaml. An account that is no single
 * person's adds nothing to anybody.
 */
export function withClaimedGroups(
  people: readonly Person[],
  memberships: readonly { readonly account: HumanAccount; readonly groups: readonly string[] }[],
): readonly Person[] {
  return people.map((person) => {
    const claimed = memberships.flatMap(({ account, groups }) =>
      personOf(account, people) === person ? groups : [],
    );
    return claimed.length === 0
      ? person
      : { ...person, groups: [...new Set([...person.groups, ...claimed])] };
  });
}
