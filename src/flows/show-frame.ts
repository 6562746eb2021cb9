/** What stands around every page: who looks, what waits for them, and what everybody must know. */
import type { Failure } from "../failure.ts";
import type { Passkey } from "../identity/human-store.ts";
import type { Freeze } from "../session/freeze-store.ts";
import { err, ok, type Result } from "../result.ts";
import type { Broker } from "./admit.ts";
import type { Viewer } from "./admit-person.ts";
import { readRecord } from "./read-record.ts";
import { waitingFor } from "./show-queue.ts";

export interface Surroundings {
  readonly person: { readonly id: string; readonly name: string; readonly administrator: boolean };
  readonly waiting: number;
  readonly notices: readonly string[];
  readonly now: Date;
}

const ANNOUNCED_MS = 24 * 60 * 60 * 1000;

export async function showFrame(broker: Broker, viewer: Viewer): Promise<Result<Surroundings, Failure>> {
  const read = await readRecord(() =>
    Promise.all([
      waitingFor(broker, viewer),
      broker.humans.passkeys({ person: null }),
      broker.freezes.active(),
    ]),
  );
  if (!read.ok) return err(read.error);
  const [waiting, passkeys, freezes] = read.value;
  const now = broker.clock();
  const fresh = passkeys.filter(
    // From when it counts: a delay that ends the notice with itself would hide the key from then on.
    ({ countsFrom, removedAt }) => removedAt === null && now.getTime() - countsFrom.getTime() < ANNOUNCED_MS,
  );
  const { id, name } = viewer.person;
  return ok({
    person: { id, name, administrator: viewer.administrator },
    waiting,
    notices: [
      ...frozenNotices(freezes),
      ...policyNotices(broker),
      ...fresh.map((passkey) => enrolledNotice(passkey, broker)),
    ],
    now,
  });
}

/** Of everything alone: whatever else is frozen is somebody's, and stands on the page of sessions. */
function frozenNotices(freezes: readonly Freeze[]): readonly string[] {
  const everything = freezes.find(({ target }) => target.kind === "all");
  if (everything === undefined) return [];
  const at = everything.frozenAt.toISOString().slice(0, 16).replace("T", " ");
  return [
    `Everything is frozen since ${at} UTC: no agent gets a session until two administrators thaw it, under Sessions.`,
  ];
}

function policyNotices({ policyRefused }: Broker): readonly string[] {
  const [first] = policyRefused ?? [];
  if (first === undefined) return [];
  const { file, line, message } = first;
  const more = (policyRefused?.length ?? 1) - 1;
  return [
    `The policy folder has faults and is not served; the last good policies stay. ${file}:${line}: ${message}` +
      (more > 0 ? ` (and ${more} more)` : ""),
  ];
}

/** Announced to everybody: somebody who can enrol a key in another's name can decide in it. */
function enrolledNotice({ person, enrolledAt }: Passkey, { policy }: Broker): string {
  const name = policy.set.people.find(({ id }) => id === person)?.name;
  const whose = name === undefined ? person : `${name} (${person})`;
  const at = enrolledAt.toISOString().slice(0, 16).replace("T", " ");
  return `A passkey was enrolled for ${whose} at ${at} UTC. If they did not do it, tell an administrator.`;
}
