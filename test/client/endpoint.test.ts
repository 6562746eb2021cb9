import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SessionCache } from "../../src/client/cache.ts";
import { startEndpoint, type Endpoint } from "../../src/client/endpoint.ts";
import type { Refusal } from "../../src/client/refusal.ts";
import { err, ok } from "../../src/result.ts";

const TOKEN = "the-loopback-token";
const issued = ok({
  accessKeyId: "ASIAEXAMPLE",
  expiration: new Date("2026-01-01T00:15:00.123Z"),
  session: { id: "tks-a", template: "observe", account: "111122223333", region: "us-east-1", may: "" },
  reveal: () => ({ secretAccessKey: "secret", sessionToken: "token" }),
});

let current: Awaited<ReturnType<SessionCache["get"]>> = issued;
let endpoint: Endpoint;
beforeEach(async () => {
  current = issued;
  endpoint = await startEndpoint({ sessions: { get: async () => current }, token: TOKEN, port: 0 });
});
afterEach(() => endpoint.close());

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function get(headers: Record<string, string> = {}, method = "GET", path?: string): Promise<Got> {
  const url = path === undefined ? new URL(endpoint.url) : new URL(path, endpoint.url);
  return await new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      url,
      { method, headers: { authorization: TOKEN, ...headers } },
      (incoming) => {
        let body = "";
        incoming.on("data", (chunk: Buffer) => (body += chunk.toString()));
        incoming.on("end", () => {
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}

describe("the loopback endpoint", () => {
  test("it answers with exactly the four fields SDKs read, and forbids keeping them", async () => {
    const { status, headers, body } = await get();
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      AccessKeyId: "ASIAEXAMPLE",
      SecretAccessKey: "secret",
      Token: "token",
      Expiration: "2026-01-01T00:15:00Z",
    });
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["access-control-allow-origin"]).toBeUndefined();
  });

  test.each([
    ["none", { authorization: "" }],
    ["another", { authorization: "the-loopback-tokem" }],
    ["with Bearer before it", { authorization: `Bearer ${TOKEN}` }],
    ["its beginning", { authorization: TOKEN.slice(0, -1) }],
  ])("a token that is %s is answered 401, whatever is asked", async (_name, headers) => {
    for (const [method, path] of [
      ["GET", "/credentials"],
      ["POST", "/credentials"],
      ["GET", "/other"],
    ] as const) {
      const { status, body } = await get(headers, method, path);
      expect(status).toBe(401);
      expect(body).not.toContain("secret");
    }
  });

  test.each(["attacker.example.com", "127.0.0.1", "127.0.0.1:1", "localhost.attacker.example.com"])(
    "Host %s is refused, token or not: a browser page that rebinds its name gets nothing",
    async (host) => {
      const { status, body } = await get({ host });
      expect(status).toBe(403);
      expect(body).not.toContain("secret");
    },
  );

  test("localhost with the port is a loopback name", async () => {
    expect((await get({ host: `localhost:${new URL(endpoint.url).port}` })).status).toBe(200);
  });

  test("only GET is served, and only /credentials", async () => {
    for (const method of ["POST", "PUT", "HEAD", "OPTIONS", "DELETE"])
      expect((await get({}, method)).status).toBe(405);
    expect((await get({}, "GET", "/")).status).toBe(404);
    expect((await get({}, "GET", "/credentials/../credentials?x")).status).toBe(404);
  });

  test.each([
    ["refused", 403],
    ["unavailable", 503],
  ] as const)(
    "%s is answered %d in both spellings, with the reason and the next step",
    async (kind, status) => {
      const refusal: Refusal = {
        kind,
        code: "template_not_open",
        detail: "Not open to you.",
        next: "Ask for observe.",
      };
      current = err(refusal);
      const got = await get();
      expect(got.status).toBe(status);
      const message = "twokey: Not open to you. (template_not_open) Next: Ask for observe.";
      expect(JSON.parse(got.body)).toEqual({
        code: "template_not_open",
        Code: "template_not_open",
        message,
        Message: message,
      });
    },
  );

  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address !== undefined && !address.internal && address.family === "IPv4");
  test.skipIf(outside === undefined)("it cannot be reached by the machine's own address", async () => {
    const reached = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(endpoint.url).port), outside?.address ?? "");
      socket.once("connect", () => {
        socket.destroy();
        resolve("connected");
      });
      socket.once("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code ?? "failed");
      });
    });
    expect(reached).toBe("ECONNREFUSED");
  });
});
