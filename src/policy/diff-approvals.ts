/**
 * What changes in who decides: for each escalation template and account, and for a change of the set itself, the rule
 * that counts before and after and the people it makes approvers; and who administers those. The order of rules and
 * groups shows only where it matters.
 */
import type { Change, Direction } from "./diff.ts";
import { factChanges, type Fact } from "./diff-facts.ts";
import type { FrozenRule } from "../escalation/escalation.ts";
import type { ApprovalRule, PolicySet } from "./set.ts";

export function approvalChanges(before: PolicySet, after: PolicySet): readonly Change[] {
  const [then, now] = [rulesOf(before), rulesOf(after)];
  const terms = [...now].flatMap(([subject, rule]) => termChanges(subject, then.get(subject), rule));
  return [
    ...terms,
    ...activationChanges(before.activation, after.activation),
    ...factChanges("approvals", approverFacts(before), approverFacts(after)),
    ...(before.activation === null || after.activation === null
      ? []
      : factChanges("approvals", activatorFacts(before), activatorFacts(after))),
  ];
}

const ACTIVATION = "policy activation";

/** Without a second key, whoever can write the folder decides alone what every session may do. */
function activationChanges(then: FrozenRule | null, now: FrozenRule | null): readonly Change[] {
  if (then !== null && now !== null) return termChanges(ACTIVATION, then, now);
  const note = (direction: Direction, what: string): readonly Change[] => [
    { direction, area: "approvals", subject: ACTIVATION, what, reach: null },
  ];
  if (then !== null)
    return note("gained", "WEAKER: a changed policy set is served at once, nobody approves it");
  if (now === null) return [];
  return note(
    "lost",
    `a changed policy set is served only after ${now.quorum} people of ${now.groups.join(" or ")} approved it`,
  );
}

/** The first rule that names template and account decides. Without one, nobody can approve. */
function rulesOf(set: PolicySet): ReadonlyMap<string, ApprovalRule> {
  const rules = new Map<string, ApprovalRule>();
  for (const { name, kind, accounts: open } of set.templates) {
    if (kind !== "escalation") continue;
    for (const { id } of set.accounts) {
      const rule = set.approvals.find(
        ({ templates, accounts }) => templates.includes(name) && (accounts === null || accounts.includes(id)),
      );
      if (rule !== undefined && (open === null || open.includes(id))) rules.set(`${name} in ${id}`, rule);
    }
  }
  return rules;
}

type Terms = Pick<FrozenRule, "quorum" | "pendingSeconds" | "usableSeconds">;

function termChanges(subject: string, then: Terms | undefined, now: Terms): readonly Change[] {
  if (then === undefined) return [];
  const changes: Change[] = [];
  const add = (direction: Direction, what: string): void => {
    changes.push({ direction, area: "approvals", subject, what, reach: null });
  };
  const seconds = (was: number, is: number, what: string): void => {
    if (was !== is) add(is > was ? "gained" : "lost", `${what} ${is} seconds, not ${was}`);
  };
  if (now.quorum !== then.quorum) {
    const fewer = now.quorum < then.quorum;
    add(fewer ? "gained" : "lost", `needs ${now.quorum} approvals, not ${then.quorum}`);
  }
  seconds(then.pendingSeconds, now.pendingSeconds, "a request waits for its decisions");
  if (subject !== ACTIVATION) seconds(then.usableSeconds, now.usableSeconds, "a grant can be used for");
  return changes;
}

/**
 * That a request can be approved at all, by whom, who administers, and what accounts prove to be them. A group counts
 * besides its people: an OIDC provider may put others of people.yaml into it.
 */
function approverFacts(set: PolicySet): readonly Fact[] {
  const rules = rulesOf(set);
  const { administrators, people } = set;
  return [
    ...[...rules].flatMap(([subject, rule]) => [
      { subject, what: `can be approved, each time with a ${rule.evidence}` },
      ...membersMay("decide", { subject, groups: rule.groups }, people),
    ]),
    ...membersMay(
      "invite people and take passkeys away",
      { subject: "administration", groups: administrators },
      people,
    ),
    ...people.flatMap(({ id, identities }) =>
      identities.map(({ issuer, subject }) => ({ subject: id, what: `signs in as ${subject} at ${issuer}` })),
    ),
  ];
}

const activatorFacts = ({ activation, people }: PolicySet): readonly Fact[] =>
  membersMay("decide", { subject: ACTIVATION, groups: activation?.groups ?? [] }, people);

function membersMay(
  may: string,
  { subject, groups }: { readonly subject: string; readonly groups: readonly string[] },
  people: PolicySet["people"],
): readonly Fact[] {
  return [
    ...groups.map((group) => ({ subject, what: `whoever is in ${group} may ${may}` })),
    ...people
      .filter((person) => person.groups.some((group) => groups.includes(group)))
      .map(({ id }) => ({ subject, what: `${id} may ${may}` })),
  ];
}
