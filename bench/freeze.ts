/**
 * How fast the kill switch is: two brokers on one PostgreSQL, an agent that mints on both all the time, and a freeze on
 * one of them. From the request to its answer, to the last session either delivered, and to IAM's hearing of it.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startBroker, type RunningBroker } from "../src/wire.ts";
import { policyFolder } from "../test/support/policy-folder.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { ask, BROKER_KEYS, testConfig } from "../test/support/test-broker.ts";
import { startOperatorToken } from "./operator.ts";
import { summary, type Measured } from "./measure.ts";
import { startStub } from "./mint.ts";

export interface FreezeFigures {
  readonly rounds: number;
  /** The freeze's own request, which also waits for AWS for a moment. */
  readonly answered: Measured;
  /** From the request to the last session that either broker delivered after it; 0: none. */
  readonly lastDelivered: Measured;
  /** From the request to the policy's arrival at IAM. */
  readonly dispatched: Measured;
  /** Sessions delivered by either broker after the freeze was answered. Must be 0. */
  readonly deliveredAfter: number;
}

export async function freezeFigures(rounds: number): Promise<FreezeFigures> {
  const postgres = await startPostgres();
  if (postgres === null) throw new Error("PostgreSQL is not installed");
  const stub = await startStub();
  const iam = await startIam();
  const { folder, agents } = await policyFolder({ "orders-ci": ["observe"] });
  const agent = agents["orders-ci"];
  if (agent === undefined) throw new Error("no agent");
  const keys = startOperatorToken();
  const brokers: RunningBroker[] = [];
  for (let n = 0; n < 2; n += 1) {
    const config = { ...testConfig(folder, stub.endpoint), store: { url: postgres.url, folder: null } };
    const started = await startBroker(
      { ...config, keys: { ...keys.files, watchToken: null }, awsEndpoint: iam.url },
      { awsCredentials: BROKER_KEYS, log: { write: () => undefined } },
    );
    if (!started.ok) throw new Error(started.error.join("\n"));
    brokers.push(started.value);
  }
  const figures = { answered: [] as number[], last: [] as number[], dispatched: [] as number[], after: 0 };
  for (let round = 0; round < rounds; round += 1) await once(round);
  await Promise.all(brokers.map((broker) => broker.close()));
  await postgres.stop();
  stub.stop();
  iam.stop();
  const { answered, last, dispatched, after } = figures;
  return {
    rounds,
    answered: summary(answered, 1),
    lastDelivered: summary(last, 1),
    dispatched: summary(dispatched, 1),
    deliveredAfter: after,
  };

  async function once(round: number): Promise<void> {
    const [first, second] = brokers;
    if (first === undefined || second === undefined || agent === undefined) throw new Error("no brokers");
    const delivered: number[] = [];
    let stopped = false;
    const minting = brokers.flatMap(({ url }) =>
      Array.from({ length: 4 }, async () => {
        while (!stopped) {
          const { status } = await ask({ url, agent });
          if (status === 200) delivered.push(performance.now());
        }
      }),
    );
    while (delivered.length < 20) await new Promise(setImmediate);
    const before = iam.puts.length;
    const start = performance.now();
    const answer = await fetch(`${(round % 2 === 0 ? first : second).url}/v1/freezes`, {
      method: "POST",
      headers: { authorization: `Bearer ${keys.token}`, "content-type": "application/json" },
      body: JSON.stringify({ kind: "agent", name: "orders-ci", reason: "bench" }),
    });
    const answeredAt = performance.now();
    if (answer.status !== 201) throw new Error(await answer.text());
    // Both are asked once more after the answer, by callers that do not stop.
    const seen = await Promise.all(brokers.map(({ url }) => ask({ url, agent })));
    if (seen.some(({ status }) => status !== 403)) throw new Error("a mint after the freeze");
    stopped = true;
    await Promise.all(minting);
    figures.answered.push(answeredAt - start);
    figures.last.push(Math.max(0, ...delivered.map((at) => at - start)));
    figures.after += delivered.filter((at) => at > answeredAt).length;
    while (iam.puts.length === before) await new Promise((resolve) => setTimeout(resolve, 1));
    figures.dispatched.push((iam.puts[before] ?? NaN) - start);
    await first.audit.freezes.thaw(
      { kind: "agent", name: "orders-ci" },
      {
        person: "bench",
        requestId: "req-bench",
        policyVersion: "bench",
        quorum: 1,
        administrators: ["bench"],
      },
    );
  }
}

/** An IAM that takes every policy and says when. */
async function startIam() {
  const puts: number[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const form = new URLSearchParams(body);
      const action = form.get("Action") ?? "";
      if (action === "PutRolePolicy") puts.push(performance.now());
      const role = `arn:aws:iam::111122223333:role/twokey/${form.get("RoleName") ?? ""}`;
      const inner =
        action === "GetRole"
          ? `<GetRoleResult><Role><Arn>${role}</Arn><Path>/twokey/</Path><RoleName>x</RoleName><RoleId>AROA</RoleId><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role></GetRoleResult>`
          : "";
      response
        .writeHead(200, { "content-type": "text/xml" })
        .end(
          `<${action}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/">${inner}</${action}Response>`,
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    puts,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
