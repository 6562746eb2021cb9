/**
 * A whole broker and people with real browsers before it: each person has a context of their own with a virtual
 * authenticator, and does everything by the pages' own buttons. One escalation template of these tests deletes items
 * of one table, so that no change set needs reading.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, CDPSession, Page } from "playwright-core";
import { invitationLink } from "../../src/cli/demo/approver.ts";
import type { Config } from "../../src/config.ts";
import { tableEscalation } from "../support/table-escalation.ts";
import { send, startTestBroker, type Reply, type TestBroker } from "../support/test-broker.ts";

const TEMPLATE = tableEscalation("table-repair");

function withTemplate(config: Config): Config {
  const file = (name: string): string => join(config.policies, name);
  const open = (name: string): void => {
    const text = readFileSync(file(name), "utf8");
    writeFileSync(
      file(name),
      text.replace(/production-stack-change\]/g, "production-stack-change, table-repair]"),
    );
  };
  writeFileSync(file("templates/table-repair.yaml"), TEMPLATE);
  open("agents.yaml");
  open("approvals.yaml");
  return config;
}

export interface PagesWorld {
  readonly broker: TestBroker;
  /** `http://localhost:<port>`. */
  readonly origin: string;
  readonly close: () => Promise<void>;
}

export async function openPages(
  change: (config: Config) => Config = (config) => config,
): Promise<PagesWorld> {
  const broker = await startTestBroker((config) => change(withTemplate(config)));
  return { broker, origin: broker.broker.origin, close: () => broker.close() };
}

/** A person at their own browser. */
export interface Someone {
  readonly page: Page;
  /** Of the virtual authenticator. */
  readonly cdp: CDPSession;
  readonly authenticator: string;
  readonly leave: () => Promise<void>;
}

export async function someone(browser: Browser, options: BrowserContextOptions = {}): Promise<Someone> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const cdp = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { page, cdp, authenticator: authenticatorId, leave: () => context.close() };
}

/** Follows an invitation link to an enrolled passkey and a signed-in browser. */
export async function enrol({ page }: Someone, link: string): Promise<void> {
  await page.goto(link);
  await page.click("#accept:enabled");
  await page.waitForURL("**/passkeys");
  await page.fill("#label", "work laptop");
  // The list may show the key before the script leaves for the page as the person's own.
  const arrived = page.waitForEvent("load");
  await page.click("form[data-ceremony=enrol] button:enabled");
  await arrived;
  await page.waitForSelector("tbody >> text=work laptop");
}

/** Somebody with a passkey, signed in. */
export async function approver(
  world: PagesWorld,
  browser: Browser,
  person: string,
  options: BrowserContextOptions = {},
): Promise<Someone> {
  const somebody = await someone(browser, options);
  await enrol(somebody, await invitationLink(world.broker.broker, person));
  return somebody;
}

export const REASON = "Order 4711 is stuck: its item must go.";

let asked = 0;

/** A new escalation of the agent; each for another table, so that none joins another. */
export async function escalate(world: PagesWorld): Promise<{ readonly id: string; readonly url: string }> {
  asked += 1;
  const reply = await askAs(world, "POST", "/v1/escalations", {
    template: "table-repair",
    parameters: { table: `arn:aws:dynamodb:us-east-1:111122223333:table/orders-${asked}` },
    reason: REASON,
    task: { intent: "destroy", summary: "unblock an order" },
  });
  const { id } = reply.json;
  if (reply.status !== 201 || typeof id !== "string") throw new Error(reply.text);
  return { id, url: `${world.origin}/escalations/${id}` };
}

export async function askAs(world: PagesWorld, method: string, path: string, body?: object): Promise<Reply> {
  const headers = {
    authorization: `Bearer ${await world.broker.agent.token()}`,
    "content-type": "application/json",
  };
  return send(world.broker.url, method, path, headers, body === undefined ? undefined : JSON.stringify(body));
}

/** Waits until a decision is shown as recorded. */
export async function decide(
  { page }: Someone,
  url: string,
  verdict: "approve" | "deny",
  why = "",
): Promise<void> {
  if (page.url() !== url) await page.goto(url);
  if (verdict === "deny") await page.fill("#reason", why);
  await page.click(`#${verdict}:enabled`);
  await page.waitForSelector("#said:has-text('is recorded')");
}
