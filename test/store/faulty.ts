/** A database that fails once as told: not written, and written but reported as failed. */
import type { Database } from "../../src/adapters/postgres/sql.ts";

export type Fault =
  /** The group's one statement, where the head is where the replica believes it. */
  | { readonly at: "write"; readonly when: "before" | "after" }
  // The rest happen under the head's lock.
  | { readonly at: "begin" }
  | { readonly at: "statement"; readonly number: number; readonly when: "before" | "after" }
  | { readonly at: "commit"; readonly when: "before" | "after" };

export const LOST = new Error("connection lost");

/** As PostgreSQL reports it. */
export const CONFLICT = Object.assign(new Error("could not serialize access"), {
  code: "40001",
  severity: "ERROR",
});

/** Fails the next transaction as told, with `error`; everything later works. */
export function faulty(db: Database): Database & { fail(fault: Fault, error?: Error): void } {
  let next: { readonly fault: Fault; readonly error: Error } | null = null;
  return {
    ...db,
    fail: (fault, error = LOST) => {
      next = { fault, error };
    },
    write: async (text, parameters) => {
      if (next === null) return db.write(text, parameters);
      const { fault, error } = next;
      if (fault.at !== "write") throw CONFLICT;
      next = null;
      if (fault.when === "after") await db.write(text, parameters);
      throw error;
    },
    transaction: async (run, keep) => {
      const { fault, error } = next ?? { fault: null, error: LOST };
      next = null;
      if (fault?.at === "begin") throw error;
      const value = await db.transaction(async (tx) => {
        let count = 0;
        const result = await run({
          query: async (text, parameters) => {
            count += 1;
            const hit = fault?.at === "statement" && fault.number === count ? fault.when : null;
            if (hit === "before") throw error;
            const rows = await tx.query(text, parameters);
            if (hit === "after") throw error;
            return rows;
          },
        });
        if (fault?.at === "commit" && fault.when === "before") throw error;
        return result;
      }, keep);
      if (fault?.at === "commit") throw error;
      return value;
    },
  };
}
