/** Two people decide, each in a real browser of their own with a virtual authenticator; the agent gets what they said. */
import pg from "pg";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium, NO_CHROMIUM } from "../support/chromium.ts";
import { postgresInstalled, startPostgres } from "../support/postgres.ts";
import {
  approver,
  askAs,
  decide,
  escalate,
  openPages,
  REASON,
  type PagesWorld,
  type Someone,
} from "./pages-world.ts";

describe.skipIf(NO_CHROMIUM)("two keys", () => {
  let world: PagesWorld;
  let browser: Browser;
  let one: Someone;
  let two: Someone;
  beforeAll(async () => {
    world = await openPages();
    browser = await launchChromium();
    one = await approver(world, browser, "platform-engineer");
    two = await approver(world, browser, "security-engineer");
  });
  afterAll(async () => {
    await browser.close();
    await world.close();
  });

  test("two people approve, each follows live what the other does, and the agent's one session is minted once", async () => {
    const { id, url } = await escalate(world);
    await one.page.goto(url);
    await two.page.goto(url);
    const shown = await one.page.textContent("main");
    expect(shown).toContain(REASON);
    expect(shown).toContain("Destroys");
    const { json } = await askAs(world, "GET", `/v1/escalations/${id}`);
    expect(await one.page.textContent(".panel .two-words")).toBe(json["code"]);

    await decide(one, url, "approve");
    await two.page.waitForSelector(".standing:has-text('1 of 2 approvals')");
    await decide(two, url, "approve");
    await one.page.waitForSelector(".standing:has-text('not used yet')");
    expect((await askAs(world, "POST", "/v1/credentials", { escalation: id })).status).toBe(200);
    await one.page.waitForSelector(".standing:has-text('used for its one session')");
    expect((await askAs(world, "POST", "/v1/credentials", { escalation: id })).status).toBe(409);
  });

  test("case 28: the agent's owner reads why they may not approve, in the button's place, and may deny", async () => {
    const { url } = await escalate(world);
    const owner = await approver(world, browser, "orders-lead");
    await owner.page.goto(url);
    expect(await owner.page.textContent(".ballot .why-not")).toMatch(/own/);
    expect(await owner.page.locator("#approve").count()).toBe(0);
    expect(await owner.page.locator("#deny").count()).toBe(1);
    await owner.leave();
  });

  test("a denial ends it at once, and its reason reaches the agent", async () => {
    const { id, url } = await escalate(world);
    await two.page.goto(url);
    await decide(one, url, "deny", "Use the staging table first.");
    await two.page.waitForSelector(".standing:has-text('Denied')");
    expect(await two.page.locator("#approve").count()).toBe(0);
    const { text } = await askAs(world, "GET", `/v1/escalations/${id}`);
    expect(text).toContain("Use the staging table first.");
    expect(text).toContain("access_denied");
  });
});

describe.skipIf(NO_CHROMIUM || !postgresInstalled)("its time ends while somebody looks at it", () => {
  test("the page becomes expired without a reload", async () => {
    const postgres = await startPostgres();
    if (postgres === null) throw new Error("no PostgreSQL");
    const { url: database } = postgres;
    const world = await openPages((config) => ({ ...config, store: { url: database, folder: null } }));
    const browser = await launchChromium();
    const client = new pg.Client({ connectionString: database });
    await client.connect();
    const person = await approver(world, browser, "platform-engineer");
    const { id, url } = await escalate(world);
    await client.query(
      "UPDATE escalations SET expires_at = clock_timestamp() + interval '4 seconds' WHERE id = $1",
      [id],
    );
    await person.page.goto(url);
    await person.page.waitForSelector("#approve:enabled");
    await person.page.waitForSelector(".standing:has-text('Expired with 0 of 2 approvals')");
    expect(await person.page.locator("#approve, #deny").count()).toBe(0);
    await client.end();
    await browser.close();
    await world.close();
    await postgres.stop();
  });
});
