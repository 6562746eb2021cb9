/** The kill switch by the pages' own buttons, in real browsers with virtual authenticators. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium, NO_CHROMIUM } from "../support/chromium.ts";
import { approver, askAs, openPages, type PagesWorld, type Someone } from "./pages-world.ts";

describe.skipIf(NO_CHROMIUM)("the page of sessions", () => {
  let world: PagesWorld;
  let browser: Browser;
  let platform: Someone;
  let security: Someone;
  let owner: Someone;
  beforeAll(async () => {
    // Nothing listens where AWS should be: the page must say so.
    world = await openPages((config) => ({ ...config, awsEndpoint: "http://127.0.0.1:1" }));
    browser = await launchChromium();
    platform = await approver(world, browser, "platform-engineer");
    security = await approver(world, browser, "security-engineer");
    // On a phone.
    owner = await approver(world, browser, "orders-lead", { viewport: { width: 375, height: 740 } });
  });
  afterAll(async () => {
    await browser.close();
    await world.close();
  });

  const mint = async () => {
    const reply = await askAs(world, "POST", "/v1/credentials", {
      template: "observe",
      task: { intent: "observe", summary: "look at the stacks" },
    });
    return {
      code: reply.json["code"],
      id: (reply.json["session"] as { readonly id: string } | undefined)?.id,
    };
  };
  const open = async ({ page }: Someone, folded: string): Promise<void> => {
    await page.goto(`${world.origin}/sessions`);
    await page.click(`#${folded} > summary`);
  };
  const freeze = async (who: Someone, folded: string, reason: string): Promise<void> => {
    await who.page.fill(`#reason-of-${folded}`, reason);
    await who.page.click(`#${folded} button:enabled`);
    await who.page.waitForSelector("#said:has-text('Frozen: ')");
  };
  const thaw = async (who: Someone, button: string, words: string): Promise<void> => {
    await who.page.goto(`${world.origin}/sessions`);
    await who.page.click(`#${button}:enabled`);
    await who.page.waitForSelector(`#said:has-text('${words}')`);
  };

  test("freezes a session from a phone with a reason, and everybody's page shows it live", async () => {
    const { id = "" } = await mint();
    await platform.page.goto(`${world.origin}/sessions`);
    await open(owner, `freeze-session-${id}`);
    await freeze(owner, `freeze-session-${id}`, "<b>odd</b>");
    await platform.page.waitForSelector(`section:has(#frozen) code:has-text("${id}")`);
    const shown = (await platform.page.textContent("section:has(#frozen)")) ?? "";
    expect(shown).toContain("<b>odd</b>");
    expect(shown).toContain("Orders team lead");
    await platform.page.waitForSelector("section:has(#in-aws) :text('Not taken: it is tried again')");
    expect(await owner.page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(375);
    // Its owner is no administrator.
    expect(await owner.page.locator("form[data-ceremony=thaw]").count()).toBe(0);
    await thaw(platform, `thaw-session-${id}`, "Thawed: session");
  });

  test("freezes an agent that is chosen, and the agent gets nothing", async () => {
    await open(security, "freeze-agent");
    await security.page.selectOption("#name-of-freeze-agent", "orders-ci");
    await freeze(security, "freeze-agent", "it looks wrong");
    expect((await mint()).code).toBe("frozen");
    await thaw(platform, "thaw-agent-orders-ci", "Thawed: agent orders-ci");
    expect((await mint()).code).toBeUndefined();
  });

  test("freezes a template that is chosen", async () => {
    await open(platform, "freeze-template");
    await platform.page.selectOption("#name-of-freeze-template", "observe");
    await freeze(platform, "freeze-template", "");
    expect((await mint()).code).toBe("frozen");
    await thaw(security, "thaw-template-observe", "Thawed: template observe");
  });

  test("what is chosen and typed stays when the page is brought up to date under it", async () => {
    await open(platform, "freeze-agent");
    await platform.page.selectOption("#name-of-freeze-agent", "billing-ci");
    await platform.page.fill("#reason-of-freeze-agent", "half a sen");
    await open(security, "freeze-template");
    await security.page.selectOption("#name-of-freeze-template", "data-repair");
    await freeze(security, "freeze-template", "");
    await platform.page.waitForSelector("section:has(#frozen) code:has-text('data-repair')");
    expect(await platform.page.inputValue("#name-of-freeze-agent")).toBe("billing-ci");
    expect(await platform.page.inputValue("#reason-of-freeze-agent")).toBe("half a sen");
    await thaw(security, "thaw-template-data-repair", "Thawed: ");
  });

  test("freezes everything with a banner on every page, and two administrators thaw it", async () => {
    await open(owner, "freeze-all");
    await freeze(owner, "freeze-all", "credentials leaked");
    for (const path of ["/queue", "/sessions", "/policies", "/audit", "/passkeys"]) {
      await owner.page.goto(world.origin + path);
      expect([path, await owner.page.textContent(".notice >> nth=0")]).toEqual([
        path,
        expect.stringMatching(/^Everything is frozen since /),
      ]);
    }
    expect((await mint()).code).toBe("frozen");
    await thaw(platform, "thaw-all", "Your key lies there.");
    expect(await platform.page.locator("#thaw-all").count()).toBe(0);
    expect(await platform.page.textContent("section:has(#frozen)")).toContain("Your key lies there");
    expect((await mint()).code).toBe("frozen");
    await security.page.goto(`${world.origin}/sessions`);
    expect(await security.page.textContent("#thaw-all")).toBe("Turn the second key");
    await thaw(security, "thaw-all", "Thawed: all");
    expect((await mint()).code).toBeUndefined();
  });

  test("without a passkey's answer nothing is frozen, and the page says so", async () => {
    await platform.cdp.send("WebAuthn.setUserVerified", {
      authenticatorId: platform.authenticator,
      isUserVerified: false,
    });
    await open(platform, "freeze-all");
    await platform.page.click("#freeze-all button:enabled");
    await platform.page.waitForSelector("#wrong:has-text('Nothing was changed')");
    expect((await mint()).code).toBeUndefined();
    await platform.cdp.send("WebAuthn.setUserVerified", {
      authenticatorId: platform.authenticator,
      isUserVerified: true,
    });
  });
});
