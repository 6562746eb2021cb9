/**
 * The pages in a real browser, under the policy they are served with: accessible in both schemes and on a phone,
 * reachable by keyboard, without a violation.
 */
import axe from "axe-core";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium, NO_CHROMIUM } from "../support/chromium.ts";
import { EVERY_PAGE } from "./every-page.ts";
import { serveViews, type ServedViews } from "./serve-views.ts";

const PATHS = Object.keys(EVERY_PAGE);
const LOOKS = [
  { name: "light", width: 1280, colorScheme: "light" },
  { name: "dark", width: 1280, colorScheme: "dark" },
  { name: "phone", width: 375, colorScheme: "light" },
] as const;

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly string[];
}

describe.skipIf(NO_CHROMIUM)("in Chromium", () => {
  let browser: Browser;
  let views: ServedViews;
  beforeAll(async () => {
    views = await serveViews(EVERY_PAGE);
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await views.close();
  });

  /** Everything opened, so that nothing escapes the check by being folded. */
  const openAll = (page: Page): Promise<unknown> =>
    page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))");

  describe.each(LOOKS)("$name", ({ width, colorScheme }) => {
    let page: Page;
    beforeAll(async () => {
      const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
      page = await context.newPage();
    });
    afterAll(() => page.context().close());

    test.each(PATHS)(
      "%s: axe finds nothing serious, the policy is kept, nothing scrolls sideways",
      async (path) => {
        const complaints: string[] = [];
        page.on("console", (message) => {
          if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
        });
        page.on("pageerror", (error) => complaints.push(error.message));
        await page.goto(views.url + path);
        await openAll(page);
        await page.evaluate(axe.source);
        const found = await page.evaluate<readonly Finding[]>(
          `axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) =>
          ({ id, impact, nodes: nodes.map(({ html, failureSummary }) => html + " " + failureSummary) })))`,
        );
        const overflow = await page.evaluate<number>(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        page.removeAllListeners();
        expect(found.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
        expect(complaints).toEqual([]);
        expect(overflow).toBeLessThanOrEqual(0);
      },
    );
  });

  test("the page's own script runs under the policy: it makes the buttons work", async () => {
    const page = await browser.newPage();
    await page.goto(`${views.url}/escalations/pending`);
    await page.waitForSelector("#approve:enabled");
    await page.close();
  });

  test("without script the page can be read, and nothing can be pressed", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${views.url}/escalations/pending`);
    expect(await page.locator("h1").textContent()).toContain("Execute one prepared change set");
    expect(await page.locator("button:enabled").count()).toBe(0);
    await context.close();
  });

  test.each(["/queue", "/escalations/pending", "/policies/one", "/audit", "/people"])(
    "%s: the keyboard reaches everything that can be used, and shows where it is",
    async (path) => {
      const page = await browser.newPage();
      await page.goto(views.url + path);
      await page.waitForSelector("button:enabled");
      const wanted = await page.evaluate<number>(
        `[...document.querySelectorAll("a[href], button:enabled, input, textarea, select, summary, pre[tabindex]")]
          .filter((element) => element.checkVisibility({ visibilityProperty: true })).length`,
      );
      const reached = new Set<number>();
      for (let presses = 0; presses <= wanted; presses += 1) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate<{ readonly place: number; readonly shown: boolean }>(`(() => {
          const element = document.activeElement;
          const { outlineStyle, boxShadow } = getComputedStyle(element);
          return {
            place: [...document.querySelectorAll("*")].indexOf(element),
            shown: element === document.body || outlineStyle !== "none" || boxShadow !== "none",
          };
        })()`);
        expect(at.shown).toBe(true);
        if (at.place > 0) reached.add(at.place);
      }
      // The body itself counts where the tab order wraps around.
      expect(reached.size).toBeGreaterThanOrEqual(wanted);
      await page.close();
    },
  );

  const folder = process.env["TWOKEY_SCREENSHOTS"];
  if (folder !== undefined) {
    test("the README's pictures, into the folder TWOKEY_SCREENSHOTS names", async () => {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      for (const [path, name] of [
        ["/queue", "queue"],
        ["/escalations/pending", "escalation"],
      ] as const) {
        await page.goto(views.url + path);
        await page.waitForSelector("button:enabled");
        await page.screenshot({ path: join(folder, `${name}.png`) });
      }
      await page.close();
    });
  }

  test("the skip link goes past the navigation", async () => {
    const page = await browser.newPage();
    await page.goto(`${views.url}/queue`);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("main");
    await page.close();
  });
});
