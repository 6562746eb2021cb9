/** What is frozen and what AWS denies because of it, as the page of sessions shows it to one person. */
import type { FreezeTarget } from "../identity/freeze.ts";
import type { Freeze, RoleDenial } from "../session/freeze-store.ts";
import type { Broker } from "./admit.ts";
import type { Viewer } from "./admit-person.ts";

/** Of the newest; the list is for showing, AWS has them all. */
const MOST_DENIED = 2_000;

export interface Stopped {
  readonly freezes: readonly Freeze[];
  readonly roles: readonly RoleDenial[];
  /** Ids of sessions that AWS is to deny, whether or not what froze them was thawed since. */
  readonly denied: ReadonlySet<string>;
}

export async function readStopped({ freezes }: Broker): Promise<Stopped> {
  const [active, roles, denied] = await Promise.all([
    freezes.active(),
    freezes.roles(),
    freezes.deniedSessions(MOST_DENIED),
  ]);
  return { freezes: active, roles, denied: new Set(denied.map(({ session }) => session)) };
}

/** `ownerOf`: of a session that is still live. */
export function shownFreezes(
  broker: Broker,
  viewer: Viewer,
  { freezes }: Pick<Stopped, "freezes">,
  ownerOf: (session: string) => string | null,
) {
  const { people, registry } = broker.policy.set;
  const called = (id: string | null) => people.find((person) => person.id === id)?.name ?? id;
  const owner = ({ kind, name }: FreezeTarget): string | null => {
    if (kind === "session") return ownerOf(name);
    return kind === "agent" ? (registry.agents.find((agent) => agent.name === name)?.owner ?? null) : null;
  };
  return freezes.map(({ target, reason, by, person, frozenAt, firstKey }) => ({
    target,
    reason,
    by,
    person: called(person),
    frozenAt,
    firstKey: called(firstKey),
    mayThaw: mayThaw(viewer, owner(target), target.kind === "all" ? firstKey : null),
  }));
}

type May = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** As the flow thaw decides; here only for the page. */
function mayThaw(viewer: Viewer, owner: string | null, firstKey: string | null): May {
  if (!viewer.administrator) return { ok: false, why: "An administrator thaws it." };
  if (owner === viewer.person.id) {
    return { ok: false, why: "You own the agent behind it: another administrator thaws it." };
  }
  return firstKey === viewer.person.id
    ? { ok: false, why: "Your key lies there: another administrator turns the second, within the hour." }
    : { ok: true };
}
