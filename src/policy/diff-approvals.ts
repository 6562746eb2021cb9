/**
 * What changes in who decides: for each escalation template and account, the rule that counts before and after, and
 * the people it makes approvers. The order of rules and groups shows only where it matters.
 */
import type { Change, Direction } from "./diff.ts";
import { factChanges, type Fact } from "./diff-facts.ts";
import type { ApprovalRule, PolicySet } from "./set.ts";

export function approvalChanges(before: PolicySet, after: PolicySet): readonly Change[] {
  const [then, now] = [rulesOf(before), rulesOf(after)];
  const terms = [...now].flatMap(([subject, rule]) => termChanges(subject, then.get(subject), rule));
  return [...terms, ...factChanges("approvals", approverFacts(before), approverFacts(after))];
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

function termChanges(subject: string, then: ApprovalRule | undefined, now: ApprovalRule): readonly Change[] {
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
  seconds(then.usableSeconds, now.usableSeconds, "a grant can be used for");
  return changes;
}

/** That a request can be approved at all, by whom, and what accounts prove to be them. */
function approverFacts(set: PolicySet): readonly Fact[] {
  const rules = rulesOf(set);
  const approving = new Set([...rules.values()].flatMap(({ groups }) => groups));
  const inOne = (groups: readonly string[], wanted: readonly string[]): boolean =>
    groups.some((group) => wanted.includes(group));
  return [
    ...[...rules].flatMap(([subject, rule]) => [
      { subject, what: `can be approved, each time with a ${rule.evidence}` },
      ...set.people
        .filter(({ groups }) => inOne(groups, rule.groups))
        .map(({ id }) => ({ subject, what: `${id} may decide` })),
    ]),
    ...set.people
      .filter(({ groups }) => inOne(groups, [...approving]))
      .flatMap(({ id, identities }) =>
        identities.map(({ issuer, subject }) => ({
          subject: id,
          what: `signs in as ${subject} at ${issuer}`,
        })),
      ),
  ];
}
