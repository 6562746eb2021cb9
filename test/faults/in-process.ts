/**
 * A broker in the test's own process on the harness's world, for faults that are made between the broker and what it
 * calls. Agents and people reach it over HTTP like any other.
 */
import type { Config } from "../../src/config.ts";
import { startBroker, type Overrides, type RunningBroker } from "../../src/wire.ts";
import type { Reply } from "../support/test-broker.ts";
import { call, sendTo, type Client, type Person } from "./load.ts";
import { DROP, LOOK } from "./policies.ts";
import { BROKER_KEYS, type FaultWorld } from "./world.ts";

export async function brokerOn(
  world: FaultWorld,
  change: Partial<Config>,
  overrides: Overrides = {},
): Promise<RunningBroker> {
  const started = await startBroker(
    { ...world.config, ...change },
    { awsCredentials: BROKER_KEYS, log: { write: (line) => world.seen.logs.push(line) }, ...overrides },
  );
  if (!started.ok) throw new Error(started.error.join("\n"));
  return started.value;
}

export interface Escalation {
  readonly id: string;
  readonly digest: string;
}

export interface Asking {
  readonly client: Client;
  readonly look: () => Promise<Reply>;
  /** A new escalation. */
  readonly ask: () => Promise<Escalation>;
  readonly use: (escalation: Escalation) => Promise<Reply>;
}

/** The world's first agent at the broker. */
export function asking({ workers, seen }: FaultWorld, url: () => string): Asking {
  const agent = workers[0]?.agent;
  if (agent === undefined) throw new Error("the world has no agent");
  const client: Client = { send: (...request) => sendTo(url())(...request), agent, seen };
  const post = async (path: string, body: object): Promise<Reply> => {
    const reply = await call(client, path, body);
    if (reply === null) throw new Error(`${path} was not answered`);
    if (reply.status >= 400) seen.problems.push(reply.text);
    return reply;
  };
  return {
    client,
    look: () => post("/v1/credentials", LOOK),
    ask: async () => {
      const { status, json, text } = await post("/v1/escalations", DROP);
      if (status !== 201) throw new Error(text);
      return { id: String(json["id"]), digest: String(json["digest"]) };
    },
    use: ({ id }) => post("/v1/credentials", { escalation: id }),
  };
}

/** An escalation that two people approved. */
export async function askGranted(agent: Asking, people: readonly Person[]): Promise<Escalation> {
  const escalation = await agent.ask();
  await approve(people, escalation);
  return escalation;
}

/** By everybody, one after the other. */
export async function approve(people: readonly Person[], escalation: Escalation): Promise<void> {
  for (const { approver } of people) {
    const { status, body } = await approver.decide(escalation, "approve");
    if (status !== 200) throw new Error(JSON.stringify(body));
  }
}
