/** The port FreezeStore on PostgreSQL or PGlite: its parts together. Decides nothing. */
import type { FreezeStore } from "../../session/freeze-store.ts";
import { claimRole, listDenied, listRoles, settleUnderHead, spreadOne } from "./denials.ts";
import { freezeUnderHead, listActive, thawUnderHead } from "./freezes.ts";
import type { Database } from "./sql.ts";
import type { UnderHead } from "./under-head.ts";

export function freezeStore(db: Database, underHead: UnderHead): FreezeStore {
  return {
    freeze: (wish) => underHead((tx, writing) => freezeUnderHead(tx, writing, wish)),
    thaw: (target, thawing) => underHead((tx, writing) => thawUnderHead(tx, writing, { target, thawing })),
    active: () => listActive(db),
    spread: () => spreadOne(db, underHead),
    claimRole: (leaseSeconds) => claimRole(db, leaseSeconds),
    settleRole: (due, outcome, policyVersion) =>
      underHead((tx, writing) => settleUnderHead(tx, writing, { due, outcome, policyVersion })),
    roles: () => listRoles(db),
    deniedSessions: (limit) => listDenied(db, limit),
  };
}
