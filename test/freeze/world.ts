/** A whole broker with an operators' token and its people, and how each of them freezes and thaws over HTTP. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../../src/config.ts";
import { startWorld, type Browser, type World } from "../humans/world.ts";
import { send, type Reply } from "../support/test-broker.ts";

export interface FreezeWorld extends World {
  readonly tokenFile: string;
  readonly token: string;
  /** With the operators' token, or another `authorization`. */
  readonly operator: (method: string, body?: unknown, authorization?: string | null) => Promise<Reply>;
}

/** Nothing listens there: AWS refuses at once, and no freeze waits for it. */
const NO_AWS = "http://127.0.0.1:1";

export async function startFreezeWorld(
  change: (config: Config) => Config = (config) => config,
): Promise<FreezeWorld> {
  const tokenFile = join(mkdtempSync(join(tmpdir(), "twokey-operator-")), "operator-token");
  const world = await startWorld((config) =>
    change({
      ...config,
      awsEndpoint: NO_AWS,
      keys: { auditKey: null, operatorToken: tokenFile, watchToken: null },
    }),
  );
  const token = readFileSync(tokenFile, "utf8").trim();
  const operator: FreezeWorld["operator"] = (method, body, authorization = `Bearer ${token}`) =>
    send(
      world.url,
      method,
      "/v1/freezes",
      {
        ...(authorization === null ? {} : { authorization }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      body === undefined ? undefined : JSON.stringify(body),
    );
  return { ...world, tokenFile, token, operator };
}

export interface Target {
  readonly kind: string;
  readonly name?: string;
}

const words = ({ kind, name }: Target): string => (name === undefined ? kind : `${kind} ${name}`);

/** By a fresh passkey, as the page does it. */
export async function freezeAs(browser: Browser, target: Target, reason = "it went wrong"): Promise<Reply> {
  const confirmation = await browser.confirmation(`freeze ${words(target)}`);
  return browser.post("/v1/freezes/confirmed", { target, reason, confirmation });
}

export async function thawAs(browser: Browser, target: Target): Promise<Reply> {
  const confirmation = await browser.confirmation(`thaw ${words(target)}`);
  return browser.post("/v1/thaws", { target, confirmation });
}
