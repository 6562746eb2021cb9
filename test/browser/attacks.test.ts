/** What an attacker with a browser tries: another's key, the same signature twice, another site's page. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { launchChromium, NO_CHROMIUM } from "../support/chromium.ts";
import { approver, askAs, escalate, openPages, type PagesWorld, type Someone } from "./pages-world.ts";

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A POST by the page's own origin, with its cookie. */
const post = (page: Page, path: string, body: object): Promise<Answer> =>
  page.evaluate<Answer>(`fetch(${JSON.stringify(path)}, {
    method: "POST", headers: { "content-type": "application/json" }, body: ${JSON.stringify(JSON.stringify(body))}
  }).then(async (response) => ({ status: response.status, body: await response.json().catch(() => ({})) }))`);

/** The authenticator's answer to the options, as the page's script would send it. */
const sign = (page: Page, publicKey: unknown): Promise<unknown> =>
  page.evaluate(`navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(${JSON.stringify(publicKey)})
  }).then((credential) => credential.toJSON())`);

describe.skipIf(NO_CHROMIUM)("attacks from a browser", () => {
  let world: PagesWorld;
  let browser: Browser;
  let one: Someone;
  let two: Someone;
  let escalation: string;
  let url: string;
  let digest: unknown;
  beforeAll(async () => {
    world = await openPages();
    browser = await launchChromium();
    one = await approver(world, browser, "platform-engineer");
    two = await approver(world, browser, "security-engineer");
    ({ id: escalation, url } = await escalate(world));
    digest = (await askAs(world, "GET", `/v1/escalations/${escalation}`)).json["digest"];
  });
  beforeEach(async () => {
    await one.page.goto(url);
    await two.page.goto(url);
  });
  afterAll(async () => {
    await browser.close();
    await world.close();
  });

  const options = (page: Page, verdict: "approve" | "deny"): Promise<Answer> =>
    post(page, "/v1/decisions/options", { escalation, digest, verdict });
  /** By the record: the agent's own look at it is limited in how often it may be taken. */
  const approvals = async (): Promise<number | undefined> =>
    (await world.broker.broker.audit.escalations.find(escalation))?.decisions.length;

  test("case 44: the cookie alone, without a fresh passkey, decides nothing", async () => {
    const assertion = {
      id: "AAAA",
      rawId: "AAAA",
      type: "public-key",
      response: {},
      clientExtensionResults: {},
    };
    const answer = await post(one.page, "/v1/decisions", {
      escalation,
      verdict: "approve",
      nonce: "AAAA",
      assertion,
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(await approvals()).toBe(0);
  });

  test("case 47: another approver's key signs nothing for me", async () => {
    const mine = await options(one.page, "approve");
    const theirs = await options(two.page, "approve");
    const assertion = await sign(two.page, {
      ...(mine.body["publicKey"] as object),
      allowCredentials: (theirs.body["publicKey"] as { readonly allowCredentials: unknown }).allowCredentials,
    });
    const { nonce } = mine.body;
    expect(
      (await post(one.page, "/v1/decisions", { escalation, verdict: "approve", nonce, assertion })).status,
    ).toBe(403);
    expect(await approvals()).toBe(0);
  });

  test("case 47: an approval's signature is no denial, nor the other way round", async () => {
    const { body } = await options(one.page, "approve");
    const assertion = await sign(one.page, body["publicKey"]);
    const turned = { escalation, verdict: "deny", nonce: body["nonce"], assertion, reason: "no" };
    expect((await post(one.page, "/v1/decisions", turned)).status).toBe(403);
    expect(await approvals()).toBe(0);
  });

  /** Another port of the same host: the same site, so that the cookie goes along and SameSite stops nothing. */
  const elsewhere = async (html: string): Promise<Page> => {
    const page = await one.page.context().newPage();
    await page.route("http://localhost:9999/", (route) =>
      route.fulfill({ contentType: "text/html", body: `<!doctype html><title>elsewhere</title>${html}` }),
    );
    await page.goto("http://localhost:9999/");
    return page;
  };
  const stillSignedIn = async (): Promise<boolean> => {
    await one.page.goto(url);
    return new URL(one.page.url()).pathname === new URL(url).pathname;
  };

  test.each(["cors", "no-cors"])("case 45: a script of another origin (%s) changes nothing", async (mode) => {
    const page = await elsewhere("");
    const asked = page.waitForRequest(/sign-out$/);
    await page.evaluate(`fetch("${world.origin}/v1/sign-out",
      { method: "POST", mode: "${mode}", credentials: "include", body: "{}" }).catch(() => null)`);
    expect((await (await asked).allHeaders())["cookie"]).toContain("__Host-twokey");
    await page.close();
    expect(await stillSignedIn()).toBe(true);
  });

  test("case 45: a form of another origin is refused", async () => {
    const page = await elsewhere(
      `<form method="post" action="${world.origin}/v1/sign-out" enctype="text/plain"><input name='{"a":"' value='"}'></form>`,
    );
    const answer = page.waitForResponse(/sign-out$/);
    await page.evaluate("document.forms[0].submit()");
    expect((await answer).status()).toBe(403);
    expect(await stillSignedIn()).toBe(true);
  });

  test("case 47: a decision's request sent twice counts once", async () => {
    const { body } = await options(one.page, "approve");
    const assertion = await sign(one.page, body["publicKey"]);
    const request = { escalation, verdict: "approve", nonce: body["nonce"], assertion };
    expect((await post(one.page, "/v1/decisions", request)).status).toBe(200);
    expect((await post(one.page, "/v1/decisions", request)).status).toBeGreaterThanOrEqual(400);
    expect(await approvals()).toBe(1);
  });
});
