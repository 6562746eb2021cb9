/**
 * The port HumanStore on PostgreSQL or PGlite: its parts together. Whatever says who a human is, or stops saying it,
 * changes under the head's lock with its entry.
 */
import type { HumanStore, Invitation } from "../../identity/human-store.ts";
import { err, ok, type Result } from "../../result.ts";
import { challenges } from "./challenges.ts";
import {
  findInvitation,
  inviteUnderHead,
  setBootstrapUnderHead,
  spendBootstrapUnderHead,
} from "./invitations.ts";
import { enrolUnderHead, PASSKEYS, passkeyOf, removeUnderHead } from "./passkeys.ts";
import { signIns } from "./sign-ins.ts";
import type { Database } from "./sql.ts";
import type { UnderHead } from "./under-head.ts";

export function humanStore(db: Database, underHead: UnderHead): HumanStore {
  return {
    passkeys: async ({ person }) => (await db.query(PASSKEYS, [null, person])).map(passkeyOf),
    passkey: async (credentialId) => {
      const [row] = await db.query(PASSKEYS, [credentialId, null]);
      return row === undefined ? null : passkeyOf(row);
    },
    enrol: (passkey, options, context) =>
      underHead((tx, writing) => enrolUnderHead(tx, writing, { passkey, options, context })),
    removePasskey: (credentialId, context) =>
      underHead((tx, writing) => removeUnderHead(tx, writing, { credentialId, context })),

    ...signIns(db, underHead),

    invite: (invitation, context) =>
      underHead((tx, writing) => inviteUnderHead(tx, writing, { invitation, by: "administrator", context })),
    findInvitation: (tokenDigest) => findInvitation(db, tokenDigest),
    setBootstrap: (tokenDigest, lifetimeSeconds) =>
      underHead((tx, writing) => setBootstrapUnderHead(tx, writing, { tokenDigest, lifetimeSeconds })),
    spendBootstrap: (tokenDigest, invitation, context) =>
      underHead(async (tx, writing): Promise<Result<Invitation, "refused">> => {
        if (!(await spendBootstrapUnderHead(tx, writing, tokenDigest))) return err("refused");
        return ok(await inviteUnderHead(tx, writing, { invitation, by: "bootstrap", context }));
      }),

    ...challenges(db),
  };
}
