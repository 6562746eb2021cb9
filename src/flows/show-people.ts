/** People and their passkeys: everybody's for administrators, one's own for everyone. */
import type { Failure } from "../failure.ts";
import { INVITED_ISSUER } from "../identity/approver.ts";
import type { Passkey } from "../identity/human-store.ts";
import { err, ok } from "../result.ts";
import type { Broker } from "./admit.ts";
import type { Viewer } from "./admit-person.ts";
import { readRecord } from "./read-record.ts";

export async function showPeople(broker: Broker, viewer: Viewer) {
  if (!viewer.administrator) return err({ code: "not_an_administrator" } satisfies Failure);
  const read = await readRecord(() => broker.humans.passkeys({ person: null }));
  if (!read.ok) return read;
  return ok({
    people: broker.policy.set.people.map(({ id, name, groups, identities }) => ({
      id,
      name,
      groups,
      passkeys: rowsOf(read.value.filter(({ person }) => person === id)),
      invitable: identities.some(({ issuer, subject }) => issuer === INVITED_ISSUER && subject === id),
    })),
  });
}

export async function showPasskeys(broker: Broker, viewer: Viewer) {
  const read = await readRecord(() => broker.humans.passkeys({ person: viewer.person.id }));
  if (!read.ok) return read;
  const passkeys = rowsOf(read.value);
  const invited = viewer.signIn.method === "invitation";
  const mayEnrol =
    invited || passkeys.length > 0
      ? { ok: true as const, confirmation: !invited }
      : {
          ok: false as const,
          why: "A new passkey needs one you have already, or an invitation: ask an administrator for one.",
        };
  return ok({ passkeys, mayEnrol });
}

/** Those that were not removed, the newest first. */
function rowsOf(passkeys: readonly Passkey[]) {
  return passkeys
    .filter(({ removedAt }) => removedAt === null)
    .sort((a, b) => b.enrolledAt.getTime() - a.enrolledAt.getTime())
    .map(({ credentialId, label, enrolledAt, countsFrom }) => ({
      credentialId,
      label,
      enrolledAt,
      countsFrom,
    }));
}
