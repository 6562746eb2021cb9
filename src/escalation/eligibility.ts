/**
 * Who may decide an escalation, and whose approval counts. Pure, and asked twice: when a person decides, and again
 * when the grant is used.
 */
import type { PersonId } from "../identity/agent.ts";
import { personById, personOf, type HumanAccount } from "../identity/approver.ts";
import type { Person } from "../identity/registry.ts";
import type { Escalation, EscalationContent, Verdict } from "./escalation.ts";

export type Ineligible =
  /** The account is no single person's. */
  | { readonly reason: "nobody" }
  | { readonly reason: "owner" }
  | { readonly reason: "not_in_group"; readonly groups: readonly string[] };

/** Null: may decide. An owner may deny, and never approve. */
export function ineligible(
  person: Person | null,
  content: EscalationContent,
  verdict: Verdict,
): Ineligible | null {
  if (person === null) return { reason: "nobody" };
  if (content.kind === "session" && content.owner === person.id) {
    return verdict === "deny" ? null : { reason: "owner" };
  }
  const { groups } = content.rule;
  return person.groups.some((group) => groups.includes(group)) ? null : { reason: "not_in_group", groups };
}

/** Everybody whose approval counts as of now. `people`: with the groups they have now. */
export function counting(content: EscalationContent, people: readonly Person[]): readonly PersonId[] {
  return people.filter((person) => ineligible(person, content, "approve") === null).map(({ id }) => id);
}

/** People whose approvals count as of now: each once, each still eligible, each account still theirs. */
export function approvers(
  escalation: Pick<Escalation, "content" | "decisions">,
  people: readonly Person[],
): readonly PersonId[] {
  const able = counting(escalation.content, people);
  const found = escalation.decisions
    .filter(({ verdict, person, account }) => verdict === "approve" && isStill(person, account, people))
    .map(({ person }) => person)
    .filter((person) => able.includes(person));
  return [...new Set(found)];
}

const isStill = (person: PersonId, account: HumanAccount, people: readonly Person[]): boolean =>
  personById(person, people) !== null && personOf(account, people)?.id === person;
