/** One grant, one session: however many ask at once, on two replicas of one PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Failure } from "../../src/failure.ts";
import { attempt } from "../../src/flows/issue-credentials.ts";
import { planGrant } from "../../src/flows/use-grant.ts";
import type { Result } from "../../src/result.ts";
import { postgresInstalled, startPostgres, type Postgres } from "../support/postgres.ts";
import {
  callOf,
  decide,
  enrol,
  mint,
  request,
  startWorld,
  value,
  type Approver,
  type Replica,
  type World,
} from "./world.ts";

const AGENT = {
  name: "orders-ci",
  owner: "orders-lead",
  templates: ["production-stack-change"],
  proof: { issuer: "enrolled", subject: "orders-ci" },
};

/** Grants that are fought for at the same moment. */
const TOGETHER = 10;

describe.skipIf(!postgresInstalled)("two replicas on one PostgreSQL", () => {
  let postgres: Postgres | null = null;
  let world: World;
  let approvers: readonly Approver[];
  beforeAll(async () => {
    postgres = await startPostgres();
    world = await startWorld(postgres?.url ?? null, 2);
    const [here] = world.replicas;
    approvers = [await enrol(here, "platform-engineer"), await enrol(here, "security-engineer")];
  }, 60_000);
  afterAll(async () => {
    await world.close();
    await postgres?.stop();
  });

  async function grant(): Promise<string> {
    const [here] = world.replicas;
    const { escalation } = value(await request(here.broker));
    for (const approver of approvers) value(await decide(here, approver, "approve", escalation));
    return escalation.id;
  }

  /** Works so often at once, half on either replica. What each was answered. */
  const atOnce = (
    times: number,
    work: (replica: Replica) => Promise<Result<unknown, Failure>>,
  ): Promise<readonly string[]> =>
    Promise.all(
      Array.from({ length: times }, async (_, index) => {
        const done = await work(world.replicas[index % 2] ?? world.replicas[0]);
        return done.ok ? "minted" : done.error.code;
      }),
    );
  const sessionsOf = (asked: World["sts"]): readonly string[] =>
    asked.map(({ tags }) => tags.find(({ key }) => key === "twokey:escalation")?.value ?? "");

  test("case 36: one grant and 100 parallel mints on two replicas: exactly one session", async () => {
    const id = await grant();
    const answers = await atOnce(100, ({ broker }) => mint(broker, id));
    expect(answers.filter((answer) => answer === "minted")).toHaveLength(1);
    expect(new Set(answers)).toEqual(new Set(["minted", "grant_used"]));
    expect(sessionsOf(world.sts)).toEqual([id]);
  });

  // From the policy decision on, and without a record of the 99,000 refusals: both take most of the time.
  test("case 36: 1,000 grants, 50 parallel mints of each on either replica: exactly 1,000 sessions", async () => {
    world.sts.length = 0;
    const grants: string[] = [];
    for (let index = 0; index < 1_000; index += 1) grants.push(await grant());
    const answers: string[] = [];
    for (let from = 0; from < grants.length; from += TOGETHER) {
      const fought = grants.slice(from, from + TOGETHER).map(async (id) => {
        const wish = {
          escalation: id,
          template: null,
          parameters: null,
          account: null,
          durationSeconds: null,
        };
        const { plan, task, grant: use } = value(await planGrant(world.replicas[0].broker, AGENT, wish));
        const asked = { plan, task, idempotency: null, grant: use };
        return atOnce(100, ({ store, broker }) => {
          const audit = { ...store, append: async () => ({ entry: 0 }) };
          return attempt({ broker: { ...broker, audit }, call: callOf(), agent: AGENT }, asked);
        });
      });
      answers.push(...(await Promise.all(fought)).flat());
    }
    expect(answers.filter((answer) => answer === "minted")).toHaveLength(1_000);
    expect(answers.filter((answer) => answer === "grant_used")).toHaveLength(99_000);
    expect([...sessionsOf(world.sts)].sort()).toEqual(grants.sort());
  }, 600_000);
});
