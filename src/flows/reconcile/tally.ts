/** Counts what one session did, by action. Bounded, whatever the events hold. */
import type { SessionRecord } from "../../audit/log.ts";
import type { DoneAction, SessionDoings } from "../../audit/reconciliation.ts";
import type { TrailEvent } from "../../audit/trail.ts";
import type { ActionTable } from "../../policy/knowledge.ts";
import { actionsOf, arnsOf, wasDenied } from "../../policy/propose/cloudtrail.ts";

interface Counted {
  count: number;
  denied: number;
  failed: number;
  readonly resources: Set<string>;
}

export interface Tally {
  readonly record: SessionRecord;
  readonly total: Counted;
  readonly actions: Map<string, Counted>;
  first: Date;
  last: Date;
}

const MOST_ACTIONS = 500;
const MOST_RESOURCES = 20;
/** Where the actions past the most are counted. */
const OTHERS = "other actions";

const counted = (): Counted => ({ count: 0, denied: 0, failed: 0, resources: new Set() });

export const newTally = (record: SessionRecord, at: Date): Tally => ({
  ...{ record, total: counted(), actions: new Map(), first: at, last: at },
});

/** `action`: as it is called, shown inert. */
export function addCall(tally: Tally, event: TrailEvent, action: string, table: ActionTable): void {
  if (event.at < tally.first) tally.first = event.at;
  if (event.at > tally.last) tally.last = event.at;
  const name = tally.actions.has(action) || tally.actions.size < MOST_ACTIONS ? action : OTHERS;
  const one = tally.actions.get(name) ?? counted();
  tally.actions.set(name, one);
  for (const into of [one, tally.total]) {
    into.count += 1;
    if (wasDenied(event.record)) into.denied += 1;
    else if (event.errorCode !== null) into.failed += 1;
  }
  for (const arn of resourcesOf(event, table))
    if (one.resources.size < MOST_RESOURCES) one.resources.add(arn);
}

/** Where no parameter names a resource of the action's, such as a change set by its ARN: the ARNs it was given. */
function resourcesOf({ record }: TrailEvent, table: ActionTable): readonly string[] {
  const arns = actionsOf(record).flatMap((called) => {
    const facts = table.action(called);
    return facts === undefined ? [] : arnsOf(record, facts);
  });
  if (arns.length > 0) return arns;
  const given = Object.values((record.requestParameters ?? {}) as Readonly<Record<string, unknown>>);
  return given.filter(
    (value): value is string => typeof value === "string" && /^arn:\S{1,1000}$/.test(value),
  );
}

export function doingsOf({ record, total, actions, first, last }: Tally): SessionDoings {
  const { count, denied, failed } = total;
  return {
    ...{ session: record, first, last, count, denied, failed },
    actions: [...actions].map(([action, one]): DoneAction => ({
      ...{ action, count: one.count, denied: one.denied, failed: one.failed },
      resources: [...one.resources].sort(),
    })),
  };
}
