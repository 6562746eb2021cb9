/**
 * The kill switch:
 *
 *   who → what → frozen in the record (from here nothing of it is minted or delivered, on any replica) → AWS told → answer
 *
 * One key is enough to freeze. The answer says what is in force where: what AWS has not taken yet is tried again until it
 * has, by whichever broker runs.
 */
import type { Failure } from "../failure.ts";
import type { FreezeTarget } from "../identity/freeze.ts";
import { err, ok, type Result } from "../result.ts";
import type { Freeze, FreezeMaker, RoleDenial } from "../session/freeze-store.ts";
import { base32 } from "../session/name.ts";
import type { Broker } from "./admit.ts";
import { enforceFreezes } from "./enforce-freezes.ts";
import { liveSession, liveSessions, type LiveSession } from "./show-sessions.ts";

export interface FreezeRequest {
  readonly target: FreezeTarget;
  readonly reason: string;
  readonly by: FreezeMaker;
  readonly person: string | null;
  readonly requestId: string | null;
}

export interface Frozen {
  readonly freeze: Freeze;
  /** Live sessions it covers, which were delivered before it. */
  readonly sessions: readonly LiveSession[];
  /** Where AWS stands, by role. */
  readonly roles: readonly RoleDenial[];
}

const FREEZE_ID_BYTES = 15;
const LONGEST_WAIT_MS = 5_000;

/** Refusals are the caller's to record. Rejects when the record cannot be written. */
export async function freeze(broker: Broker, request: FreezeRequest): Promise<Result<Frozen, Failure>> {
  const { target } = request;
  const { set } = broker.policy;
  // A misspelt name stops nothing, and must not be told as frozen.
  if (!(await isKnown(broker, target))) return err({ code: "nothing_to_freeze", target });
  const agent = set.registry.agents.find(({ name }) => target.kind === "agent" && name === target.name);
  const made = await broker.freezes.freeze({
    ...request,
    id: `frz-${base32(broker.randomBytes(FREEZE_ID_BYTES))}`,
    policyVersion: set.digest,
    owner: agent?.owner ?? null,
    roles: target.kind === "all" ? await everyRole(broker) : [],
  });
  if (made === null) return err({ code: "nothing_to_freeze", target });
  // From here on it holds. What AWS is slow to take does not undo it.
  await enforceSoon(broker);
  return ok(await frozen(broker, made));
}

/** For whoever waits for an answer: as far as it goes in a few seconds. What is left is due again. */
export async function enforceSoon(broker: Broker): Promise<void> {
  const until = new Date(broker.clock().getTime() + LONGEST_WAIT_MS);
  await enforce(broker, until).catch(() => undefined);
}

/** `until`: no role is begun after that; null: all that are due. */
export async function enforce(broker: Broker, until: Date | null = null): Promise<void> {
  const { freezes, denyOnRole, clock, policy } = broker;
  const { accounts, digest } = policy.set;
  await enforceFreezes({ freezes, denyOnRole, accounts, policyVersion: digest, clock }, until);
}

/** In the policy served now, or in the record: an agent or a template may be gone from the policy and its sessions not. */
async function isKnown(broker: Broker, { kind, name }: FreezeTarget): Promise<boolean> {
  const { registry, templates } = broker.policy.set;
  switch (kind) {
    case "agent":
      if (registry.agents.some((agent) => agent.name === name)) return true;
      return (await broker.audit.sessions({ agent: name, limit: 1, before: null })).length > 0;
    case "template":
      if (templates.some((template) => template.name === name)) return true;
      return (await liveSessions(broker)).some(({ session }) => session.template === name);
    case "session":
    case "all":
      return true;
  }
}

/** Those of the policy served now, and those of sessions minted under an older one. */
async function everyRole(broker: Broker): Promise<readonly string[]> {
  const now = broker.policy.set.accounts.flatMap(({ roles }) => Object.values(roles));
  const used = (await liveSessions(broker)).map(({ session }) => session.roleArn);
  return [...new Set([...now, ...used])];
}

async function frozen(broker: Broker, made: Freeze): Promise<Frozen> {
  const [all, roles] = await Promise.all([liveSessions(broker), broker.freezes.roles()]);
  const covered = all.filter(({ session }) => covers(made.target, session));
  const own = new Set(covered.map(({ session }) => session.roleArn));
  return {
    freeze: made,
    sessions: covered.map((record) => liveSession(record, broker.policy)),
    roles: roles.filter(({ roleArn }) => made.target.kind === "all" || own.has(roleArn)),
  };
}

function covers(
  { kind, name }: FreezeTarget,
  session: { readonly id: string; readonly agent: string; readonly template: string },
): boolean {
  if (kind === "all") return true;
  return { session: session.id, agent: session.agent, template: session.template }[kind] === name;
}
