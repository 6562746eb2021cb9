/**
 * Two brokers on one database whose clocks are ten minutes apart, five on either side of the database's: when an
 * escalation and a grant are over, and what comes first, is the database's to say.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { RunningBroker } from "../../src/wire.ts";
import { postgresInstalled } from "../support/postgres.ts";
import type { EnrolledAgent } from "../support/policy-folder.ts";
import { approve, asking, brokerOn, type Asking, type Escalation } from "./in-process.ts";
import type { Person } from "./load.ts";
import { leaks } from "./secrets.ts";
import { startFaultWorld, type FaultWorld } from "./world.ts";

const SKEW_SECONDS = 300;
/** The rule's. */
const [PENDING_SECONDS, USABLE_SECONDS] = [3_600, 900];

describe.skipIf(!postgresInstalled)("two brokers whose clocks are five minutes off, either way", () => {
  let world: FaultWorld;
  let fast: Side;
  let slow: Side;
  let people: readonly Person[];
  /** Where people's browsers are. */
  let at: Side;
  beforeAll(async () => {
    world = await startFaultWorld({ minters: 0, escalators: 1 });
    [fast, slow] = [await sideOf(world, SKEW_SECONDS), await sideOf(world, -SKEW_SECONDS)];
    at = fast;
    people = await world.enrol(() => at.broker.url);
  });
  afterEach(async () => {
    expect(await world.faults()).toEqual([]);
  });
  afterAll(async () => {
    await Promise.all([fast.broker.close(), slow.broker.close()]);
    await world.close();
  });

  const decide = async (side: Side, person: number, escalation: Escalation): Promise<unknown> => {
    at = side;
    const answer = await people[person]?.approver.decide(escalation, "approve");
    return answer?.status === 200 ? "decided" : answer?.body["code"];
  };
  const granted = async (side: Side): Promise<Escalation> => {
    const escalation = await side.agent.ask();
    at = side;
    await approve(people, escalation);
    return escalation;
  };
  /** Moves one of its ends to so many seconds from the database's now. */
  const endsIn = (end: "expires_at" | "usable_until", { id }: Escalation, seconds: number) =>
    world.record.query(
      `UPDATE escalations SET ${end} = clock_timestamp() + make_interval(secs => $2) WHERE id = $1`,
      [id, seconds],
    );

  test.each(["fast", "slow"] as const)(
    "an escalation asked for at the %s one waits from the database's now, and a grant is usable from it",
    async (name) => {
      const { id } = await granted(name === "fast" ? fast : slow);
      const [row] = await world.record.query(
        `SELECT (extract(epoch FROM expires_at - requested_at))::integer AS pending,
           abs(extract(epoch FROM clock_timestamp() - requested_at)) < 60 AS requested_now,
           abs(extract(epoch FROM usable_until - clock_timestamp()) - $2) < 60 AS usable_from_now
         FROM escalations WHERE id = $1`,
        [id, USABLE_SECONDS],
      );
      expect(row).toEqual({ pending: PENDING_SECONDS, requested_now: true, usable_from_now: true });
    },
  );

  test("an escalation that is not over is decided at the broker whose clock says it is", async () => {
    const escalation = await slow.agent.ask();
    await endsIn("expires_at", escalation, SKEW_SECONDS - 60);
    expect(await decide(fast, 0, escalation)).toBe("decided");
    expect(await decide(fast, 1, escalation)).toBe("decided");
    expect((await fast.agent.use(escalation)).status).toBe(200);
  });

  test("an escalation that is over is decided nowhere, whatever the broker's clock says", async () => {
    const escalation = await fast.agent.ask();
    expect(await decide(slow, 0, escalation)).toBe("decided");
    await endsIn("expires_at", escalation, 0);
    expect(await decide(slow, 1, escalation)).toBe("expired_token");
    expect(await decide(fast, 1, escalation)).toBe("expired_token");
  });

  test("a grant that is not over is used at the broker whose clock says it is", async () => {
    const escalation = await granted(slow);
    await endsIn("usable_until", escalation, SKEW_SECONDS - 60);
    expect((await fast.agent.use(escalation)).status).toBe(200);
  });

  test("a grant that is over is used nowhere, whatever the broker's clock says", async () => {
    const escalation = await granted(fast);
    await endsIn("usable_until", escalation, 0);
    for (const { agent } of [slow, fast]) {
      const { status, json } = await agent.use(escalation);
      expect([status, json["code"]]).toEqual([410, "expired_token"]);
    }
  });

  test("approvals stand in the order in which the database took them", async () => {
    const escalation = await slow.agent.ask();
    expect(await decide(fast, 0, escalation)).toBe("decided");
    expect(await decide(slow, 1, escalation)).toBe("decided");
    const [row] = await world.record.query(
      `SELECT array_agg(d.person ORDER BY d.at) = array_agg(d.person ORDER BY d.place) AS in_order,
         max(d.at) - min(d.at) < interval '1 minute' AS together,
         max(d.at) + make_interval(secs => $2) = max(e.usable_until) AS usable_from_the_last
       FROM decisions d JOIN escalations e ON e.id = d.escalation WHERE e.id = $1`,
      [escalation.id, USABLE_SECONDS],
    );
    expect(row).toEqual({ in_order: true, together: true, usable_from_the_last: true });
  });

  test("case 50: no secret stands in a log, the database, the metrics or a problem", async () => {
    expect(await leaks(world, fast.broker.url)).toEqual([]);
  });
});

interface Side {
  readonly broker: RunningBroker;
  readonly agent: Asking;
}

/** A broker with its clock off, and an agent that stands beside it with the same clock. */
async function sideOf(world: FaultWorld, skewSeconds: number): Promise<Side> {
  const clock = (): Date => new Date(Date.now() + skewSeconds * 1000);
  const broker = await brokerOn(world, {}, { clock });
  const workers = world.workers.map((worker) => ({ ...worker, agent: withClock(worker.agent, clock) }));
  return { broker, agent: asking({ ...world, workers }, () => broker.url) };
}

function withClock(agent: EnrolledAgent, clock: () => Date): EnrolledAgent {
  return {
    ...agent,
    token: (claims) => {
      const now = Math.floor(clock().getTime() / 1000);
      return agent.token({ iat: now, exp: now + 60, ...claims });
    },
  };
}
