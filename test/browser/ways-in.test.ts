/** How people come in, in a real browser: the first administrator, invitations, passkeys, signing in and out. */
import { createHash } from "node:crypto";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { invitationLink } from "../../src/cli/demo/approver.ts";
import { launchChromium, NO_CHROMIUM } from "../support/chromium.ts";
import { approver, enrol, openPages, someone, type PagesWorld } from "./pages-world.ts";

describe.skipIf(NO_CHROMIUM)("coming in", () => {
  let world: PagesWorld;
  let browser: Browser;
  beforeAll(async () => {
    world = await openPages();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await world.close();
  });

  test("case 48: the bootstrap token lets the first administrator enrol, once, and nobody without it", async () => {
    const token = "bootstrap-token-of-this-test";
    await world.broker.broker.audit.humans.setBootstrap(
      createHash("sha256").update(token).digest("hex"),
      600,
    );
    const first = await someone(browser);
    await first.page.goto(`${world.origin}/bootstrap`);
    await first.page.selectOption("#person", "platform-engineer");
    await first.page.fill("#token", "a guess");
    await first.page.click("form[data-ceremony=bootstrap] button:enabled");
    await first.page.waitForSelector("#wrong:not(:empty)");
    await first.page.fill("#token", token);
    await first.page.click("form[data-ceremony=bootstrap] button:enabled");
    const link = await first.page.getAttribute("output a", "href");
    await enrol(first, link ?? "");
    const second = await someone(browser);
    const answer = await second.page.goto(`${world.origin}/bootstrap`);
    expect(answer?.status()).not.toBe(200);
    await first.leave();
    await second.leave();
  });

  test("a page sends whoever is not signed in to sign in, and back again afterwards", async () => {
    const person = await approver(world, browser, "security-engineer");
    await person.page.click("form[data-ceremony=sign-out] button:enabled");
    await person.page.waitForURL("**/sign-in*");
    await person.page.goto(`${world.origin}/audit`);
    expect(new URL(person.page.url()).pathname).toBe("/sign-in");
    await person.page.click("#passkey:enabled");
    await person.page.waitForURL("**/audit");
    await person.leave();
  });

  test("an administrator invites somebody after confirming with the passkey", async () => {
    const administrator = await approver(world, browser, "platform-engineer");
    await administrator.page.goto(`${world.origin}/people`);
    await administrator.page.click("#invite-orders-lead:enabled");
    const link = await administrator.page.getAttribute("form[data-person=orders-lead] output a", "href");
    const invited = await someone(browser);
    await enrol(invited, link ?? "");
    await invited.page.goto(`${world.origin}/queue`);
    expect(await invited.page.textContent("h1")).toBe("Queue");
    // Not an administrator.
    expect(await invited.page.locator("nav a[href='/people']").count()).toBe(0);
    await administrator.leave();
    await invited.leave();
  });

  test("an invitation works once, and a browser that came by one can only enrol", async () => {
    const link = await invitationLink(world.broker.broker, "security-engineer");
    const person = await someone(browser);
    await person.page.goto(link);
    await person.page.click("#accept:enabled");
    await person.page.waitForURL("**/passkeys");
    await person.page.goto(`${world.origin}/queue`);
    expect(await person.page.locator("h1:has-text('Queue')").count()).toBe(0);
    await enrol(person, link);
    const other = await someone(browser);
    await other.page.goto(link);
    await other.page.click("#accept:enabled");
    await other.page.waitForSelector("#wrong:not(:empty)");
    await person.leave();
    await other.leave();
  });

  test("a further passkey is confirmed by the one there is, and a removed one is gone", async () => {
    const person = await approver(world, browser, "security-engineer");
    const keys = await person.page.locator("tbody tr").count();
    await person.page.locator("form[data-ceremony=remove-passkey] button:enabled").first().click();
    await person.page.waitForSelector("#said:has-text('removed')");
    expect(await person.page.locator("tbody tr").count()).toBe(keys - 1);
    await person.leave();
  });

  test("a prompt that is closed changes nothing and says so", async () => {
    const person = await approver(world, browser, "security-engineer");
    await person.page.goto(`${world.origin}/passkeys`);
    await person.cdp.send("WebAuthn.setUserVerified", {
      authenticatorId: person.authenticator,
      isUserVerified: false,
    });
    const before = await person.page.locator("tbody tr").count();
    await person.page.locator("form[data-ceremony=remove-passkey] button:enabled").first().click();
    await person.page.waitForSelector("#wrong:has-text('Nothing was changed')");
    expect(await person.page.locator("tbody tr").count()).toBe(before);
    await person.leave();
  });
});
