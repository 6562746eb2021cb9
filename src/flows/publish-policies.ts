/**
 * Publishing: set → policies it needs in the credentials' account → plan → (somebody says yes) → create → remove.
 *
 * Creates before it removes, so that no session that can be asked for is ever without its policy. Removes only what
 * no session of the record that may still live refers to, and asks the record again right before, because minting
 * goes on meanwhile. Where the record cannot be read, nothing is removed.
 */
import type { AuditLog, SessionRecord } from "../audit/log.ts";
import { DESCRIPTION, planPublication, type PolicyStore, type PublishPlan } from "../policy/publish.ts";
import { publishedPolicies } from "../policy/published-policies.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import { err, ok, type Result } from "../result.ts";

export interface Publisher {
  readonly store: PolicyStore;
  /** The record of sessions; null where there is none to read. */
  readonly sessions: AuditLog["sessions"] | null;
  readonly clock: () => Date;
}

export type PublishFault =
  /** The credentials belong to another account than was asked for. */
  | { readonly reason: "other_account"; readonly wanted: string; readonly actual: string }
  /** accounts.yaml has no such account. */
  | { readonly reason: "unknown_account"; readonly actual: string };

export interface Published {
  /** ARNs. */
  readonly created: readonly string[];
  readonly removed: readonly string[];
  /** Were to be removed, and came into use meanwhile. */
  readonly keptInUse: readonly string[];
}

/** Reads and compares; changes nothing. `account`: the one that must be meant, or null for whichever it is. */
export async function planPublish(
  publisher: Publisher,
  policy: ServedPolicy,
  account: string | null,
): Promise<Result<PublishPlan, PublishFault>> {
  const actual = await publisher.store.account();
  if (account !== null && account !== actual)
    return err({ reason: "other_account", wanted: account, actual });
  if (!policy.set.accounts.some(({ id }) => id === actual)) return err({ reason: "unknown_account", actual });
  const wanted = publishedPolicies(policy).filter((published) => published.account === actual);
  const stored = await publisher.store.list();
  return ok(planPublication({ account: actual, wanted, stored, live: await liveArns(publisher) }));
}

/** Does what the plan says, and leaves what came into use since. */
export async function carryOut(publisher: Publisher, plan: PublishPlan): Promise<Published> {
  for (const policy of plan.create) await publisher.store.create(policy, DESCRIPTION);
  const removed: string[] = [];
  const keptInUse: string[] = [];
  const live = plan.remove.length > 0 ? await liveArns(publisher) : null;
  for (const arn of plan.remove) {
    const free = live !== null && !live.has(arn) && (await publisher.store.remove(arn)) === "removed";
    (free ? removed : keptInUse).push(arn);
  }
  return { created: plan.create.map(({ arn }) => arn), removed, keptInUse };
}

const PAGE = 500;
/** STS's longest session is 12 hours; the hour more is for clocks that differ. */
const LONGEST_MS = 13 * 3600 * 1000;

/** What sessions that may still live refer to. The record is read from its newest session back. */
async function liveArns({ sessions, clock }: Publisher): Promise<ReadonlySet<string> | null> {
  if (sessions === null) return null;
  const now = clock().getTime();
  const live = new Set<string>();
  let before: string | null = null;
  for (;;) {
    const page: readonly SessionRecord[] = await sessions({ agent: null, limit: PAGE, before });
    for (const record of page) {
      if (mayLive(record, now)) for (const arn of record.session.policyArns) live.add(arn);
    }
    const last = page.at(-1)?.session;
    if (page.length < PAGE || last === undefined) return live;
    if (last.requestedAt.getTime() + LONGEST_MS < now) return live;
    before = last.id;
  }
}

/** An intent may be a mint in flight, and `unknown` a session that exists: both count until they would have ended. */
function mayLive({ session, state, expiresAt }: SessionRecord, now: number): boolean {
  if (state === "failed") return false;
  if (state === "issued" && expiresAt !== null) return expiresAt.getTime() > now;
  return session.requestedAt.getTime() + session.durationSeconds * 1000 + LATE_ANSWER_MS > now;
}

/** STS counts a session's life from its own answer, which may come late. */
const LATE_ANSWER_MS = 15 * 60_000;
