/** Serves drawn pages and the built assets on loopback, under the policy the broker serves them with. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { loadUiAssets } from "../../src/adapters/ui-assets/load.ts";

export const PAGE_CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

export interface ServedViews {
  /** `http://localhost:<port>`: passkeys need a name. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;

/** `other` answers what is no page; false: 404. */
export async function serveViews(
  pages: Readonly<Record<string, () => string>>,
  other: Answer = () => false,
): Promise<ServedViews> {
  const assets = loadUiAssets();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const page = pages[pathname];
    const asset = pathname.startsWith("/assets/") ? assets.get(pathname.slice("/assets/".length)) : undefined;
    if (request.method === "GET" && page !== undefined) {
      response.setHeader("content-security-policy", PAGE_CSP);
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(page());
    } else if (asset !== undefined) {
      response.setHeader("content-type", asset.type);
      response.end(asset.body);
    } else if (!other(request, response)) {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}
