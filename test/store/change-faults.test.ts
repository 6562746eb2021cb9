/**
 * Every change of an escalation, a grant or a human fails at every statement, once not written and once written but
 * reported as failed. Either way the caller hears that it is not certain, and nothing is half done.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { auditLogOn, type Store } from "../../src/adapters/postgres/audit-log.ts";
import { migrate } from "../../src/adapters/postgres/schema.ts";
import { openPglite } from "../../src/adapters/postgres/sql.ts";
import { ok } from "../../src/result.ts";
import { aDraft, approved, CHANGE, consuming, decided, happen, requested, VERSION } from "./escalations.ts";
import { CONFLICT, faulty, LOST, type Fault } from "./faulty.ts";
import { aSession, CONTEXT, FAILED, LATER } from "./records.ts";

let db: ReturnType<typeof faulty>;
let log: Store;
beforeAll(async () => {
  db = faulty(await openPglite(null));
  await migrate(db);
  log = auditLogOn(db);
});
afterAll(async () => {
  await log.close();
});

const TABLES = [
  "entries",
  "sessions",
  "idempotency",
  "escalations",
  "decisions",
  "escalation_keys",
  "used_tokens",
];
const MORE = ["passkeys", "sign_ins", "invitations", "challenges", "notices", "log_head"];
/** All of it, row by row. */
async function everything(): Promise<string> {
  const tables = [...TABLES, ...MORE].map(async (table) => {
    const rows = await db.query(`SELECT t::text AS row FROM ${table} t ORDER BY 1`, []);
    return [table, ...rows.map((row) => row["row"])].join("\n");
  });
  return (await Promise.all(tables)).join("\n\n");
}

interface Change {
  readonly name: string;
  /** Makes what the change needs, and returns the change. */
  readonly prepare: () => Promise<() => Promise<unknown>>;
}

const BY = { requestId: "req-1", policyVersion: VERSION, person: "orders-second" };
let made = 0;
const fresh = (): string => `f-${(made += 1)}`;

const CHANGES: readonly Change[] = [
  {
    name: "a request",
    prepare: async () => {
      const draft = aDraft({ request: { idempotencyKey: fresh() } });
      return () => log.escalations.request(draft);
    },
  },
  {
    name: "a decision with its challenge",
    prepare: async () => {
      const { id } = await requested(log);
      const nonce = fresh();
      const of = { purpose: "decide", person: null, subject: null } as const;
      await log.humans.challenge({ nonce, ...of }, 300);
      return () => log.escalations.change(id, { ...CHANGE, nonce }, () => ok(decided("orders-second")));
    },
  },
  {
    name: "an expiry with a cancellation after it",
    prepare: async () => {
      const { id } = await requested(log);
      await db.query("UPDATE escalations SET expires_at = clock_timestamp() WHERE id = $1", [id]);
      return () => happen(log, id, { kind: "cancelled", by: "agent" });
    },
  },
  {
    name: "the mint's intent",
    prepare: async () => {
      const { id } = await approved(log);
      const session = aSession({ escalation: id });
      const idempotency = { key: fresh(), bodyDigest: "1" };
      const grant = consuming(id, session.id);
      return () => log.recordIntent(session, { requestId: "req-1", idempotency, grant });
    },
  },
  {
    name: "a definite failure's return of the grant",
    prepare: async () => {
      const session = await minted();
      return () => log.recordOutcome(session, FAILED, LATER);
    },
  },
  {
    name: "a denial after the mint",
    prepare: async () => {
      const { escalation } = await minted();
      return () => happen(log, escalation ?? "", decided("security-oncall", "deny"));
    },
  },
  {
    name: "a passkey's enrolment",
    prepare: async () => {
      const [nonce, spendInvitation, credentialId] = [fresh(), fresh(), fresh()];
      await log.humans.challenge({ nonce, purpose: "enrol", person: null, subject: null }, 300);
      await log.humans.invite(
        { tokenDigest: spendInvitation, person: "orders-second", lifetimeSeconds: 300 },
        BY,
      );
      const account = { issuer: "twokey:invited", subject: "orders-second" };
      const key = { credentialId, publicKey: "pQ", account, person: "orders-second", label: "", counter: 0 };
      const options = { delaySeconds: 0, nonce, spendInvitation };
      return () => log.humans.enrol({ ...key, transports: [] }, options, BY);
    },
  },
];

async function minted() {
  const { id } = await approved(log);
  const session = aSession({ escalation: id });
  await log.recordIntent(session, { ...CONTEXT, grant: consuming(id, session.id) });
  return session;
}

/** As many statements as the change has, found by letting the last one fail until none is left. */
async function failEverywhere(change: () => Promise<unknown>): Promise<number> {
  const before = await everything();
  for (let number = 1; ; number += 1) {
    for (const when of ["after", "before"] as const) {
      db.fail({ at: "statement", number, when });
      const answer = await change().catch((error: unknown) => error);
      if (answer !== LOST) return number - 1;
      expect(await everything()).toBe(before);
    }
  }
}

describe.each(CHANGES)("$name", ({ prepare }) => {
  test("fails at every one of its statements and leaves nothing of it, and then is made", async () => {
    const change = await prepare();
    const before = await everything();
    expect(await failEverywhere(change)).toBeGreaterThan(4);
    expect(await everything()).not.toBe(before);
  });

  test.each<Fault>([{ at: "begin" }, { at: "commit", when: "before" }])(
    "fails at %j, leaves nothing, and can be made again",
    async (fault) => {
      const change = await prepare();
      const before = await everything();
      db.fail(fault);
      await expect(change()).rejects.toBe(LOST);
      expect(await everything()).toBe(before);
      await change();
      expect(await everything()).not.toBe(before);
    },
  );

  test("is there when only the reply to COMMIT was lost, the caller hears of doubt, and it is not made twice", async () => {
    const change = await prepare();
    const before = await everything();
    db.fail({ at: "commit", when: "after" });
    await expect(change()).rejects.toBe(LOST);
    const after = await everything();
    expect(after).not.toBe(before);
    await change().catch(() => undefined);
    expect(await everything()).toBe(after);
  });

  test("is made again after a serialisation failure, and the caller never hears of it", async () => {
    const change = await prepare();
    const before = await log.size();
    db.fail({ at: "commit", when: "before" }, CONFLICT);
    await change();
    expect(await log.size()).toBeGreaterThan(before);
  });
});

test("after all of it the log's indexes are those from 0 to its size", async () => {
  const entries = await log.entries({ from: 0, limit: 10_000 });
  expect(entries.map((entry) => entry.index)).toEqual(entries.map((_, n) => n));
  expect(await log.size()).toBe(entries.length);
});
