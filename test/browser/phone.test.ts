/** The real pages on a phone: nothing scrolls sideways, nothing serious for axe, no violation of their policy. */
import axe from "axe-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium, NO_CHROMIUM } from "../support/chromium.ts";
import { approver, escalate, openPages, type PagesWorld, type Someone } from "./pages-world.ts";

describe.skipIf(NO_CHROMIUM)("on a phone", () => {
  let world: PagesWorld;
  let browser: Browser;
  let person: Someone;
  let escalation: string;
  beforeAll(async () => {
    world = await openPages();
    browser = await launchChromium();
    person = await approver(world, browser, "platform-engineer", { viewport: { width: 375, height: 740 } });
    ({ id: escalation } = await escalate(world));
  });
  afterAll(async () => {
    await browser.close();
    await world.close();
  });

  const PAGES = [
    "/queue",
    "/escalations/:id",
    "/sessions",
    "/policies",
    "/policies/table-repair",
    "/audit",
    "/audit/escalations/:id",
    "/people",
    "/passkeys",
  ];

  test.each(PAGES)("%s", async (path) => {
    const { page } = person;
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    const answer = await page.goto(world.origin + path.replace(":id", escalation));
    expect(answer?.status()).toBe(200);
    expect(answer?.headers()["content-security-policy"]).toMatch(/default-src 'none'/);
    await page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))");
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(375);
    await page.evaluate(axe.source);
    const serious = await page.evaluate<readonly string[]>(
      `axe.run().then(({ violations }) => violations.filter(({ impact }) => /serious|critical/.test(impact))
        .map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).join(" ")))`,
    );
    page.removeAllListeners();
    expect(serious).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("the playground answers its posted form", async () => {
    const { page } = person;
    await page.goto(`${world.origin}/policies/table-repair`);
    await page.fill("[name=parameters]", '{"table":"arn:aws:dynamodb:us-east-1:111122223333:table/orders"}');
    await page.fill("[name=action]", "dynamodb:DeleteTable");
    await page.fill("[name=resource]", "arn:aws:dynamodb:us-east-1:111122223333:table/orders");
    await page.click("text=Ask the evaluator");
    expect(await page.textContent("#answer")).toContain("explicitDeny");
  });
});
