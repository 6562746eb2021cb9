/**
 * The local AWS as a program's own: one HTTP server on loopback, one world in memory. Any host and path are
 * accepted; the signature's scope says which service is meant. Owns the socket, and is the edge where the clock and
 * randomness come in.
 */
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dispatch, type Surroundings } from "./dispatch.ts";
import type { CloudTrailEvent } from "./events.ts";
import { found } from "./found.ts";
import type { LocalAwsOptions } from "./options.ts";
import type { WireResponse } from "./protocols.ts";
import type { WireRequest } from "./sigv4.ts";
import type { Mint } from "./state.ts";

export interface LocalAws {
  /** Binds 127.0.0.1; port 0 (the default) takes a free one. `url` has no trailing slash. */
  listen(port?: number): Promise<{ readonly url: string }>;
  /** Ends open connections too. */
  close(): Promise<void>;
  readonly state: {
    /** CloudTrail's view, oldest first. */
    events(): readonly CloudTrailEvent[];
    /** The same as the text of a CloudTrail log file. */
    cloudTrailFile(): string;
    /** Every session STS issued, oldest first. */
    mints(): readonly Mint[];
  };
}

/** Largest body read. AWS's own limits for what is held here are far below it. */
const MOST_BYTES = 1_048_576;

/** Throws for options that contradict themselves (a policy that does not parse, a role without its policy). */
export function createLocalAws(options: LocalAwsOptions): LocalAws {
  const clock = options.clock ?? ((): Date => new Date());
  const random = options.random ?? ((bytes: number): Buffer => randomBytes(bytes));
  const world = found(options, clock(), random);
  const around: Surroundings = { world, actions: options.actions, clock, random };
  const server = createServer((request, response) => {
    void serve(around, request, response);
  });
  return {
    listen: (port = 0) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, "127.0.0.1", () => {
          server.off("error", reject);
          resolve({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
    state: {
      events: () => [...world.events],
      cloudTrailFile: () => `${JSON.stringify({ Records: world.events }, null, 2)}\n`,
      mints: () => [...world.mints],
    },
  };
}

async function serve(
  around: Surroundings,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let answer: WireResponse;
  try {
    const body = await readBody(request);
    answer = body === null ? TOO_LARGE : dispatch(around, wireRequest(request, body));
  } catch {
    // A bug, or a client that went away. Says nothing of the inside, and must not end the process.
    answer = { status: 500, headers: { "content-type": "text/plain" }, body: "local AWS: internal failure" };
  }
  response.writeHead(answer.status, {
    ...answer.headers,
    // By this AWS's clock, not the machine's: clients correct their own by it.
    date: around.clock().toUTCString(),
    "content-length": Buffer.byteLength(answer.body),
    ...(answer === TOO_LARGE ? { connection: "close" } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : answer.body);
}

const TOO_LARGE: WireResponse = {
  status: 413,
  headers: { "content-type": "text/plain" },
  body: "local AWS: request too large",
};

/** Null past the limit. What is still coming is read and dropped, so that the client gets to see the answer. */
function readBody(request: IncomingMessage): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MOST_BYTES) chunks.push(chunk);
      else resolve(null);
    });
    request.on("end", () => {
      resolve(Buffer.concat(chunks));
    });
    request.on("error", reject);
  });
}

function wireRequest(request: IncomingMessage, body: Buffer): WireRequest {
  const headers = new Map<string, string>();
  const raw = request.rawHeaders;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? "").toLowerCase();
    const value = raw[index + 1] ?? "";
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  const url = request.url ?? "/";
  const mark = url.indexOf("?");
  return {
    method: request.method ?? "GET",
    path: mark === -1 ? url : url.slice(0, mark),
    query: mark === -1 ? "" : url.slice(mark + 1),
    headers,
    body,
    sourceIp: (request.socket.remoteAddress ?? "127.0.0.1").replace(/^::ffff:/, ""),
  };
}
