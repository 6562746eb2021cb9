import { afterEach, expect, test } from "vitest";
import { createSlack } from "../../src/adapters/notify/slack.ts";
import { Secret } from "../../src/session/credentials.ts";
import { startReceiver, type Receiver, type Reply } from "./receivers.ts";
import { frozen, requested } from "./samples.ts";

let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.close();
});

async function slack(answer?: (index: number) => Reply | null) {
  receiver = await startReceiver(answer);
  return {
    channel: createSlack({ url: new Secret(`${receiver.url}/services/SECRETpath`) }),
    received: receiver.received,
  };
}

interface Body {
  readonly text: string;
  readonly blocks: readonly {
    readonly type: string;
    readonly text?: Readonly<Record<string, unknown>>;
    readonly elements?: readonly Readonly<Record<string, unknown>>[];
  }[];
}

async function bodyFor(text: string): Promise<Body & Readonly<Record<string, unknown>>> {
  const { channel, received } = await slack();
  expect(await channel.deliver(requested(text), null)).toEqual({ ok: true, value: { thread: null } });
  return JSON.parse(received[0]?.body ?? "") as Body & Record<string, unknown>;
}

/** What Slack documents of text objects: in plain text, these three entities are decoded and nothing else is read. */
const asSlackShows = (text: unknown): string =>
  String(text).replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

const HOSTILE = "<http://evil|Approve> <!channel> <@U123> *bold* &lt; :white_check_mark: `code`";

test("case 42: markup in an agent's text stands there literally", async () => {
  const { blocks } = await bodyFor(HOSTILE);
  const texts = blocks.flatMap(({ text }) => (text === undefined ? [] : [text]));
  expect(texts.map(({ type, emoji }) => [type, emoji])).toEqual(texts.map(() => ["plain_text", false]));
  expect(texts.map(({ text }) => asSlackShows(text))).toContain(`Reason: ${HOSTILE}`);
  // Slack takes `<…>` apart wherever it reads markup at all, so it must not get one.
  expect(JSON.stringify(blocks)).not.toMatch(/[<>]/);
});

test("case 42: the text for phones, where Slack reads markup, holds nothing of the agent's", async () => {
  const { text } = await bodyFor(HOSTILE);
  expect(text).toBe((await bodyFor("harmless")).text);
  expect(text).toMatch(/^[\w: ]+$/);
});

test("case 42: markup in the reason of a freeze stands there literally, and nowhere on phones", async () => {
  const { channel, received } = await slack();
  await channel.deliver(frozen(HOSTILE), null);
  const { text, blocks } = JSON.parse(received[0]?.body ?? "") as Body;
  const texts = blocks.flatMap((block) => (block.text === undefined ? [] : [block.text]));
  expect(texts.map(({ type, emoji }) => [type, emoji])).toEqual(texts.map(() => ["plain_text", false]));
  expect(texts.map((one) => asSlackShows(one["text"]))).toContain(`Why: ${HOSTILE}`);
  expect(JSON.stringify(blocks)).not.toMatch(/[<>]/);
  expect(text).toMatch(/^[\w: ]+$/);
  const buttons = blocks.flatMap(({ elements }) => elements ?? []);
  expect(buttons.map(({ url }) => url)).toEqual(["https://twokey.example.com/sessions"]);
});

test("case 43: the one button is a link to the page, and links are not unfurled", async () => {
  const body = await bodyFor("harmless");
  const buttons = body.blocks.flatMap(({ elements }) => elements ?? []);
  expect(buttons.map(({ type, url }) => [type, url])).toEqual([
    ["button", "https://twokey.example.com/escalations/esc-mfrggzdfmztwq2lknnwg23tp"],
  ]);
  expect(buttons.flatMap((button) => Object.keys(button)).sort()).toEqual(["text", "type", "url"]);
  expect([body["unfurl_links"], body["unfurl_media"]]).toEqual([false, false]);
});

test("every text fits what Slack takes, whatever the agent wrote", async () => {
  for (const text of ["&".repeat(2000), "\u202e".repeat(2000), "<".repeat(2000)]) {
    const { blocks } = await bodyFor(text);
    expect(blocks.length).toBeLessThanOrEqual(50);
    const lengths = blocks.map((block) => JSON.stringify(block.text?.["text"] ?? "").length);
    expect(Math.max(...lengths)).toBeLessThan(3000);
  }
});

test.each([
  [400, false],
  [404, false],
  [410, false],
  [302, false],
  [408, true],
  [429, true],
  [500, true],
  [503, true],
])("HTTP %i: tried again: %s", async (status, retry) => {
  const { channel } = await slack(() => ({ status, headers: { location: "http://127.0.0.1:9/" } }));
  expect(await channel.deliver(requested("x"), null)).toEqual({
    ok: false,
    error: { reason: `HTTP ${status}`, retry },
  });
});

test("Retry-After is passed on", async () => {
  const { channel } = await slack(() => ({ status: 429, headers: { "retry-after": "30" } }));
  expect(await channel.deliver(requested("x"), null)).toEqual({
    ok: false,
    error: { reason: "HTTP 429", retry: true, afterSeconds: 30 },
  });
});

test("the reason of a receiver that is not there holds nothing of its address", async () => {
  const { channel } = await slack();
  await receiver?.close();
  const answer = await channel.deliver(requested("x"), null);
  expect(answer).toEqual({ ok: false, error: { reason: "not reached: ECONNREFUSED", retry: true } });
});
