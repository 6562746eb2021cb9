import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, expect, test } from "vitest";
import { createWebhook } from "../../src/adapters/notify/webhook.ts";
import type { Message } from "../../src/escalation/outbox.ts";
import { escalationMessage, freezeMessage, passkeyMessage } from "../../src/flows/notify-message.ts";
import { Secret } from "../../src/session/credentials.ts";
import { startReceiver, type Receiver } from "./receivers.ts";
import { CONTEXT, decision, escalation, notice, POLICY, requested } from "./samples.ts";

const SECRET = "a webhook secret of 32 characters";
const NOW = new Date("2030-01-01T12:05:01.700Z");
const SECONDS = 1_893_499_501;

let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.close();
});

async function deliver(message: Message) {
  receiver = await startReceiver();
  const options = { url: new Secret(receiver.url), secret: new Secret(SECRET), clock: () => NOW };
  expect((await createWebhook(options).deliver(message, null)).ok).toBe(true);
  const [request] = receiver.received;
  if (request === undefined) throw new Error("nothing came");
  return { ...request, header: String(request.headers["twokey-signature"]) };
}

const approved = (): Message =>
  escalationMessage(
    notice("escalation.approved", { at: new Date("2030-01-01T12:05:00Z") }),
    escalation({
      state: "approved",
      usableUntil: new Date("2030-01-01T12:20:00Z"),
      decisions: [
        { ...decision("platform-first", "approve"), at: new Date("2030-01-01T12:03:00Z") },
        decision("platform-second", "approve"),
      ],
    }),
    CONTEXT,
  );

const page = readFileSync(join(import.meta.dirname, "../../docs/notifications.md"), "utf8");
const block = (language: string): string =>
  new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)?.[1] ?? "";

test("the event is the one the documentation shows", async () => {
  const { body, method, headers } = await deliver(approved());
  const shown = JSON.parse(block("")) as { escalation: { code: string } };
  const sent = JSON.parse(body) as typeof shown;
  expect(sent.escalation.code).toMatch(/^[a-z]+-[a-z]+$/);
  expect({ ...sent, escalation: { ...sent.escalation, code: shown.escalation.code } }).toEqual(shown);
  expect([method, headers["content-type"]]).toEqual(["POST", "application/json"]);
});

test("the signature is HMAC-SHA256 over the time and the body", async () => {
  const { body, header } = await deliver(approved());
  const mac = createHmac("sha256", SECRET).update(`${SECONDS}.${body}`).digest("hex");
  expect(header).toBe(`t=${SECONDS},v1=${mac}`);
});

test("no event holds a text an agent wrote", async () => {
  const { body } = await deliver(requested("CANARY text"));
  expect(body).not.toContain("CANARY");
});

test("a policy set and a passkey are told without what they do not have", async () => {
  const policy = escalationMessage(notice("escalation.requested"), escalation({ content: POLICY }), CONTEXT);
  const told = JSON.parse((await deliver(policy)).body) as Record<string, unknown>;
  expect(told["escalation"]).toMatchObject({ kind: "policy", agent: null, template: null, account: null });
  await receiver?.close();
  const enrolled = notice("passkey.enrolled", { detail: { person: "platform-first", label: "laptop" } });
  const { body } = await deliver(passkeyMessage(enrolled, CONTEXT));
  expect(JSON.parse(body)).toMatchObject({ escalation: null, passkey: { person: "platform-first" } });
});

test("a freeze is told with what, by whom and whose, and without its reason", async () => {
  const detail = { kind: "agent", name: "orders-ci", by: "operator", owner: "orders-lead", reason: "CANARY" };
  const made = freezeMessage(notice("freeze.made", { escalation: null, detail }), CONTEXT);
  const { body } = await deliver(made);
  expect(JSON.parse(body)).toMatchObject({
    escalation: null,
    passkey: null,
    freeze: { kind: "agent", name: "orders-ci", by: "operator", person: null, owner: "orders-lead" },
  });
  expect(body).not.toContain("CANARY");
});

type Verify = (body: Buffer, header: string, secret: string, now: number) => boolean;

/** Each of the documentation's snippets as a function. */
const SNIPPETS: readonly (readonly [string, () => Promise<Verify>])[] = [
  [
    "Node",
    async () => {
      const file = join(mkdtempSync(join(tmpdir(), "twokey-snippet-")), "verify.mjs");
      writeFileSync(file, block("js"));
      const { isTwokeys } = (await import(pathToFileURL(file).href)) as { isTwokeys: Verify };
      return isTwokeys;
    },
  ],
  [
    "Python",
    async () => {
      const file = join(mkdtempSync(join(tmpdir(), "twokey-snippet-")), "verify.py");
      const call = "is_twokeys(sys.stdin.buffer.read(), sys.argv[1], sys.argv[2], float(sys.argv[3]))";
      writeFileSync(file, `${block("python")}\nimport sys\nprint(${call})\n`);
      return (body, header, secret, now) =>
        execFileSync("python3", [file, header, secret, String(now)], { input: body, encoding: "utf8" }) ===
        "True\n";
    },
  ],
];

test.each(SNIPPETS)(
  "the documentation's %s code accepts what is sent, and nothing else",
  async (_name, load) => {
    const { body, header } = await deliver(approved());
    const verify = await load();
    const bytes = Buffer.from(body);
    const answers = {
      sent: verify(bytes, header, SECRET, SECONDS + 10),
      changed: verify(Buffer.from(body.replace("approved", "denied")), header, SECRET, SECONDS),
      otherKey: verify(bytes, header, `${SECRET}.`, SECONDS),
      otherTime: verify(bytes, header.replace(/t=\d+/, `t=${SECONDS + 1}`), SECRET, SECONDS),
      old: verify(bytes, header, SECRET, SECONDS + 301),
      garbled: verify(bytes, `${header},v1=`, SECRET, SECONDS),
    };
    expect(answers).toEqual({
      sent: true,
      changed: false,
      otherKey: false,
      otherTime: false,
      old: false,
      garbled: false,
    });
  },
);

test("a redirect is not followed: what is signed for one receiver goes to no other", async () => {
  const elsewhere = await startReceiver();
  receiver = await startReceiver(() => ({ status: 307, headers: { location: elsewhere.url } }));
  const options = { url: new Secret(receiver.url), secret: new Secret(SECRET), clock: () => NOW };
  const answer = await createWebhook(options).deliver(approved(), null);
  expect(answer).toEqual({ ok: false, error: { reason: "HTTP 307", retry: false } });
  expect(elsewhere.received).toEqual([]);
  await elsewhere.close();
});

test("a receiver that never answers is given up after 5 seconds, to be tried again", async () => {
  receiver = await startReceiver(() => null);
  const options = { url: new Secret(receiver.url), secret: new Secret(SECRET), clock: () => NOW };
  const answer = await createWebhook(options).deliver(approved(), null);
  expect(answer).toEqual({ ok: false, error: { reason: "no answer within 5 s", retry: true } });
}, 20_000);
