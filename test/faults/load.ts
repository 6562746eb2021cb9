/**
 * The load on a broker: agents that take standing sessions, and agents that ask two people and then use the grant twice
 * at once. Clients of real HTTP, who note what they were told and nothing else. An agent that loses its broker goes on,
 * with the next one, where it was.
 */
import { randomUUID } from "node:crypto";
import type { Approver } from "../../src/cli/demo/approver.ts";
import type { EnrolledAgent } from "../support/policy-folder.ts";
import { send, type Reply } from "../support/test-broker.ts";
import { DROP, LOOK } from "./policies.ts";
import type { Seen } from "./seen.ts";

export interface Person {
  readonly id: string;
  readonly approver: Approver;
}

/** One agent of the load, with what it is at. */
export interface Worker {
  readonly agent: EnrolledAgent;
  readonly role: "minter" | "escalator";
  escalation: { readonly id: string; readonly digest: string } | null;
}

export interface LoadParts {
  readonly workers: readonly Worker[];
  readonly people: readonly Person[];
  readonly seen: Seen;
  /** Awaited by whoever was told that the record cannot be kept just now. */
  readonly whenDown?: () => Promise<void>;
}

export const workersOf = (agents: readonly EnrolledAgent[], escalators: number): readonly Worker[] =>
  agents.map((agent, index) => ({
    agent,
    role: index < escalators ? "escalator" : "minter",
    escalation: null,
  }));

/** Far more than it takes to reach any failpoint. */
const MOST_TURNS = 2_000;

/** Until the broker is gone, or `enough` says so. Every answer was noted when it resolves. */
export async function load(
  send: Send,
  { workers, people, seen, whenDown = async () => undefined }: LoadParts,
  enough: () => boolean = () => false,
): Promise<void> {
  await Promise.all(
    workers.map(async (worker) => {
      for (let turn = 0; !enough(); turn += 1) {
        if (turn === MOST_TURNS) throw new Error("the load went on and on: the fault never came");
        const problems = seen.problems.length;
        const alive = await takeTurn(send, worker, { people, seen });
        if (!alive) return;
        if (seen.problems.slice(problems).some((text) => text.includes("record_unavailable")))
          await whenDown();
      }
    }),
  );
}

/** One request to a broker. Null where no whole answer came. */
export type Send = (
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string,
) => Promise<Reply | null>;

export const sendTo =
  (url: string): Send =>
  (path, headers, body) =>
    send(url, "POST", path, headers, body).catch(() => null);

/** False: the broker is gone. */
async function takeTurn(
  send: Send,
  worker: Worker,
  { people, seen }: Pick<LoadParts, "people" | "seen">,
): Promise<boolean> {
  const client = { send, agent: worker.agent, seen };
  if (worker.role === "minter") return (await mint(client, LOOK, null)) !== null;
  if (worker.escalation === null) return ask(client, worker);
  const { id } = worker.escalation;
  const both = await Promise.all([0, 1].map(() => mint(client, { escalation: id }, id)));
  if (both.includes(null)) return false;
  if (both.includes("authorization_pending")) return decide(worker.escalation, people, seen);
  // Throttled, or not on record just now: the grant may be there again.
  const again = both.every((answer) => AGAIN.has(answer ?? "") || answer === "grant_used");
  const mayBeThere = again && both.some((answer) => AGAIN.has(answer ?? ""));
  if (!mayBeThere) worker.escalation = null;
  return true;
}

const AGAIN: ReadonlySet<string> = new Set(["sts_throttled", "record_unavailable"]);

/** What may happen to an honest agent while things fail. */
const EXPECTED: ReadonlySet<string> = new Set([
  ...AGAIN,
  "authorization_pending",
  "grant_used",
  "expired_token",
  "shutting_down",
  "sts_unknown",
  // A decision that was made though nobody heard of it, and the same once the other's has made the quorum.
  "already_decided",
  "escalation_closed",
]);

export interface Client {
  readonly send: Send;
  readonly agent: EnrolledAgent;
  readonly seen: Seen;
}

/** `delivered`, a problem's code, or null where no answer came. */
export async function mint(client: Client, body: object, escalation: string | null): Promise<string | null> {
  const reply = await call(client, "/v1/credentials", body);
  if (reply?.status !== 200) return reply === null ? null : problem(client.seen, reply);
  const { credentials, session } = reply.json as {
    readonly credentials: { readonly access_key_id: string };
    readonly session: { readonly id: string };
  };
  client.seen.delivered.push({ accessKeyId: credentials.access_key_id, session: session.id, escalation });
  return "delivered";
}

async function ask(client: Client, worker: Worker): Promise<boolean> {
  const reply = await call(client, "/v1/escalations", DROP);
  if (reply?.status !== 201) {
    if (reply !== null) problem(client.seen, reply);
    return reply !== null;
  }
  const { id, digest } = reply.json as { readonly id: string; readonly digest: string };
  client.seen.requested.push(id);
  worker.escalation = { id, digest };
  return true;
}

async function decide(
  escalation: NonNullable<Worker["escalation"]>,
  people: readonly Person[],
  seen: Seen,
): Promise<boolean> {
  const answers = await Promise.all(
    people.map(async ({ id, approver }) => {
      const answer = await approver.decide(escalation, "approve").catch(() => null);
      if (answer === null) return null;
      const { status, body } = answer;
      if (status === 200) seen.decided.push({ escalation: escalation.id, person: id });
      else judge(seen, { status, text: JSON.stringify(body), json: body });
      return answer;
    }),
  );
  return !answers.includes(null);
}

/** A POST with a fresh token and a key of its own. Null where no whole answer came. */
export async function call({ send, agent, seen }: Client, path: string, body: object): Promise<Reply | null> {
  const token = await agent.token();
  seen.tokens.push(token);
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    "idempotency-key": randomUUID(),
  };
  return send(path, headers, JSON.stringify(body));
}

type Problem = Pick<Reply, "status" | "text" | "json">;

/** Its code. */
function problem(seen: Seen, reply: Problem): string {
  seen.problems.push(reply.text);
  return judge(seen, reply);
}

function judge(seen: Seen, { status, text, json }: Problem): string {
  const code = String(json["code"]);
  if (!EXPECTED.has(code)) seen.strange.push(`${status} ${text}`);
  return code;
}
