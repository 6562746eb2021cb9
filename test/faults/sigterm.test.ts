/**
 * SIGTERM under load, again and again, of one of two brokers on one database, before a client as simple as a load
 * balancer: it goes to the other one where the first says that it stops, or cannot be reached. No request that was
 * accepted fails, and no intent is left without its outcome.
 */
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresInstalled } from "../support/postgres.ts";
import { AMOUNT, LONG, restarts } from "./amounts.ts";
import { bundleBroker, type BrokerProcess, type Program, type Spare } from "./broker-process.ts";
import { load, type Send } from "./load.ts";
import { leaks } from "./secrets.ts";
import { BROKER_KEYS, startFaultWorld, type FaultWorld } from "./world.ts";

/** STS calls between two SIGTERMs. */
const CALLS_BETWEEN = 20;

type Answer = Exclude<Awaited<ReturnType<Send>>, null>;

/** What one broker made of one request. */
type Try =
  | { readonly outcome: "answered"; readonly answer: Answer }
  | { readonly outcome: "refused" }
  | { readonly outcome: "cut" };

describe.skipIf(!postgresInstalled)("two brokers, of which one is told to stop", () => {
  let world: FaultWorld;
  let program: Program;
  let spare: Spare;
  let replicas: [BrokerProcess, BrokerProcess];
  const start = async (): Promise<BrokerProcess> => {
    const ready = spare;
    spare = program.spare();
    return ready.start({ config: world.config, awsCredentials: BROKER_KEYS, armed: null });
  };
  beforeAll(async () => {
    [world, program] = await Promise.all([startFaultWorld({ minters: 8, escalators: 0 }), bundleBroker()]);
    spare = program.spare();
    replicas = [await start(), await start()];
  });
  afterAll(async () => {
    await program.close();
    await world.close();
  });

  /** Requests that went to the other broker, by why, and those that failed. */
  const passedOn = { shuttingDown: 0, refused: 0, cut: 0 };
  const failed: string[] = [];
  let preferred = 0;

  const send: Send = async (path, headers, body) => {
    let cut = false;
    for (;;) {
      const here = preferred;
      const { url } = replicas[here === 0 ? 0 : 1];
      const one = await tryAt(url, path, { headers, body });
      if (one.outcome === "answered" && one.answer.json["code"] !== "shutting_down") {
        const { status, text, json } = one.answer;
        // The same key again tells whether the broker that fell silent had taken the request.
        if (cut && json["code"] === "already_issued") failed.push(`${path} was taken and cut`);
        if (status >= 500) failed.push(`${status} ${text}`);
        return one.answer;
      }
      cut ||= one.outcome === "cut";
      passedOn[one.outcome === "answered" ? "shuttingDown" : one.outcome] += 1;
      // Whoever came first has turned to the other already.
      if (preferred === here) preferred = 1 - here;
    }
  };

  /** Resolves at the `count`th call of STS from now, while it is still unanswered. */
  const afterCalls = (count: number): Promise<void> =>
    new Promise((resolve) => {
      let left = count;
      world.sts.before = async () => {
        left -= 1;
        if (left === 0) resolve();
      };
    });

  test(
    `no accepted request fails and no intent is orphaned, ${restarts} restarts (${AMOUNT})`,
    async () => {
      let done = false;
      const parts = { workers: world.workers, people: [], seen: world.seen };
      const working = load(send, parts, () => done);
      for (let restart = 0; restart < restarts; restart += 1) {
        // A load that ended by itself has failed.
        await Promise.race([afterCalls(CALLS_BETWEEN + (restart % 7)), working]);
        // The one that has the load.
        const stopping = preferred === 0 ? 0 : 1;
        const { child, ended, output } = replicas[stopping];
        child.kill("SIGTERM");
        expect(await ended).toBe(0);
        world.seen.logs.push(output());
        replicas[stopping] = await start();
      }
      done = true;
      await working;
      const { delivered } = world.seen;
      const orphans = await world.record.query("SELECT id FROM sessions WHERE state = 'intent'");
      console.log(
        `\n${restarts} SIGTERMs under load: ${delivered.length} sessions delivered, ${failed.length} accepted requests ` +
          `failed, ${orphans.length} orphan intents; passed on: ${passedOn.shuttingDown} told so, ` +
          `${passedOn.refused} refused, ${passedOn.cut} cut before they were read`,
      );
      expect([failed, orphans, await world.faults()]).toEqual([[], [], []]);
      expect(delivered.length).toBeGreaterThan(restarts * CALLS_BETWEEN);
      expect(passedOn.shuttingDown + passedOn.refused).toBeGreaterThanOrEqual(restarts);
    },
    LONG,
  );

  test("case 50: no secret stands in a log, the database, the metrics or a problem", async () => {
    world.seen.logs.push(...replicas.map(({ output }) => output()));
    expect(await leaks(world, replicas[0].url, { problems: false })).toEqual([]);
  });
});

/** One request on a connection of its own, and what became of it. */
function tryAt(
  url: string,
  path: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
): Promise<Try> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const request = httpRequest(
      { hostname, port, method: "POST", path, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", () => {
          resolve({ outcome: "cut" });
        });
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode: status = 0, headers: answered } = response;
          const json = JSON.parse(text) as Answer["json"];
          resolve({ outcome: "answered", answer: { status, headers: answered, text, json } });
        });
      },
    );
    request.on("error", (error: NodeJS.ErrnoException) => {
      resolve({ outcome: error.code === "ECONNREFUSED" ? "refused" : "cut" });
    });
    request.end(body);
  });
}
