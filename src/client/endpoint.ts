/**
 * The loopback endpoint that AWS SDKs read through AWS_CONTAINER_CREDENTIALS_FULL_URI. Listens on 127.0.0.1
 * only and answers nobody without its token. Must never answer a browser: a Host header that is not loopback
 * means DNS rebinding, and there is no CORS. Logs nothing.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { IssuedSession } from "./broker.ts";
import type { SessionCache } from "./cache.ts";
import { paragraph, type Refusal } from "./refusal.ts";

export interface Endpoint {
  /** What AWS_CONTAINER_CREDENTIALS_FULL_URI is set to. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
}

const PATH = "/credentials";

export async function startEndpoint(options: {
  readonly sessions: SessionCache;
  /** Compared with the whole Authorization header: SDKs add no `Bearer `. */
  readonly token: string;
  /** 0 takes a free one. */
  readonly port: number;
}): Promise<Endpoint> {
  const expected = sha256(options.token);
  const server = createServer((request, response) => {
    answer(request, expected, options.sessions).then(
      (given) => {
        send(response, given);
      },
      () => {
        send(response, refusal(500, "client_failed", "Twokey's loopback endpoint failed."));
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${PATH}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, expected: Buffer, sessions: SessionCache): Promise<Answer> {
  if (!loopbackHost(request))
    return refusal(403, "host_refused", "The Host header is not this loopback endpoint.");
  if (!timingSafeEqual(sha256(request.headers.authorization ?? ""), expected))
    return refusal(
      401,
      "wrong_loopback_token",
      "Send the content of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE as Authorization.",
    );
  if (request.url !== PATH) return refusal(404, "not_found", `Only ${PATH} is served here.`);
  if (request.method !== "GET") return refusal(405, "method_not_allowed", "Only GET is served here.");
  const session = await sessions.get();
  return session.ok ? { status: 200, body: credentialsBody(session.value) } : refusalBody(session.error);
}

/** An attacker's page reaches 127.0.0.1 by a name of its own; a literal cannot be rebound. */
function loopbackHost(request: IncomingMessage): boolean {
  const port = String(request.socket.localPort);
  return request.headers.host === `127.0.0.1:${port}` || request.headers.host === `localhost:${port}`;
}

/** Hashed first, so that the comparison takes the same time whatever length was sent. */
function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function credentialsBody(issued: IssuedSession): Answer["body"] {
  const { secretAccessKey, sessionToken } = issued.reveal();
  return {
    AccessKeyId: issued.accessKeyId,
    SecretAccessKey: secretAccessKey,
    Token: sessionToken,
    Expiration: rfc3339(issued.expiration),
  };
}

/** Whole seconds and a Z: the one form every SDK's parser takes. */
export function rfc3339(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

/** SDKs do not retry a 4xx and do retry a 5xx, which is what the two kinds mean. */
function refusalBody(reason: Refusal): Answer {
  return refusal(reason.kind === "refused" ? 403 : 503, reason.code, paragraph(reason));
}

/** Some SDKs read `code` and `message`, some `Code` and `Message`. */
function refusal(status: number, code: string, message: string): Answer {
  return { status, body: { code, message, Code: code, Message: message } };
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "cache-control": "no-store",
    ...(status === 405 ? { allow: "GET" } : {}),
  });
  response.end(JSON.stringify(body));
}
