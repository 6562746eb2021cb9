/**
 * A broker on loopback that answers as src/api.ts says, over real HTTP, and keeps what it was asked. Checks
 * every request as the real one would, so that a client that sends nonsense fails here.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { CredentialsAnswer, CredentialsRequest, GrantRequest, Problem } from "../../src/api.ts";
import { fakeEscalations, type FakeEscalations } from "./fake-escalations.ts";

export const CANARY = {
  secretAccessKey: "canary/secret+access+key/0123456789abcdef",
  sessionToken: "canary-session-token-0123456789abcdef==",
  workloadToken: "canary.workload.token",
} as const;

export interface Asked {
  readonly request: CredentialsRequest | GrantRequest;
  readonly idempotencyKey: string;
}

export interface FakeBroker {
  readonly url: string;
  /** Requests for sessions. */
  readonly asked: readonly Asked[];
  readonly escalations: FakeEscalations;
  /** Seconds the next sessions live. */
  lifetime: number;
  /** What to answer instead of a session; null for sessions. */
  instead: ((response: ServerResponse) => void) | null;
  close(): Promise<void>;
}

export async function fakeBroker(): Promise<FakeBroker> {
  const asked: Asked[] = [];
  const escalations = fakeEscalations();
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const isCredentials = request.method === "POST" && request.url === "/v1/credentials";
    if (!isCredentials && !/^\/v1\/(escalations|templates)/.test(request.url ?? "")) {
      problem(response, { status: 404, code: "not_found", detail: "No such route." });
      return;
    }
    if (request.headers.authorization !== `Bearer ${CANARY.workloadToken}`) {
      problem(response, {
        status: 401,
        code: "invalid_token",
        detail: "The workload token was not accepted.",
      });
      return;
    }
    const text = Buffer.concat(chunks).toString();
    if (!isCredentials) {
      escalations.answer(request, text, response);
      return;
    }
    const wanted = JSON.parse(text) as CredentialsRequest | GrantRequest;
    asked.push({
      request: wanted,
      idempotencyKey: String(request.headers["idempotency-key"]),
    });
    if (broker.instead !== null) broker.instead(response);
    else if (!("escalation" in wanted) || escalations.collect(wanted.escalation, response))
      session(response, asked);
  }
  function session(response: ServerResponse, all: readonly Asked[]): void {
    const last = all.at(-1)?.request;
    const expiration = new Date(Date.now() + broker.lifetime * 1000).toISOString();
    const body: CredentialsAnswer = {
      credentials: {
        access_key_id: `ASIACANARY${all.length}`,
        secret_access_key: CANARY.secretAccessKey,
        session_token: CANARY.sessionToken,
        expiration,
      },
      session: {
        id: `tks-${String(all.length).padStart(24, "a")}`,
        agent: "orders-agent",
        template: last?.template ?? "production-stack-change",
        account: last?.account ?? "111122223333",
        region: "us-east-1",
        role_arn: "arn:aws:iam::111122223333:role/twokey/ai-observer",
        expires_at: expiration,
        duration: broker.lifetime,
        may: "Look around.",
        policy_version: "0".repeat(64),
        audit_entry: all.length,
      },
    };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const broker: FakeBroker = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    escalations,
    lifetime: 3600,
    instead: null,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
  return broker;
}

export function problem(
  response: ServerResponse,
  fields: Pick<Problem, "status" | "code" | "detail"> & Partial<Problem>,
): void {
  const body: Problem = { type: "about:blank", title: "Refused", request_id: "req-1", ...fields };
  response.writeHead(fields.status, { "content-type": "application/problem+json" }).end(JSON.stringify(body));
}

export const REFUSAL = {
  status: 403,
  code: "template_not_open",
  detail: "The template staging-deploy is not open to orders-agent.",
  next: "Ask for one of: observe.",
} as const;

/** Refuses every request from now on, as a policy would. */
export function refuse(broker: FakeBroker): void {
  broker.instead = (response) => {
    problem(response, REFUSAL);
  };
}
