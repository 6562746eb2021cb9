/**
 * What changes in templates mean: each published action with where it reaches, at the widest its parameters allow,
 * before and after. A row that some row of the other side covers is no change.
 */
import type { Change, Direction } from "./diff.ts";
import { placeSentence } from "./explain.ts";
import { reachOf, type Reach, type ReachCondition, type Where } from "./explain-reach.ts";
import { accountValues } from "./fill.ts";
import { globCovers } from "./iam/match.ts";
import { INTENTS } from "../identity/task.ts";
import type { ActionTable } from "./knowledge.ts";
import type { PreparedTemplate } from "./prepare.ts";
import type { ServedPolicy } from "./serve.ts";
import type { Account, PolicySet, Template } from "./set.ts";

export function templateChanges(
  before: ServedPolicy,
  after: ServedPolicy,
  table: ActionTable,
): readonly Change[] {
  const names = [...new Set([...before.templates.keys(), ...after.templates.keys()])].sort();
  return names.flatMap((name) => {
    const [then, now] = [before.templates.get(name), after.templates.get(name)];
    const [rowsThen, rowsNow] = [rowsOf(then, before.set, table), rowsOf(now, after.set, table)];
    return [
      ...reachChanges(name, "gained", { mine: rowsNow, others: rowsThen, prepared: now }),
      ...reachChanges(name, "lost", { mine: rowsThen, others: rowsNow, prepared: then }),
      ...openChanges(name, before.set, after.set),
      ...(then === undefined || now === undefined ? [] : termChanges(then.template, now.template)),
    ];
  });
}

type Row = Reach & { readonly action: string };

/** One row for each published action, at the widest. */
function rowsOf(prepared: PreparedTemplate | undefined, set: PolicySet, table: ActionTable): readonly Row[] {
  if (prepared === undefined) return [];
  const reach = reachOf(prepared, widest(prepared, set), table);
  return reach.flatMap((row) => row.actions.map((action) => ({ ...row, action })));
}

/** Parameters as the globs they must match, the account and region as anything, service roles as they are. */
function widest({ template, guardrails }: PreparedTemplate, set: PolicySet): Map<string, readonly string[]> {
  const values = new Map<string, readonly string[]>(
    Object.entries(template.parameters).map(([name, { like }]) => [name, like]),
  );
  for (const account of openAccounts(template, set)) {
    for (const [name, arns] of accountValues(account, guardrails.nonProduction)) {
      values.set(name, [...new Set([...(values.get(name) ?? []), ...arns])]);
    }
  }
  return values.set("account", ["*"]).set("region", ["*"]);
}

const openAccounts = ({ accounts }: Template, set: PolicySet): readonly Account[] =>
  set.accounts.filter(({ id }) => accounts === null || accounts.includes(id));

function reachChanges(
  subject: string,
  direction: Direction,
  side: {
    readonly mine: readonly Row[];
    readonly others: readonly Row[];
    readonly prepared: PreparedTemplate | undefined;
  },
): readonly Change[] {
  const { mine, others, prepared } = side;
  if (prepared === undefined) return [];
  const groups = new Map<string, Row[]>();
  for (const row of mine) {
    if (others.some((other) => other.action === row.action && covers(other, row))) continue;
    const key = JSON.stringify([row.power, row.where, row.resources, row.conditions]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].flatMap((rows) => {
    const [first] = rows;
    if (first === undefined) return [];
    const { power, where } = first;
    const actions = [...new Set(rows.map(({ action }) => action))].sort();
    const what = `${power} with ${actions.join(", ")}: ${placeSentence(first, prepared.guardrails)}`;
    return [{ direction, area: "template" as const, subject, what, reach: { actions, power, where } }];
  });
}

/** Whether `wide` lets everything happen that `narrow` does, for the same action. */
function covers(wide: Reach, narrow: Reach): boolean {
  return (
    narrow.where.every((one) => wide.where.some((other) => other === one || holds(other, one))) &&
    narrow.resources.every((arn) => wide.resources.some((other) => globCovers(other, arn))) &&
    wide.conditions.every((condition) => narrow.conditions.some((other) => implies(other, condition)))
  );
}

/** Places that hold others. A stack where a change set may be prepared may be any stack. */
const holds = (wide: Where, narrow: Where): boolean =>
  wide === "anywhere" || (wide === "prepared" && narrow === "non-production");

function implies(narrow: ReachCondition, wide: ReachCondition): boolean {
  return (
    narrow.operator === wide.operator &&
    narrow.key.toLowerCase() === wide.key.toLowerCase() &&
    narrow.values.every((value) => wide.values.some((other) => globCovers(other, value)))
  );
}

function openChanges(subject: string, before: PolicySet, after: PolicySet): readonly Change[] {
  const idsOf = (set: PolicySet): readonly string[] => {
    const template = set.templates.find(({ name }) => name === subject);
    return template === undefined ? [] : openAccounts(template, set).map(({ id }) => id);
  };
  const [then, now] = [idsOf(before), idsOf(after)];
  const open = (direction: Direction, ids: readonly string[]): readonly Change[] =>
    ids.map((id) => note(subject, direction, `is open in account ${id}`));
  return [
    ...open(
      "gained",
      now.filter((id) => !then.includes(id)),
    ),
    ...open(
      "lost",
      then.filter((id) => !now.includes(id)),
    ),
  ];
}

/** What stands in a template beside its actions. */
function termChanges(then: Template, now: Template): readonly Change[] {
  const changes: Change[] = [];
  const add = (direction: Direction, what: string): void => {
    changes.push(note(now.name, direction, what));
  };
  const grew = (from: number, to: number, what: string): void => {
    if (from !== to) add(to > from ? "gained" : "lost", what);
  };
  if (then.kind !== now.kind) {
    if (now.kind === "standing") add("gained", "is vended on request: nobody has to approve it");
    else add("lost", "needs approval: it is no longer vended on request");
  }
  if (then.role !== now.role) {
    add("gained", `its sessions are made from the ${now.role} role`);
    add("lost", `its sessions are made from the ${then.role} role`);
  }
  grew(INTENTS.indexOf(then.intent), INTENTS.indexOf(now.intent), `serves ${now.intent}, not ${then.intent}`);
  const { duration } = now;
  grew(
    then.duration.maxSeconds,
    duration.maxSeconds,
    `lasts ${duration.maxSeconds} seconds at most, not ${then.duration.maxSeconds}`,
  );
  if (then.duration.defaultSeconds !== duration.defaultSeconds) {
    add(
      "changed",
      `lasts ${duration.defaultSeconds} seconds by default, not ${then.duration.defaultSeconds}`,
    );
  }
  for (const name of new Set([...Object.keys(then.parameters), ...Object.keys(now.parameters)])) {
    const [old, spec] = [then.parameters[name], now.parameters[name]];
    if (old === undefined) add("changed", `takes the parameter ${name}`);
    else if (spec === undefined) add("changed", `no longer takes the parameter ${name}`);
    else {
      grew(old.max, spec.max, `takes ${spec.max} values of ${name} at once, not ${old.max}`);
      if (old.optional !== spec.optional)
        add("changed", `${name} is ${spec.optional ? "optional" : "required"}`);
    }
  }
  return changes;
}

const note = (subject: string, direction: Direction, what: string): Change => ({
  direction,
  area: "template",
  subject,
  what,
  reach: null,
});
