/**
 * Fakes at the flows' ports. They keep the order of what happened and assert what a flow must never do.
 */
import type { AuditLog, Entry, Outcome } from "../../src/audit/log.ts";
import type { Broker } from "../../src/flows/admit.ts";
import { err, ok, type Result } from "../../src/result.ts";
import type { AssumedRole, AssumeRoleFault, AssumeRoleRequest } from "../../src/session/assume-role.ts";
import { Secret } from "../../src/session/credentials.ts";
import type { Session } from "../../src/session/session.ts";

export interface FakeRecord {
  readonly audit: AuditLog;
  /** `intent`, `outcome:issued`, `request.refused`, `sts`, … in order. */
  readonly happened: string[];
  readonly refused: Extract<Entry, { kind: "request.refused" }>["detail"][];
  readonly intents: Session[];
  readonly outcomes: { readonly outcome: Outcome; readonly at: Date }[];
  /** What the next writes of a kind do. */
  fail: Partial<Record<"intent" | "outcome" | "entry", boolean>>;
  used: { readonly session: string; readonly sameBody: boolean } | null;
  /** Whether sessions are frozen while STS is asked. */
  frozen: boolean;
}

export function fakeRecord(): FakeRecord {
  const state = new Map<string, "intent" | "done">();
  const happened: string[] = [];
  const record: FakeRecord = {
    happened,
    refused: [],
    intents: [],
    outcomes: [],
    fail: {},
    used: null,
    frozen: false,
    audit: {
      recordIntent: async (session) => {
        if (record.fail.intent === true) throw new Error("the database is gone");
        if (record.used !== null) return err({ reason: "idempotency_key_used", ...record.used });
        if (state.has(session.id)) throw new Error("a session has one intent");
        state.set(session.id, "intent");
        record.intents.push(session);
        happened.push("intent");
        return ok({ entry: happened.length });
      },
      recordOutcome: async (session, outcome, { at }) => {
        if (state.get(session.id) !== "intent") throw new Error("an outcome follows one intent");
        if (record.fail.outcome === true) throw new Error("COMMIT reply lost");
        state.set(session.id, "done");
        record.outcomes.push({ outcome, at });
        happened.push(`outcome:${outcome.state}`);
        return { entry: 7, delivered: outcome.state === "issued" && !record.frozen };
      },
      append: async (entry) => {
        if (record.fail.entry === true) throw new Error("disk full");
        if (entry.kind === "request.refused") record.refused.push(entry.detail);
        happened.push(entry.kind);
        return { entry: happened.length };
      },
      settle: async () => null,
      sessions: async () => [],
      session: async () => null,
      entries: async () => [],
      search: async () => [],
      size: async () => happened.length,
    },
  };
  return record;
}

const unused = (): never => {
  throw new Error("this test has no such port");
};
const unusedPort = new Proxy({}, { get: unused }) as never;

/** The ports that only escalations and people need. Using one fails. */
export const WITHOUT_PEOPLE = {
  policyRefused: null,
  escalations: unusedPort,
  humans: unusedPort,
  freezes: unusedPort,
  denyOnRole: unused,
  tree: unusedPort,
  auditKey: new Uint8Array(32),
  isOperator: () => false,
  isWatch: () => false,
  readChangeSet: unused,
  webauthn: unusedPort,
  oidc: null,
  site: { origin: "https://twokey.example.com", rpId: "twokey.example.com" },
  passkeyDelaySeconds: 0,
  polls: new Map(),
} satisfies Partial<Broker>;

export interface FakeSts {
  readonly requests: AssumeRoleRequest[];
  answer: Result<AssumedRole, AssumeRoleFault>;
  readonly assumeRole: (request: AssumeRoleRequest) => Promise<Result<AssumedRole, AssumeRoleFault>>;
}

export const ASSUMED: AssumedRole = {
  credentials: {
    accessKeyId: "ASIAEXAMPLEEXAMPLE00",
    secretAccessKey: new Secret("secret"),
    sessionToken: new Secret("token"),
    expiration: new Date("2030-01-01T01:00:00Z"),
  },
  assumedRoleArn: "arn:aws:sts::111122223333:assumed-role/ai-observer/orders-ci-x",
  packedPolicySize: 30,
};

/** Refuses to be called before an intent is on record, or twice for one session. */
export function fakeSts(record: FakeRecord): FakeSts {
  const fake: FakeSts = {
    requests: [],
    answer: ok(ASSUMED),
    assumeRole: async (request) => {
      if (record.intents.at(-1)?.id !== request.sourceIdentity) throw new Error("STS without an intent");
      if (fake.requests.some(({ sourceIdentity }) => sourceIdentity === request.sourceIdentity)) {
        throw new Error("STS twice for one session");
      }
      fake.requests.push(request);
      record.happened.push("sts");
      return fake.answer;
    },
  };
  return fake;
}
