/**
 * The flows, whatever agents and people do in whatever order and at the same moment, on two replicas of one
 * PostgreSQL: no false quorum, no second session, no lost decision. The model knows only what was acknowledged.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Escalation, Verdict } from "../../src/escalation/escalation.ts";
import { cancelEscalation } from "../../src/flows/cancel-escalation.ts";
import { err, ok } from "../../src/result.ts";
import { ASSUMED } from "../support/flow-fakes.ts";
import { postgresInstalled, startPostgres, type Postgres } from "../support/postgres.ts";
import {
  callOf,
  changed,
  decide,
  enrol,
  LOGIN,
  mint,
  policy,
  request,
  startWorld,
  value,
  type Approver,
  type Replica,
  type World,
} from "./world.ts";

const RUNS = process.env["TWOKEY_NIGHTLY"] === "1" ? 20_000 : 150;
const OWNER = "orders-lead";
const PEOPLE = ["platform-engineer", "security-engineer", "third-engineer", OWNER] as const;

const third = {
  id: "third-engineer",
  name: "Third",
  groups: ["platform"],
  identities: [{ issuer: LOGIN, subject: "third-engineer" }],
};
const served = changed({ people: [...policy.set.people, third] });

type Sts = "issued" | "failed" | "unknown";
type Op =
  | { readonly kind: "decide"; readonly person: (typeof PEOPLE)[number]; readonly verdict: Verdict }
  | { readonly kind: "mint" }
  | { readonly kind: "cancel" };

/** Only what callers were told. */
interface Model {
  readonly decisions: string[];
  readonly delivered: string[];
  denied: boolean;
  cancelled: boolean;
  /** Seconds since the request, by the databases' clock. */
  second: number;
}

interface Real {
  readonly world: World;
  readonly approvers: ReadonlyMap<string, Approver>;
  readonly escalation: Escalation;
  /** Of the sessions STS was asked for: what it answered. */
  readonly asked: Map<string, Sts>;
}

/** Some operations at the same moment, each on a replica. */
class Step implements fc.AsyncCommand<Model, Real> {
  readonly later: number;
  readonly sts: Sts;
  readonly ops: readonly (readonly [number, Op])[];
  constructor(later: number, sts: Sts, ops: Step["ops"]) {
    this.later = later;
    this.sts = sts;
    this.ops = ops;
  }
  check = (): boolean => true;
  toString = (): string => `+${this.later}s ${this.sts} ${JSON.stringify(this.ops)}`;

  async run(model: Model, real: Real): Promise<void> {
    const { world, escalation, asked } = real;
    model.second += this.later;
    world.setDatabaseClock(new Date(escalation.requestedAt.getTime() + model.second * 1000));
    world.assumeRole = async ({ sourceIdentity }) => {
      asked.set(sourceIdentity, this.sts);
      if (this.sts === "issued") return ok(ASSUMED);
      return err({ certainty: this.sts === "failed" ? "definite" : "unknown", code: "X", message: "x" });
    };
    const before = { ...model };
    await Promise.all(this.ops.map(([index, op]) => operate(model, real, replicaOf(world, index), op)));
    await holds(model, before, real);
  }
}

const replicaOf = (world: World, index: number): Replica => world.replicas[index] ?? world.replicas[0];

async function operate(model: Model, real: Real, replica: Replica, op: Op): Promise<void> {
  const { id } = real.escalation;
  const broker = { ...replica.broker, policy: served };
  if (op.kind === "cancel") {
    model.cancelled ||= (await cancelEscalation(broker, callOf(), () => ok(id))).ok;
  } else if (op.kind === "mint") {
    const minted = await mint(broker, id);
    if (minted.ok) model.delivered.push(minted.value.session.id);
  } else {
    const approver = real.approvers.get(op.person);
    if (approver === undefined) throw new Error("nobody");
    const decided = await decide({ broker }, approver, op.verdict, real.escalation);
    if (!decided.ok) return;
    model.decisions.push(`${op.verdict} ${op.person}`);
    model.denied ||= op.verdict === "deny";
  }
}

async function holds(model: Model, before: Model, { world, escalation, asked }: Real): Promise<void> {
  const [here, there] = await Promise.all(
    world.replicas.map(({ store }) => store.escalations.find(escalation.id)),
  );
  expect(here).toEqual(there);
  const state = here?.state ?? "";
  // No decision is lost, and none is there that nobody was told of.
  const kept = (here?.decisions ?? []).map(({ verdict, person }) => `${verdict} ${person}`);
  expect([...kept].sort()).toEqual([...model.decisions].sort());
  // No false quorum.
  const approvals = new Set(model.decisions.filter((line) => line.startsWith("approve ")));
  expect([...approvals]).not.toContain(`approve ${OWNER}`);
  if (state === "approved" || asked.size > 0) expect(approvals.size).toBeGreaterThanOrEqual(2);
  // No second session: all but one of STS's answers say that certainly nothing was issued.
  expect([...asked.values()].filter((answer) => answer !== "failed").length).toBeLessThanOrEqual(1);
  expect(model.delivered.length).toBeLessThanOrEqual(1);
  // What was over before these operations began gave nothing to any of them.
  if (before.denied || before.cancelled) expect(model.delivered).toEqual(before.delivered);
  if (model.denied) expect(["denied", "consumed"]).toContain(state);
  if (model.second >= 3600) expect(state).not.toBe("pending");
  // Whoever was delivered something that was denied has lost it.
  if (model.denied) {
    // Once it is over, the policy names it no more.
    const denied = world.denied.map(({ document }) => document ?? "").join("\n");
    expect(model.delivered.filter((session) => !denied.includes(session))).toEqual([]);
  }
}

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(...PEOPLE)
      .map((person): Op => ({ kind: "decide", person, verdict: "approve" })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...PEOPLE).map((person): Op => ({ kind: "decide", person, verdict: "deny" })),
  },
  { weight: 5, arbitrary: fc.constant<Op>({ kind: "mint" }) },
  { weight: 1, arbitrary: fc.constant<Op>({ kind: "cancel" }) },
);
const step = fc
  .tuple(
    fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, fc.constantFrom(900, 3600)),
    fc.constantFrom<Sts>("issued", "issued", "failed", "unknown"),
    fc.array(fc.tuple(fc.constantFrom(0, 1), op), { minLength: 1, maxLength: 4 }),
  )
  .map(([later, sts, ops]) => new Step(later, sts, ops));

describe.skipIf(!postgresInstalled)("two replicas on one PostgreSQL", () => {
  let postgres: Postgres | null = null;
  let world: World;
  const approvers = new Map<string, Approver>();
  beforeAll(async () => {
    postgres = await startPostgres();
    world = await startWorld(postgres?.url ?? null, 2);
    const broker = { ...world.replicas[0].broker, policy: served };
    for (const id of PEOPLE) approvers.set(id, await enrol({ broker }, id));
  }, 60_000);
  afterAll(async () => {
    await world.close();
    await postgres?.stop();
  });

  async function setup(): Promise<{ readonly model: Model; readonly real: Real }> {
    world.setDatabaseClock(new Date());
    world.denied.length = 0;
    await world.query("UPDATE escalations SET state = 'expired', open = NULL, denied_at = NULL", []);
    const { escalation } = value(await request({ ...world.replicas[0].broker, policy: served }));
    return {
      model: { decisions: [], delivered: [], denied: false, cancelled: false, second: 0 },
      real: { world, approvers, escalation, asked: new Map() },
    };
  }

  test("no false quorum, no double mint, no lost decision", async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands([step], { maxCommands: 8 }), async (commands) => {
        const start = await setup();
        await fc.asyncModelRun(() => start, commands);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  }, 7_200_000);
});
