/** How pages, their files and the event stream are served. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PAGE_ROUTES } from "../../src/http/page-routes.ts";
import { send } from "../support/test-broker.ts";
import { anEscalation, Browser, firstAdministrator, invited, startWorld, type World } from "./world.ts";

let world: World;
let administrator: Browser;

beforeAll(async () => {
  world = await startWorld();
  administrator = await firstAdministrator(world);
});
afterAll(() => world.close());

const pathOf = (path: string): string =>
  path.replace(":id", "esc-aaaaaaaaaaaaaaaaaaaaaaaa").replace(":template", "observe");

describe("a page", () => {
  test("is for people who are signed in: others are sent to sign in and back", async () => {
    const before = await world.broker.audit.size();
    for (const { path, method } of PAGE_ROUTES) {
      const reply = await send(world.url, method, pathOf(path), { origin: world.origin });
      const expected =
        method === "GET" ? [302, `/sign-in?next=${encodeURIComponent(pathOf(path))}`] : [401, undefined];
      expect([reply.status, reply.headers.location]).toEqual(expected);
    }
    expect((await send(world.url, "GET", "/")).headers.location).toBe("/queue");
    // Whoever comes for the first time was refused nothing; the one POST was.
    expect(await world.broker.audit.size()).toBe(before + 1);
  });

  test("forbids every script, style, frame and form but the site's own", async () => {
    const reply = await administrator.get("/queue");
    expect(reply.headers["content-security-policy"]).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
    expect(reply.headers).toMatchObject({
      "cache-control": "no-store",
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
    });
    expect(reply.headers["x-request-id"]).toMatch(/^req-/);
  });

  test("that is not there is told in words, with the request's id", async () => {
    const reply = await administrator.get("/escalations/esc-aaaaaaaaaaaaaaaaaaaaaaaa");
    expect([reply.status, reply.headers["content-type"]]).toEqual([404, "text/html; charset=utf-8"]);
    expect(reply.text).toContain(String(reply.headers["x-request-id"]));
  });

  test("has its line in the log, and no cookie is in it", () => {
    const log = world.log.join("");
    expect(log).toContain('"route":"GET /queue"');
    for (const value of administrator.cookies.values()) expect(log).not.toContain(value);
  });

  test("with two cookies of our name is nobody's", async () => {
    const [[name, value] = []] = administrator.cookies;
    const cookie = `${name ?? ""}=${value ?? ""}; ${name ?? ""}=other`;
    expect((await send(world.url, "GET", "/queue", { cookie })).status).toBe(302);
  });
});

describe("a page's file", () => {
  test("is public, and is not sent again to whoever has it", async () => {
    const first = await send(world.url, "GET", "/assets/twokey.js");
    expect([first.status, first.headers["content-type"]]).toEqual([200, "text/javascript; charset=utf-8"]);
    const again = await send(world.url, "GET", "/assets/twokey.js", { "if-none-match": first.headers.etag });
    expect([again.status, again.text]).toEqual([304, ""]);
  });

  test.each(["/assets/", "/assets/package.json", "/assets/..%2f..%2fpackage.json", "/assets/__proto__"])(
    "%s is none",
    async (path) => {
      expect((await send(world.url, "GET", path)).status).toBe(404);
    },
  );
});

describe("the event stream", () => {
  async function open(browser: Browser) {
    const gone = new AbortController();
    const headers = { cookie: browser.cookie };
    const response = await fetch(`${world.url}/events`, { headers, signal: gone.signal });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const until = async (wanted: string): Promise<string> => {
      let text = "";
      for (;;) {
        const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
        text += value ?? "";
        if (done || text.includes(wanted)) return text;
      }
    };
    return {
      response,
      until,
      close: () => {
        gone.abort();
      },
    };
  }

  test("is for people who are signed in", async () => {
    expect((await send(world.url, "GET", "/events")).status).toBe(401);
  });

  test("tells that the record changed, and nothing of what", async () => {
    const stream = await open(administrator);
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
    await stream.until("retry");
    const { id } = await anEscalation(world);
    const text = await stream.until("event: changed");
    expect(text).toContain("event: changed\ndata: {}\n\n");
    expect(text).not.toContain(id);
    stream.close();
  });

  test("ends when the sign-in does", async () => {
    const browser = new Browser(world, administrator.passkey);
    await browser.signIn();
    const stream = await open(browser);
    await stream.until("retry");
    await browser.post("/v1/sign-out", {});
    await stream.until("no such text: read to the end");
  });

  test("is open five times at once for one sign-in, and once more when one is closed", async () => {
    const browser = await invited(administrator, "security-engineer");
    const streams = [];
    for (let count = 0; count < 5; count += 1) streams.push(await open(browser));
    for (const stream of streams) expect(stream.response.status).toBe(200);
    const sixth = await open(browser);
    expect(sixth.response.status).toBe(429);
    // Its end is noticed: signing out ends all five.
    await browser.post("/v1/sign-out", {});
    for (const stream of streams) await stream.until("no such text: read to the end");
    await browser.signIn();
    const next = await open(browser);
    expect(next.response.status).toBe(200);
    next.close();
  });

  test("ends when the broker stops, which waits for nobody", async () => {
    const other = await startWorld();
    const browser = await firstAdministrator(other);
    const response = await fetch(`${other.url}/events`, { headers: { cookie: browser.cookie } });
    const [text] = await Promise.all([response.text(), other.close()]);
    expect(text).toContain("retry");
  });
});
