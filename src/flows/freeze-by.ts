/**
 * Who may use the kill switch, and how: an operator's tool freezes with the operators' token, any person with a fresh
 * passkey. Thawing takes an administrator's passkey who does not own what is thawed, and `all` two of them. Refusals are
 * recorded.
 */
import type { Failure } from "../failure.ts";
import type { FreezeTarget } from "../identity/freeze.ts";
import { err, ok, type Result } from "../result.ts";
import { refuse, type Broker, type Call } from "./admit.ts";
import { admitOperator } from "./admit-operator.ts";
import { isAdministrator, peopleNow, refusePerson, type PersonCall, type Viewer } from "./admit-person.ts";
import { ACTIONS, confirm, type UnverifiedConfirmation } from "./confirm.ts";
import { enforceSoon, freeze, type Frozen } from "./freeze.ts";

export interface FreezeOrder {
  readonly target: FreezeTarget;
  readonly reason: string;
}

export async function freezeByOperator(
  broker: Broker,
  call: Call,
  readOrder: () => Promise<Result<FreezeOrder, Failure>>,
): Promise<Result<Frozen, Failure>> {
  const admitted = await admitOperator(broker, call);
  if (!admitted.ok) return admitted;
  const order = await readOrder();
  const { requestId } = call;
  const done = order.ok
    ? await settled(() => freeze(broker, { ...order.value, by: "operator", person: null, requestId }))
    : order;
  return done.ok ? done : err(await refuse(broker, call, null, done.error));
}

export interface ConfirmedOrder extends FreezeOrder {
  readonly confirmation: UnverifiedConfirmation;
}

export async function freezeByPerson(
  broker: Broker,
  viewer: Viewer,
  call: PersonCall,
  { target, reason, confirmation }: ConfirmedOrder,
): Promise<Result<Frozen, Failure>> {
  const confirmed = await confirm(broker, viewer, ACTIONS.freeze(target), confirmation);
  const { requestId } = call;
  const person = viewer.person.id;
  const done = confirmed.ok
    ? await settled(() => freeze(broker, { target, reason, by: "person", person, requestId }))
    : confirmed;
  return done.ok ? done : err(await refusePerson(broker, call, viewer.person, done.error));
}

export async function thawByPerson(
  broker: Broker,
  viewer: Viewer,
  call: PersonCall,
  { target, confirmation }: Pick<ConfirmedOrder, "target" | "confirmation">,
): Promise<Result<{ readonly state: "thawed" | "first_key" }, Failure>> {
  const confirmed = await confirm(broker, viewer, ACTIONS.thaw(target), confirmation);
  const done = confirmed.ok ? await settled(() => thaw(broker, viewer, call, target)) : confirmed;
  return done.ok ? done : err(await refusePerson(broker, call, viewer.person, done.error));
}

async function thaw(
  broker: Broker,
  viewer: Viewer,
  call: PersonCall,
  target: FreezeTarget,
): Promise<Result<{ readonly state: "thawed" | "first_key" }, Failure>> {
  if (!viewer.administrator) return err({ code: "not_an_administrator" });
  if ((await ownerOf(broker, target)) === viewer.person.id) return err({ code: "owner_cannot_approve" });
  const people = await peopleNow(broker);
  const thawed = await broker.freezes.thaw(target, {
    person: viewer.person.id,
    requestId: call.requestId,
    policyVersion: broker.policy.set.digest,
    quorum: target.kind === "all" ? 2 : 1,
    administrators: people.filter((person) => isAdministrator(broker, person)).map(({ id }) => id),
  });
  if (thawed.ok) {
    await enforceSoon(broker);
    return thawed;
  }
  return err(thawed.error === "same_person" ? { code: "second_key_needed" } : { code: "not_frozen", target });
}

/** Of the agent behind it; nobody owns a template, or everything. */
async function ownerOf(broker: Broker, { kind, name }: FreezeTarget): Promise<string | null> {
  if (kind === "session") return (await broker.audit.session(name))?.session.owner ?? null;
  const { agents } = broker.policy.set.registry;
  return kind === "agent" ? (agents.find((agent) => agent.name === name)?.owner ?? null) : null;
}

/** Lost infrastructure is a refusal like any other, and says that nothing is certain. */
async function settled<T>(work: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> {
  try {
    return await work();
  } catch {
    return err({ code: "record_unavailable", step: "entry" });
  }
}

export async function listFreezes(broker: Broker, call: Call): Promise<Result<FreezeList, Failure>> {
  const admitted = await admitOperator(broker, call);
  return admitted.ok ? showFreezes(broker) : admitted;
}

export interface FreezeList {
  readonly freezes: Awaited<ReturnType<Broker["freezes"]["active"]>>;
  readonly roles: Awaited<ReturnType<Broker["freezes"]["roles"]>>;
}

export function showFreezes(broker: Broker): Promise<Result<FreezeList, Failure>> {
  return settled(async () => {
    const [freezes, roles] = await Promise.all([broker.freezes.active(), broker.freezes.roles()]);
    return ok({ freezes, roles });
  });
}
