/** An answer on its way out, with the headers every answer has and what its line in the log says of it. */
import type { Failure } from "../failure.ts";
import { toProblem, type ProblemReply } from "./problem.ts";

export interface Served {
  readonly response: Response;
  readonly agent: string | null;
  /** Of the problem, where there was one. */
  readonly code: string | null;
  /** The exact one, where an agent was refused. */
  readonly failure?: Failure;
}

export const PLAIN_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const HEADERS: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Content-Security-Policy": PLAIN_CSP,
  "Cache-Control": "no-store",
};

/** To an agent: a 401 says how it authenticates. */
export function agentProblem(reply: ProblemReply, agent: string | null): Served {
  const served = problem(reply);
  if (reply.problem.status === 401) {
    served.response.headers.set("WWW-Authenticate", 'Bearer error="invalid_token"');
  }
  return { ...served, agent };
}

export function problem({ problem, retryAfter }: ProblemReply): Served {
  const headers: Record<string, string> = {
    ...HEADERS,
    "Content-Type": "application/problem+json",
    "X-Request-Id": problem.request_id,
  };
  if (retryAfter !== null) headers["Retry-After"] = String(retryAfter);
  // What is left of an unread body is not worth reading.
  if (problem.status === 413) headers["Connection"] = "close";
  const response = new Response(JSON.stringify(problem), { status: problem.status, headers });
  return { response, agent: null, code: problem.code };
}

export const refusal = (failure: Failure, requestId: string): Served =>
  problem(toProblem(failure, requestId));
