/**
 * The escalation routes of the fake broker, with people who decide when the test says so. A long poll is held until
 * then, and a grant is used once.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { EscalationAnswer, EscalationRequest } from "../../src/api.ts";
import { problem } from "./fake-broker.ts";

export interface FakeEscalations {
  readonly requests: readonly { readonly body: EscalationRequest; readonly idempotencyKey: string }[];
  readonly all: readonly EscalationAnswer[];
  /** `METHOD path?query` of every question, in order. */
  readonly questions: readonly string[];
  /** Answers to the next questions instead of the real ones, each used once. */
  readonly instead: ((response: ServerResponse) => void)[];
  /** Resolves once a long poll is held. */
  polled(): Promise<void>;
  /** People decide, or time goes by. Whoever waits hears of it. */
  set(id: string, change: Partial<EscalationAnswer>): void;
  /** An escalation that this agent asked for before. */
  add(change?: Partial<EscalationAnswer>): EscalationAnswer;
  answer(request: IncomingMessage, body: string, response: ServerResponse): void;
  /** Uses the grant up; what is wrong with it otherwise. */
  collect(id: string, response: ServerResponse): boolean;
}

export const ID = (number: number): string =>
  `esc-${String(number + 1)
    .padStart(24, "a")
    .replaceAll("1", "b")}`;

const ERRORS: Readonly<Record<EscalationAnswer["state"], EscalationAnswer["error"]>> = {
  pending: "authorization_pending",
  approved: null,
  consumed: null,
  denied: "access_denied",
  cancelled: "access_denied",
  expired: "expired_token",
};

export function fakeEscalations(): FakeEscalations {
  const all: EscalationAnswer[] = [];
  const requests: { body: EscalationRequest; idempotencyKey: string }[] = [];
  const questions: string[] = [];
  const instead: ((response: ServerResponse) => void)[] = [];
  const held: { readonly id: string; readonly response: ServerResponse }[] = [];
  let onPoll: () => void = () => undefined;
  const send = (response: ServerResponse, value: unknown, status = 200): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };

  function add(change: Partial<EscalationAnswer> = {}): EscalationAnswer {
    const made: EscalationAnswer = { ...SAMPLE, id: ID(all.length), ...change };
    all.push(made);
    return made;
  }

  function set(id: string, change: Partial<EscalationAnswer>): void {
    const index = all.findIndex((one) => one.id === id);
    const before = all[index];
    if (before === undefined) throw new Error(`no ${id}`);
    const state = change.state ?? before.state;
    all[index] = { ...before, ...change, error: ERRORS[state] };
    for (const poll of held.splice(0)) if (poll.id === id) send(poll.response, all[index]);
  }

  function ask(body: EscalationRequest, idempotencyKey: string, response: ServerResponse): void {
    requests.push({ body, idempotencyKey });
    const waiting = all.find((one) => one.state === "pending" && one.template === body.template);
    const parameters = Object.fromEntries(
      Object.entries(body.parameters ?? {}).map(([name, value]) => [name, [value].flat()]),
    );
    const { template, reason } = body;
    send(response, waiting ?? add({ template, reason, parameters }), 201);
  }

  function answer(request: IncomingMessage, body: string, response: ServerResponse): void {
    const url = new URL(request.url ?? "", "http://fake");
    const [, id, verb] = /^\/v1\/escalations\/([^/]+)(?:\/(cancel))?$/.exec(url.pathname) ?? [];
    const found = all.find((one) => one.id === id);
    questions.push(`${request.method} ${request.url}`);
    const other = instead.shift();
    if (other !== undefined) other(response);
    else if (url.pathname === "/v1/escalations" && request.method === "POST")
      ask(JSON.parse(body) as EscalationRequest, String(request.headers["idempotency-key"]), response);
    else if (url.pathname === "/v1/escalations")
      send(response, { escalations: [...all].reverse(), next: null });
    else if (url.pathname === "/v1/templates") send(response, TEMPLATES);
    else if (found === undefined)
      problem(response, { status: 404, code: "not_found", detail: "There is nothing here for you." });
    else if (verb === "cancel") {
      set(found.id, { state: "cancelled" });
      send(
        response,
        all.find((one) => one.id === id),
      );
    } else if (found.state === "pending" && url.searchParams.has("wait")) {
      held.push({ id: found.id, response });
      onPoll();
    } else send(response, found);
  }

  function collect(id: string, response: ServerResponse): boolean {
    const grant = all.find((one) => one.id === id);
    if (grant?.state === "approved") {
      set(id, { state: "consumed", session: "tks-fake" });
      return true;
    }
    problem(response, { status: 409, code: "grant_used", detail: `Escalation ${id} is ${grant?.state}.` });
    return false;
  }

  const polled = (): Promise<void> =>
    held.length > 0
      ? Promise.resolve()
      : new Promise((resolve) => {
          onPoll = resolve;
        });
  return { requests, all, questions, instead, polled, set, add, answer, collect };
}

const TEMPLATES = {
  agent: "orders-agent",
  templates: [{ name: "production-stack-change", kind: "escalation", intent: "destroy" }],
};

const SAMPLE: EscalationAnswer = {
  id: ID(0),
  state: "pending",
  error: "authorization_pending",
  digest: "d".repeat(64),
  code: "amber-falcon",
  url: "https://twokey.example.com/escalations/x",
  template: "production-stack-change",
  account: "111122223333",
  parameters: { stack: ["arn:aws:cloudformation:us-east-1:111122223333:stack/orders/1"] },
  duration: 900,
  may: "Execute one change set on orders-production.",
  reason: "orders are processed twice",
  requested_at: "2026-11-21T04:00:00.000Z",
  expires_at: "2100-01-01T00:00:00.000Z",
  usable_until: null,
  interval: 5,
  approvals: 0,
  quorum: 2,
  denial: null,
  session: null,
};
