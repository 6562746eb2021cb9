/**
 * The queue: what waits for this person, what waits for others, and what this person decided. Where a row stands is
 * for reading only: whether a decision is taken is decided when it is made.
 */
import { escalationCode } from "../escalation/code.ts";
import { ineligible } from "../escalation/eligibility.ts";
import type { Escalation, SessionContent } from "../escalation/escalation.ts";
import type { Failure } from "../failure.ts";
import type { Person } from "../identity/registry.ts";
import { mayDestroy } from "../policy/describe-allowed.ts";
import type { PolicyDocument } from "../policy/iam/types.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import { err, ok, type Result } from "../result.ts";
import type { Broker } from "./admit.ts";
import type { Viewer } from "./admit-person.ts";
import { readRecord } from "./read-record.ts";
import { approvalsNow, humansNow, type HumansNow } from "./use-grant.ts";

/** Every agent has at most a few pending, so more than these are hardly ever open. */
const OPEN = 200;
const DECIDED = 50;

export interface Queue {
  readonly mine: readonly QueueRow[];
  readonly others: readonly QueueRow[];
  readonly decided: readonly QueueRow[];
}

export type QueueRow = ReturnType<typeof rowOf>;

export async function showQueue(broker: Broker, viewer: Viewer): Promise<Result<Queue, Failure>> {
  const read = await readRecord(() =>
    Promise.all([
      openEscalations(broker),
      broker.escalations.decidedBy(viewer.person.id, DECIDED),
      humansNow(broker),
    ]),
  );
  if (!read.ok) return err(read.error);
  const [open, decided, humans] = read.value;
  const row = (escalation: Escalation): QueueRow => rowOf(escalation, viewer, humans, broker.policy);
  const rows = open.map(row).sort((a, b) => a.expiresAt.getTime() - b.expiresAt.getTime());
  return ok({
    mine: rows.filter(({ notMine }) => notMine === null),
    others: rows.filter(({ notMine }) => notMine !== null),
    decided: decided.map(row),
  });
}

/** How many wait for this person. */
export async function waitingFor(broker: Broker, viewer: Viewer): Promise<number> {
  const open = await openEscalations(broker);
  return open.filter((escalation) => whyNotMine(escalation, viewer.person) === null).length;
}

async function openEscalations(broker: Broker): Promise<readonly Escalation[]> {
  const states = ["pending", "approved"] as const;
  const found = await broker.escalations.list({ agent: null, states, limit: OPEN, before: null });
  // What is over by now is read as expired.
  return found.filter(({ state }) => state === "pending" || state === "approved");
}

function rowOf(escalation: Escalation, { person }: Viewer, humans: HumansNow, policy: ServedPolicy) {
  const { id, content, state, requestedAt, expiresAt, digest } = escalation;
  const session = content.kind === "session" ? content : null;
  return {
    id,
    kind: content.kind,
    state,
    title: titleOf(escalation, policy),
    agent: session?.agent ?? null,
    owner: session?.owner ?? null,
    account: session?.account ?? null,
    reason: session?.reason ?? null,
    destroys: session === null ? false : mayDestroy(inlineDocuments(session), policy.table),
    requestedAt,
    expiresAt,
    approvals: approvalsNow(escalation, humans),
    quorum: content.rule.quorum,
    code: escalationCode(digest),
    decided: ownVerdict(escalation, person),
    notMine: whyNotMine(escalation, person),
  };
}

export function titleOf({ content }: Escalation, policy: ServedPolicy): string {
  return content.kind === "policy"
    ? "Change the policies that are served"
    : (policy.templates.get(content.template)?.template.title ?? content.template);
}

/** The inline policy, as it was approved or is to be. */
export const inlineDocuments = ({ policy }: Pick<SessionContent, "policy">): readonly PolicyDocument[] => [
  JSON.parse(policy) as PolicyDocument,
];

function ownVerdict({ decisions }: Escalation, { id }: Person) {
  return decisions.findLast(({ person }) => person === id)?.verdict ?? null;
}

function whyNotMine(escalation: Escalation, person: Person): string | null {
  const { state, content } = escalation;
  if (state === "approved") {
    return content.kind === "policy" ? "approved" : `approved: waits for ${content.agent} to collect it`;
  }
  if (state !== "pending") return state;
  const own = ownVerdict(escalation, person);
  if (own !== null) return own === "approve" ? "you approved it: waits for another" : "you denied it";
  return ineligibleWords(escalation, person);
}

/** Why this person cannot approve it, whatever its state; null: they can. */
export function ineligibleWords({ content }: Pick<Escalation, "content">, person: Person): string | null {
  const why = ineligible(person, content, "approve");
  if (why === null) return null;
  switch (why.reason) {
    case "nobody":
      return "your account is no single person of people.yaml";
    case "owner":
      return "you own the agent: its owner may deny, and never approve";
    case "not_in_group":
      return `waits for a member of ${why.groups.join(" or ")}`;
  }
}
