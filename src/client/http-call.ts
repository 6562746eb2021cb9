/**
 * One bounded HTTP exchange. Follows no redirect (a token must go where it was sent and nowhere else), retries
 * nothing, and never puts a header or a body into a fault.
 */
import type { IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import { err, ok, type Result } from "../result.ts";

export interface HttpCall {
  readonly url: URL;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole exchange, body included. */
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export interface CallFault {
  /** `connection_refused`: nothing was sent, so nothing can have happened. The others leave that open. */
  readonly reason: "connection_refused" | "timeout" | "failed";
  /** A code such as `ECONNRESET` or a short text. */
  readonly detail: string;
}

const MAX_BODY_BYTES = 256 * 1024;

export async function call(request: HttpCall): Promise<Result<HttpAnswer, CallFault>> {
  try {
    return ok(await exchange(request));
  } catch (error) {
    return err(faultOf(error));
  }
}

async function exchange({ url, method, headers, body, timeoutMs }: HttpCall): Promise<HttpAnswer> {
  // TLS is loaded only where it is used: credential-process against a warm agent must start fast.
  const { request } = url.protocol === "https:" ? await import("node:https") : await import("node:http");
  // Stated, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in an agent's environment does not switch it off.
  const options: RequestOptions = { method, headers: { ...headers }, agent: false, rejectUnauthorized: true };
  return await new Promise((resolve, reject) => {
    const outgoing = request(url, { ...options, signal: AbortSignal.timeout(timeoutMs) }, (incoming) => {
      readAll(incoming).then((text) => {
        resolve({ status: incoming.statusCode ?? 0, body: text });
      }, reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

async function readAll(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error(`an answer over ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function faultOf(error: unknown): CallFault {
  if (!(error instanceof Error)) return { reason: "failed", detail: "unknown" };
  const code = "code" in error && typeof error.code === "string" ? error.code : error.message;
  if (code === "ECONNREFUSED") return { reason: "connection_refused", detail: code };
  // AbortSignal.timeout is the only signal there is.
  if (error.name === "AbortError" || error.name === "TimeoutError")
    return { reason: "timeout", detail: "timeout" };
  return { reason: "failed", detail: code };
}
