/**
 * The socket the app is served on: opened with bounds on slow clients, closed without cutting answers off. Knows no
 * route.
 */
import { createAdaptorServer } from "@hono/node-server";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { App } from "./app.ts";

// A client that trickles its request holds a socket, not the broker: headers in 10 s, all of it in 30.
const SERVER_OPTIONS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16 * 1024,
};

/** Port 0 takes a free one. Rejects when the address cannot be had. */
export async function listen(
  app: App,
  address: { readonly host: string; readonly port: number },
): Promise<Server> {
  const fetch = app.fetch as Parameters<typeof createAdaptorServer>[0]["fetch"];
  const server = createAdaptorServer({ fetch, serverOptions: SERVER_OPTIONS }) as Server;
  const { host, port } = address;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return server;
}

export function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

// Answers are given with `Connection: close`; this is for a client that does not take its answer off the wire.
const FLUSH_MS = 1_000;

export async function closeServer(server: Server, options: { readonly flush: boolean }): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  server.closeIdleConnections();
  if (!(await within(closed, options.flush ? FLUSH_MS : 0))) server.closeAllConnections();
  await closed;
}

/** Whether the work ended in time; it is not stopped. */
export async function within(work: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => {
      resolve(false);
    }, ms);
  });
  const finished = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return finished;
}
