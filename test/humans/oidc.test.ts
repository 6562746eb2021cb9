/** Sign-in by OIDC against a real provider (oidc-provider) on loopback: the whole dance of redirects. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Provider } from "oidc-provider";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOidcLogin } from "../../src/adapters/oidc/login.ts";
import { Secret } from "../../src/session/credentials.ts";
import { Browser, editPolicy, startWorld, type World } from "./world.ts";

const CLIENT_SECRET = "CANARYoidcclientsecret0123456789";
const REDIRECT = "https://twokey.example.com/sign-in/callback";

let provider: Server;
let issuer: string;
let world: World;

beforeAll(async () => {
  provider = createServer();
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  world = await startWorld((config) => ({
    ...config,
    dangerouslyAllowLoopbackHttpIssuers: true,
    oidc: {
      issuer,
      clientId: "twokey",
      clientSecret: new Secret(CLIENT_SECRET),
      groupsClaim: "groups",
      label: "Sign in with Example",
    },
  }));
  const oidc = new Provider(issuer, {
    clients: [
      {
        client_id: "twokey",
        client_secret: CLIENT_SECRET,
        redirect_uris: [`${world.origin}/sign-in/callback`, REDIRECT],
      },
    ],
    claims: { openid: ["sub", "groups"] },
    conformIdTokenClaims: false,
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({ sub, groups: sub === "orders-lead" ? ["release-managers"] : "not-a-list-of-names!" }),
    }),
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
    cookies: { keys: ["test"] },
  });
  const handle = oidc.callback();
  provider.on("request", (request, response) => void handle(request, response));
  await editPolicy(world, "people.yaml", (text) => text.replaceAll("https://login.example.com", issuer));
});
afterAll(async () => {
  await world.close();
  provider.closeAllConnections();
  await new Promise((resolve) => provider.close(resolve));
});

/** Signs `subject` in at the provider and answers the callback address it sends the browser to. */
async function atProvider(start: string, subject: string): Promise<string> {
  const jar = new Map<string, string>();
  let url = new URL(start);
  let form: URLSearchParams | null = null;
  for (let step = 0; step < 12; step += 1) {
    const response: Response = await fetch(url, {
      method: form === null ? "GET" : "POST",
      redirect: "manual",
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form !== null && { body: form }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    form = null;
    const location = response.headers.get("location");
    if (location !== null) {
      url = new URL(location, url);
      if (!url.href.startsWith(issuer)) return url.href;
      continue;
    }
    const page = await response.text();
    const [, action = ""] = /action="([^"]+)"/.exec(page) ?? [];
    const [, prompt = ""] = /name="prompt" value="([^"]+)"/.exec(page) ?? [];
    url = new URL(action, url);
    form = new URLSearchParams(prompt === "login" ? { prompt, login: subject, password: "x" } : { prompt });
  }
  throw new Error("the provider never came back");
}

async function callbackOf(browser: Browser, subject: string, next = "/sessions"): Promise<string> {
  const started = await browser.get(`/sign-in/oidc?${new URLSearchParams({ next }).toString()}`);
  const callback = new URL(await atProvider(started.headers.location ?? "", subject));
  return callback.pathname + callback.search;
}

describe("sign-in by OIDC", () => {
  test("the button has the configured words", async () => {
    expect((await new Browser(world).get("/sign-in")).text).toContain("Sign in with Example");
  });

  test("signs in whoever is one person of people.yaml, and goes on where they wanted to be", async () => {
    const browser = new Browser(world);
    const back = await browser.get(await callbackOf(browser, "orders-lead"));
    expect([back.status, back.headers.location]).toEqual([302, "/sessions"]);
    expect((await browser.get("/sessions")).status).toBe(200);
    expect([...browser.cookies.keys()]).toEqual(["__Host-twokey"]);
    const memberships = await world.broker.audit.humans.memberships();
    expect(memberships).toEqual([
      { account: { issuer, subject: "orders-lead" }, groups: ["release-managers"] },
    ]);
  });

  test("signs in nobody else", async () => {
    const browser = new Browser(world);
    const back = await browser.get(await callbackOf(browser, "a-stranger"));
    expect(back.status).toBe(403);
    expect(browser.cookies.has("__Host-twokey")).toBe(false);
  });

  test("a callback of another state is refused", async () => {
    const browser = new Browser(world);
    const callback = await callbackOf(browser, "orders-lead");
    const forged = callback.replace(/state=[^&]+/, "state=forged");
    expect((await browser.get(forged)).status).toBe(403);
  });

  test("a replayed callback is refused", async () => {
    const browser = new Browser(world);
    const callback = await callbackOf(browser, "orders-lead");
    const cookies = new Map(browser.cookies);
    expect((await browser.get(callback)).status).toBe(302);
    const again = new Browser(world);
    again.cookies = cookies;
    expect((await again.get(callback)).status).toBe(403);
  });

  test("a callback in another browser than the one that asked is refused", async () => {
    const callback = await callbackOf(new Browser(world), "orders-lead");
    const victim = new Browser(world);
    expect((await victim.get(callback)).status).toBe(403);
    // A login of its own under way makes no difference.
    await victim.get("/sign-in/oidc");
    expect((await victim.get(callback)).status).toBe(403);
    expect(victim.cookies.has("__Host-twokey")).toBe(false);
  });

  test("leads to no other site afterwards", async () => {
    const browser = new Browser(world);
    const back = await browser.get(await callbackOf(browser, "orders-lead", "//evil.example"));
    expect(back.headers.location).toBe("/queue");
  });

  test("enrols no passkey by itself", async () => {
    const browser = new Browser(world);
    await browser.get(await callbackOf(browser, "orders-lead"));
    expect((await browser.enrol()).json["code"]).toBe("passkey_refused");
  });

  test("leaves the client's secret in no log and no entry", async () => {
    const entries = await world.broker.audit.entries({ from: 0, limit: 1000 });
    expect(world.log.join("") + JSON.stringify(entries)).not.toContain("CANARY");
  });
});

describe("the adapter", () => {
  const login = (changes: Partial<Parameters<typeof createOidcLogin>[0]> = {}) =>
    createOidcLogin({
      issuer,
      clientId: "twokey",
      clientSecret: new Secret(CLIENT_SECRET),
      groupsClaim: "groups",
      label: "",
      dangerouslyAllowLoopbackHttpIssuers: true,
      ...changes,
    });

  test("asks with PKCE, state and nonce", async () => {
    const { url, state } = await login().start(REDIRECT);
    const query = Object.fromEntries(new URL(url).searchParams);
    expect(query).toMatchObject({
      response_type: "code",
      code_challenge_method: "S256",
      redirect_uri: REDIRECT,
      state,
    });
    expect(query["nonce"]).toMatch(/^[\w-]{43}$/);
  });

  test("answers the account, and the groups where the claim lists names", async () => {
    const adapter = login();
    const started = await adapter.start(REDIRECT);
    const answer = await adapter.finish(await atProvider(started.url, "orders-lead"), started.login);
    expect(answer).toEqual({
      ok: true,
      value: { issuer, subject: "orders-lead", groups: ["release-managers"] },
    });
  });

  test.each(["nonce", "state", "verifier"])("refuses an answer to another %s", async (field) => {
    const adapter = login();
    const started = await adapter.start(REDIRECT);
    const callback = await atProvider(started.url, "orders-lead");
    const kept = { ...(JSON.parse(started.login) as Record<string, string>), [field]: "x".repeat(43) };
    expect((await adapter.finish(callback, JSON.stringify(kept))).ok).toBe(false);
  });

  test("refuses a provider's error, and keeps its free text out of the reason", async () => {
    const adapter = login();
    const { login: kept, state } = await adapter.start(REDIRECT);
    const callback = `${REDIRECT}?error=access_denied&error_description=CANARY&state=${state}&iss=${encodeURIComponent(issuer)}`;
    const answer = await adapter.finish(callback, kept);
    expect(answer).toEqual({ ok: false, error: "oidc: the provider answered access_denied" });
  });

  test("takes no plain issuer without the dangerous flag, and no other issuer than its own", async () => {
    await expect(login({ dangerouslyAllowLoopbackHttpIssuers: false }).start(REDIRECT)).rejects.toThrow();
    await expect(login({ issuer: `${issuer}/` }).start(REDIRECT)).rejects.toThrow();
  });
});
