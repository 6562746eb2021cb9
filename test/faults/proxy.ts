/**
 * A TCP proxy that fails once as told: it delays, cuts or half-closes, or lets the request through and swallows the
 * reply, which is what nobody on the client's side can tell from a request that never arrived. Knows no protocol.
 */
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

export type Fault =
  /** Nothing of the request goes on; both connections end. */
  | { readonly kind: "cut" }
  /** The request goes on, the client is told at once that nothing more comes, and the server's answer is dropped. */
  | { readonly kind: "half-close" }
  /** The request goes on once `until` resolves. */
  | { readonly kind: "delay"; readonly until: Promise<void> }
  /** The request goes on and is answered; of the answer the client gets so many bytes. Then the connection ends, or stays. */
  | { readonly kind: "lost-reply"; readonly bytes: number; readonly then: "cut" | "silence" };

export interface Proxy {
  readonly port: number;
  /**
   * Fails the next request that holds `text`. Resolves when it did: where the request goes on, once the server had
   * answered and so had done what it was asked.
   */
  readonly fail: (text: string, fault: Fault) => Promise<void>;
  /** Ends every connection there is; new ones are taken. */
  readonly cutAll: () => void;
  readonly close: () => Promise<void>;
}

interface Armed {
  readonly text: string;
  readonly fault: Fault;
  readonly done: () => void;
}

/** `to`: where the server is, a port or a unix socket. Listens on loopback. */
export async function startProxy(to: NetConnectOpts): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let armed: Armed | null = null;
  const take = (chunk: Buffer): Armed | null => {
    const found = armed !== null && chunk.includes(armed.text) ? armed : null;
    if (found !== null) armed = null;
    return found;
  };
  const server = createServer((client) => {
    const upstream = connect(to);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
    }
    join(client, upstream, take);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    fail: (text, fault) =>
      new Promise((done) => {
        armed = { text, fault, done };
      }),
    cutAll,
    close: () => closeServer(server, cutAll),
  };
}

function closeServer(server: Server, cutAll: () => void): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  cutAll();
  return closed;
}

/** Both ends of one connection. */
interface Ends {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** What becomes of what the server says. */
type Answer = (reply: Buffer) => void;

function join(client: Socket, upstream: Socket, take: (chunk: Buffer) => Armed | null): void {
  let answer: Answer = (reply) => {
    client.write(reply);
  };
  // A server whose reply is waited for is not told that its client has gone.
  let awaited = false;
  client.on("data", (chunk: Buffer) => {
    const armed = take(chunk);
    if (armed === null) {
      upstream.write(chunk);
      return;
    }
    answer = failing(armed, { client, upstream }, chunk) ?? answer;
    awaited = armed.fault.kind === "half-close";
  });
  upstream.on("data", (chunk: Buffer) => {
    answer(chunk);
  });
  client.on("close", () => {
    if (!awaited) upstream.destroy();
  });
  upstream.on("close", () => client.destroy());
}

/** Carries the fault out. Null: answers go on as before. */
function failing({ fault, done }: Armed, { client, upstream }: Ends, request: Buffer): Answer | null {
  switch (fault.kind) {
    case "cut":
      client.destroy();
      done();
      return null;
    case "half-close":
      upstream.write(request);
      client.end();
      return () => {
        upstream.destroy();
        done();
      };
    case "delay":
      void fault.until.then(() => {
        upstream.write(request);
        done();
      });
      return null;
    case "lost-reply":
      upstream.write(request);
      return (reply) => {
        if (fault.bytes > 0) client.write(reply.subarray(0, fault.bytes));
        if (fault.then === "cut") client.end(() => client.destroy());
        done();
      };
  }
}
