/** A whole broker with every channel set up on real receivers: what approvers hear, and that it cannot vote. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import type { Config } from "../../src/config.ts";
import { decisionChallenge, escalationDigest } from "../../src/escalation/digest.ts";
import type { Verdict } from "../../src/escalation/escalation.ts";
import { canonicalJson } from "../../src/policy/digest.ts";
import { ok } from "../../src/result.ts";
import { Secret } from "../../src/session/credentials.ts";
import { send, startTestBroker, type TestBroker } from "../support/test-broker.ts";
import { startMailbox, startReceiver, textOf, type Mailbox, type Receiver } from "./receivers.ts";
import { CONTENT, decision, request } from "./samples.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface World extends TestBroker {
  readonly slack: Receiver;
  readonly hook: Receiver;
  readonly mailbox: Mailbox;
}

async function world(store: Config["store"] = { url: null, folder: null }): Promise<World> {
  const [slack, hook, mailbox] = await Promise.all([startReceiver(), startReceiver(), startMailbox()]);
  const started = await startTestBroker((config) => ({
    ...config,
    store,
    notify: {
      slack: { url: new Secret(`${slack.url}/services/CANARYpath`) },
      webhook: { url: new Secret(hook.url), secret: new Secret("CANARY webhook secret, 32 characters") },
      email: {
        url: new Secret(`smtp://CANARYuser:CANARYpassword@127.0.0.1:${mailbox.port}`),
        from: "twokey@example.com",
        to: ["approvers@example.com"],
      },
    },
  }));
  closing.push(started.close, slack.close, hook.close, mailbox.close);
  return { ...started, slack, hook, mailbox };
}

const told = (world: World, many: number): Promise<unknown> =>
  Promise.all([world.slack.count(many), world.hook.count(many), world.mailbox.count(many)]);

/** Every byte that left the broker, as its receivers got it. */
const everything = ({ slack, hook, mailbox }: World): string =>
  [
    ...[...slack.received, ...hook.received].map(({ headers, body }) => JSON.stringify(headers) + body),
    ...mailbox.mails.map((mail) => mail.headers.join("\n") + textOf(mail)),
  ].join("\n");

const NONCE = "CANARYnonceCANARYnonceCANARYnonceCANARYnonc";

async function decide({ broker }: World, person: string, verdict: Verdict): Promise<void> {
  const context = { requestId: null, policyVersion: broker.policy().set.digest, nonce: NONCE, counter: null };
  await broker.audit.humans.challenge(
    { nonce: NONCE, purpose: "decide", person, subject: `${CONTENT.id} ${verdict}` },
    300,
  );
  const changed = await broker.audit.escalations.change(CONTENT.id, context, () => {
    const made = decision(person, verdict, verdict === "deny" ? "Not now." : null);
    return ok({ kind: "decided", decision: made, counting: [person] });
  });
  expect(changed.ok).toBe(true);
}

const kinds = ({ hook }: World): readonly unknown[] =>
  hook.received.map(({ body }) => (JSON.parse(body) as { readonly kind: unknown }).kind);

test("a request is one message on every channel, and a decision one follow-up", async () => {
  const stand = await world();
  await request(stand.broker.audit);
  await told(stand, 1);
  await decide(stand, "security-engineer", "deny");
  await told(stand, 2);
  await stand.broker.close();
  expect(kinds(stand)).toEqual(["escalation.requested", "escalation.denied"]);
  expect([stand.slack.received.length, stand.mailbox.mails.length]).toEqual([2, 2]);
});

test("what was written and not told when a broker died is told by the next one", async () => {
  const store = { url: null, folder: mkdtempSync(join(tmpdir(), "twokey-notify-")) };
  const record = await openAuditLog(store);
  await request(record);
  await record.close();
  const stand = await world(store);
  await told(stand, 1);
  expect(kinds(stand)).toEqual(["escalation.requested"]);
});

test("what nobody decided in time is told", async () => {
  const stand = await world();
  await request(stand.broker.audit, { rule: { ...CONTENT.rule, pendingSeconds: 1 } });
  await stand.hook.count(1);
  // On a slow machine it is over before it was told at all, and told once.
  if (!kinds(stand).includes("escalation.expired")) await stand.hook.count(2);
  expect(kinds(stand).at(-1)).toBe("escalation.expired");
});

test("an enrolled passkey is told on every channel", async () => {
  const stand = await world();
  const { humans } = stand.broker.audit;
  const person = "security-engineer";
  await humans.challenge({ nonce: NONCE, purpose: "enrol", person, subject: null }, 300);
  const enrolled = await humans.enrol(
    {
      credentialId: "example",
      publicKey: "example",
      account: { issuer: "https://login.example.com", subject: person },
      person,
      label: "work <laptop>",
      counter: 0,
      transports: [],
    },
    { delaySeconds: 0, nonce: NONCE, spendInvitation: null },
    { requestId: null, policyVersion: stand.broker.policy().set.digest, person },
  );
  expect(enrolled.ok).toBe(true);
  await told(stand, 1);
  expect(kinds(stand)).toEqual(["passkey.enrolled"]);
  const [mail] = stand.mailbox.mails;
  if (mail === undefined) throw new Error("no mail");
  expect(textOf(mail)).toContain("Label: work <laptop>");
  expect(stand.slack.received[0]?.body).toContain("A passkey was enrolled for security-engineer");
});

test("case 43: nothing of a notification can vote, and its link alone changes nothing", async () => {
  const stand = await world();
  await request(stand.broker.audit);
  await told(stand, 1);
  const [event] = stand.hook.received.map(({ body }) => JSON.parse(body) as { readonly url: string });
  const { pathname } = new URL(event?.url ?? "");
  expect(pathname).toBe(`/escalations/${CONTENT.id}`);
  // As a chat's preview would fetch it, and as a chat's button or a mail program would post to it.
  for (const method of ["GET", "POST"]) await send(stand.url, method, pathname);
  const body = JSON.stringify({ escalation: CONTENT.id, verdict: "approve" });
  const headers = { "content-type": "application/json" };
  const posted = await send(stand.url, "POST", "/v1/decisions", headers, body);
  expect(posted.status).toBeGreaterThanOrEqual(400);
  const found = await stand.broker.audit.escalations.find(CONTENT.id);
  expect([found?.state, found?.decisions]).toEqual(["pending", []]);
  await decide(stand, "security-engineer", "deny");
  await told(stand, 2);
  // Neither the challenge of a decision nor what answers it, and no cookie or token.
  const digest = escalationDigest(canonicalJson(CONTENT));
  const challenge = decisionChallenge({ nonce: NONCE, digest, verdict: "deny", person: "security-engineer" });
  for (const secret of [NONCE, challenge, "SECRETISH", "__Host-", "Bearer", "eyJ"])
    expect(everything(stand)).not.toContain(secret);
});

test("case 50: the channels' addresses and keys are in no log, no record and no message", async () => {
  const stand = await world();
  await stand.slack.close();
  await request(stand.broker.audit);
  await Promise.all([stand.hook.count(1), stand.mailbox.count(1)]);
  const entries = JSON.stringify(await stand.broker.audit.entries({ from: 0, limit: 1000 }));
  await stand.broker.close();
  const { port } = new URL(stand.slack.url);
  const log = stand.log.join("");
  expect(log).toContain("notification not delivered");
  for (const text of [entries, log, everything(stand)]) expect(text).not.toContain("CANARY");
  expect(log).not.toContain(`:${port}`);
});
