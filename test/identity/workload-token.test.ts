/** Where an agent's workload token comes from when it has no key of its own. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tokenSource, type TokenSourceConfig } from "../../src/client/workload-token.ts";

const AUDIENCE = "https://twokey.example.com";
const TOKEN = "head.body.signature";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "twokey-token-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const source = (over: Partial<TokenSourceConfig>) =>
  tokenSource({ agentKey: null, tokenFile: null, audience: AUDIENCE, env: {}, ...over });

test("a token file is read again for each request, a trailing newline ignored", async () => {
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, `${TOKEN}\n`);
  const next = source({ tokenFile });
  expect(await next()).toEqual({ ok: true, value: TOKEN });
  writeFileSync(tokenFile, "a.b.c");
  expect(await next()).toEqual({ ok: true, value: "a.b.c" });
  rmSync(tokenFile);
  expect(await next()).toMatchObject({ ok: false, error: expect.stringContaining("ENOENT") as string });
});

test("text that is no token is refused and not repeated", async () => {
  for (const text of ["canary", "a.b", "a.b.c.d", "a.b.c\r\nx: canary", "a.b.ü", "."]) {
    const token = await source({ env: { TWOKEY_TOKEN: text } })();
    expect(token).toMatchObject({ ok: false });
    expect(JSON.stringify(token)).not.toContain("canary");
  }
});

test("TWOKEY_TOKEN is used as it stands", async () => {
  expect(await source({ env: { TWOKEY_TOKEN: TOKEN } })()).toEqual({ ok: true, value: TOKEN });
});

test("two sources at once are refused by name, and none says what to set", async () => {
  const both = await source({ tokenFile: join(folder, "t"), env: { TWOKEY_TOKEN: TOKEN } })();
  expect(both).toMatchObject({
    ok: false,
    error: expect.stringMatching(/TWOKEY_TOKEN_FILE and TWOKEY_TOKEN/) as string,
  });
  expect(await source({})()).toMatchObject({
    ok: false,
    error: expect.stringMatching(/TWOKEY_AGENT_KEY/) as string,
  });
});

describe("in GitHub Actions", () => {
  let server: Server;
  let url: string;
  let asked: { path: string; authorization: string | undefined }[];
  let answer: { status: number; body: string; location?: string };

  beforeEach(async () => {
    asked = [];
    answer = { status: 200, body: JSON.stringify({ value: TOKEN }) };
    server = createServer((request, response) => {
      asked.push({ path: request.url ?? "", authorization: request.headers.authorization });
      const { location } = answer;
      response.writeHead(answer.status, location === undefined ? {} : { location }).end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const job = (over: Record<string, string> = {}) =>
    source({
      env: {
        ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/t?v=2`,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: "canary",
        ...over,
      },
    });

  test("a token for the broker's audience is asked for", async () => {
    expect(await job()()).toEqual({ ok: true, value: TOKEN });
    expect(await job({ TWOKEY_AUDIENCE: "urn:twokey" })()).toMatchObject({ ok: true });
    expect(asked).toEqual([
      { path: "/t?v=2&audience=https%3A%2F%2Ftwokey.example.com", authorization: "Bearer canary" },
      { path: "/t?v=2&audience=urn%3Atwokey", authorization: "Bearer canary" },
    ]);
  });

  test("a refusal, nonsense and a redirect are sentences that hold no secret", async () => {
    const answers = [
      { status: 403, body: "{}" },
      { status: 200, body: "<html>" },
      { status: 200, body: `{"value":7}` },
      { status: 302, body: "", location: "/elsewhere" },
    ];
    for (answer of answers) {
      const token = await job()();
      expect(token).toMatchObject({ ok: false });
      expect(JSON.stringify(token)).not.toContain("canary");
    }
    expect(asked.map(({ path }) => path)).not.toContain("/elsewhere");
  });

  test("the job's token is not sent in the clear", async () => {
    expect(await job({ ACTIONS_ID_TOKEN_REQUEST_URL: "http://token.example.com/" })()).toMatchObject({
      ok: false,
      error: expect.stringMatching(/not an https URL/) as string,
    });
  });
});
