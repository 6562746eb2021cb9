/** A page that is open while the record changes: it follows, and leaves the reader what they were doing. */
import type { ServerResponse } from "node:http";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { escalationPage } from "../../src/ui/escalation-page.tsx";
import type { EscalationData } from "../../src/ui/page-data.ts";
import { launchChromium, NO_CHROMIUM } from "../support/chromium.ts";
import { escalation, frame, NOW } from "./page-fixtures.ts";
import { serveViews, type ServedViews } from "./serve-views.ts";

describe.skipIf(NO_CHROMIUM)("a live page", () => {
  let browser: Browser;
  let views: ServedViews;
  let shown: Partial<EscalationData>;
  let refusal: string;
  const followers = new Set<ServerResponse>();

  beforeAll(async () => {
    views = await serveViews(
      { "/escalations/one": () => escalationPage(escalation(shown), frame()) },
      (request, response) => {
        if (request.url === "/events") {
          response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
          followers.add(response);
          request.on("close", () => followers.delete(response));
          return true;
        }
        if (request.method !== "POST") return false;
        response.writeHead(403, { "content-type": "application/problem+json" });
        response.end(JSON.stringify({ title: "Refused", detail: refusal }));
        return true;
      },
    );
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await views.close();
  });
  beforeEach(() => {
    shown = {};
    refusal = "";
  });

  const changed = (): void => {
    for (const follower of followers) follower.write("event: changed\ndata: {}\n\n");
  };
  const open = async (): Promise<Page> => {
    const page = await browser.newPage();
    const following = page.waitForResponse(/\/events$/);
    await page.goto(`${views.url}/escalations/one`);
    await following;
    return page;
  };

  test("a change reaches it without a reload, and keeps the typed reason, the open details and the focus", async () => {
    const page = await open();
    await page.fill("#reason", "The table would be replaced");
    await page.click("#policy summary");
    await page.focus("#reason");
    shown = { decisions: [] };
    changed();
    await page.waitForSelector(".standing:has-text('Waiting: 0 of 2 approvals')");
    expect(await page.inputValue("#reason")).toBe("The table would be replaced");
    expect(await page.evaluate("document.querySelector('#policy').open")).toBe(true);
    expect(await page.evaluate("document.activeElement.id")).toBe("reason");
    await page.waitForSelector("#deny:enabled");
    await page.focus("#policy summary");
    shown = {};
    changed();
    await page.waitForSelector(".standing:has-text('Waiting: 1 of 2 approvals')");
    expect(await page.evaluate("document.activeElement.parentElement.id")).toBe("policy");
    await page.close();
  });

  test("a screen reader is told what changed", async () => {
    const page = await open();
    shown = { state: "denied" };
    changed();
    await page.waitForSelector("#said:has-text('Denied: it can never be used')");
    expect(await page.getAttribute("#said", "aria-live")).toBe("polite");
    await page.close();
  });

  test("when its time is over it becomes expired by itself, and the buttons go", async () => {
    shown = { expiresAt: new Date(NOW.getTime() + 1500) };
    const page = await open();
    await page.waitForSelector("#approve:enabled");
    shown = { expiresAt: NOW };
    await page.waitForSelector(".standing:has-text('Expired with 1 of 2 approvals')");
    expect(await page.locator("#approve, #deny").count()).toBe(0);
    await page.close();
  });

  test("a refusal is told at once, in the broker's words, as text", async () => {
    const page = await open();
    refusal = "Somebody else denied it. <b>Nothing</b> was changed.";
    await page.click("#approve:enabled");
    await page.waitForSelector("#wrong:has-text('Somebody else denied it. <b>Nothing</b> was changed.')");
    expect(await page.getAttribute("#wrong", "role")).toBe("alert");
    await page.close();
  });

  test("a denial without a reason is not even sent", async () => {
    const page = await open();
    await page.waitForSelector("#deny:enabled");
    await page.click("#deny");
    expect(await page.evaluate("document.querySelector('#reason').validity.valueMissing")).toBe(true);
    expect(await page.textContent("#wrong")).toBe("");
    await page.close();
  });
});
