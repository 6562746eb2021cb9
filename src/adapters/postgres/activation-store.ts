/**
 * The port ActivationStore on PostgreSQL or PGlite. One row for each time a set was put in force; the last is in force.
 * The row's number is the compare-and-swap: two that follow the same row want the same number, and the key lets one
 * have it. Decides nothing; whether the files still are what was approved is for whoever reads them.
 */
import type { ActivationStore, KeptSet } from "../../policy/activation-store.ts";
import { sqlState, type Database, type Queries } from "./sql.ts";

export function activationStore(db: Database): ActivationStore {
  return {
    active: async () => {
      const [row] = await db.query(ACTIVE, []);
      return row === undefined
        ? null
        : {
            digest: row["digest"] as string,
            escalation: row["escalation"] as string | null,
            generation: Number(row["id"]),
          };
    },
    activate: (set, from) =>
      db
        .transaction(async (tx) => {
          const [last] = await tx.query(ACTIVE, []);
          if ((last === undefined ? null : Number(last["id"])) !== from) return false;
          await keep(tx, set);
          await tx.query(ACTIVATE, [(from ?? 0) + 1, set.digest, set.escalation]);
          return true;
        })
        .catch((error: unknown) => {
          if (TAKEN.includes(sqlState(error) ?? "")) return false;
          throw error;
        }),
    keep: (set) => db.transaction((tx) => keep(tx, set)),
    kept: async (digest) => {
      const [row] = await db.query(KEPT, [digest]);
      if (row === undefined) return null;
      const { files, actionData } = JSON.parse(row["files"] as string) as Omit<KeptSet, "digest">;
      return { digest, files, actionData };
    },
  };
}

/** The number is another's: its key exists, or the engine saw that both wanted it. */
const TAKEN = ["23505", "40001", "40P01"];

const ACTIVE = "SELECT id, digest, escalation FROM policy_active ORDER BY id DESC LIMIT 1";
const ACTIVATE = "INSERT INTO policy_active (id, digest, escalation) VALUES ($1::integer, $2, $3)";
const KEPT = "SELECT files FROM policy_sets WHERE digest = $1";
const KEEP = `INSERT INTO policy_sets (digest, files, kept_at) VALUES ($1, $2, clock_timestamp())
  ON CONFLICT (digest) DO NOTHING`;

async function keep(tx: Queries, { digest, files, actionData }: KeptSet): Promise<void> {
  await tx.query(KEEP, [digest, JSON.stringify({ actionData, files })]);
}
