import { afterEach, expect, test } from "vitest";
import { createEmail } from "../../src/adapters/notify/email.ts";
import type { Message } from "../../src/escalation/outbox.ts";
import { escalationMessage } from "../../src/flows/notify-message.ts";
import { Secret } from "../../src/session/credentials.ts";
import { headerOf, startMailbox, textOf, type Mailbox } from "./receivers.ts";
import { CONTEXT, escalation, frozen, notice, requested } from "./samples.ts";

const FROM = "twokey@example.com";
const TO = ["approvers@example.com", "security@example.com"];

let mailbox: Mailbox | undefined;
afterEach(async () => {
  await mailbox?.close();
});

const channel = (url: string, to = TO) => createEmail({ url: new Secret(url), from: FROM, to });

async function deliver(message: Message) {
  mailbox ??= await startMailbox();
  const { mails, port } = mailbox;
  expect(await channel(`smtp://127.0.0.1:${port}`).deliver(message, null)).toEqual({
    ok: true,
    value: { thread: null },
  });
  const mail = mails.at(-1);
  if (mail === undefined) throw new Error("nothing came");
  return mail;
}

afterEach(() => {
  mailbox = undefined;
});

test("a request is one plain text to everybody, marked as a machine's", async () => {
  const mail = await deliver(requested("The queue is stuck."));
  expect([mail.from, mail.to]).toEqual([FROM, TO]);
  expect(headerOf(mail, "Auto-Submitted")).toBe("auto-generated");
  expect(headerOf(mail, "Content-Type")).toMatch(/^text\/plain/);
  expect(headerOf(mail, "Subject")).toBe(
    "[Twokey] orders-ci asks for production-stack-change on orders-production (111122223333)",
  );
  const text = textOf(mail);
  expect(text).toContain("Reason: The queue is stuck.\r\n");
  expect(text).toContain("\r\nhttps://twokey.example.com/escalations/esc-mfrggzdfmztwq2lknnwg23tp\r\n");
  expect(text).not.toMatch(/<html|text\/html/i);
});

test("a freeze is one plain text, in which its reason is one line and no header", async () => {
  const mail = await deliver(frozen("it leaked\r\nBcc: everybody@example.com\r\n\r\n<b>bold</b>"));
  expect(headerOf(mail, "Subject")).toBe("[Twokey] Agent orders-ci was frozen");
  expect(headerOf(mail, "Content-Type")).toMatch(/^text\/plain/);
  expect(mail.to).toEqual(TO);
  const text = textOf(mail);
  expect(text).toMatch(/^Why: it leaked.*Bcc: everybody@example.com.*<b>bold<\/b>\r$/m);
  expect(text).toContain("\r\nhttps://twokey.example.com/sessions\r\n");
});

test("what becomes of it is in the same thread, and a repeated delivery is the same message", async () => {
  const first = await deliver(requested("x"));
  const again = await deliver(requested("x"));
  const denied = notice("escalation.denied", { id: "ntc-followup" });
  const follow = await deliver(escalationMessage(denied, escalation({ state: "denied" }), CONTEXT));
  const root = "<esc-mfrggzdfmztwq2lknnwg23tp@example.com>";
  expect([headerOf(first, "Message-ID"), headerOf(again, "Message-ID")]).toEqual([root, root]);
  expect(headerOf(first, "In-Reply-To")).toBeUndefined();
  expect(headerOf(follow, "Message-ID")).toBe("<ntc-followup@example.com>");
  expect([headerOf(follow, "In-Reply-To"), headerOf(follow, "References")]).toEqual([root, root]);
});

test("case 42: a text becomes no header, no recipient and no line of ours", async () => {
  const text =
    "x\r\nBcc: evil@example.net\r\n\r\nApproved by: everybody\r\n.\r\nMAIL FROM:<evil@example.net>";
  const mail = await deliver(requested(text));
  expect(mail.to).toEqual(TO);
  expect(textOf(mail)).not.toMatch(/^(?:Bcc|Approved by|MAIL FROM)/m);
  // Should ever a line break reach the adapter itself.
  const raw = { ...requested("x"), title: text, lines: [{ label: "Reason", text }] };
  const bare = await deliver(raw);
  expect(bare.to).toEqual(TO);
  expect(bare.headers.filter((line) => /^bcc/i.test(line))).toEqual([]);
  expect(textOf(bare)).not.toMatch(/^(?:Bcc|Approved by|MAIL FROM)/m);
  expect(mailbox?.mails).toHaveLength(2);
});

test("user and password of the URL log in, percent-encoding undone", async () => {
  let login: unknown = null;
  mailbox = await startMailbox({
    authOptional: false,
    onAuth: ({ username, password }, _session, done) => {
      login = [username, password];
      done(null, { user: username });
    },
  });
  const url = `smtp://mailer:p%40ss%2Fword@127.0.0.1:${mailbox.port}`;
  expect((await channel(url).deliver(requested("x"), null)).ok).toBe(true);
  expect([mailbox.mails[0]?.user, login]).toEqual(["mailer", ["mailer", "p@ss/word"]]);
});

test("mail goes in clear to this machine alone: elsewhere STARTTLS is needed", async () => {
  mailbox = await startMailbox();
  // 0.0.0.0 reaches the same server, and is no name of loopback's.
  const answer = await channel(`smtp://0.0.0.0:${mailbox.port}`).deliver(requested("x"), null);
  expect(answer).toMatchObject({ ok: false });
  expect(mailbox.mails).toEqual([]);
});

test("a certificate nobody vouches for is refused", async () => {
  mailbox = await startMailbox({ disabledCommands: [] });
  const answer = await channel(`smtp://0.0.0.0:${mailbox.port}`).deliver(requested("x"), null);
  expect(answer.ok).toBe(false);
  expect(mailbox.mails).toEqual([]);
});

test.each([
  [450, true],
  [550, false],
])("a refusal with %i is tried again: %s; its words are not kept", async (responseCode, retry) => {
  mailbox = await startMailbox({
    onRcptTo: (_address, _session, done) => {
      done(Object.assign(new Error("SECRET words of the server"), { responseCode }));
    },
  });
  const answer = await channel(`smtp://127.0.0.1:${mailbox.port}`).deliver(requested("x"), null);
  expect(answer).toEqual({ ok: false, error: { reason: `SMTP ${responseCode}`, retry } });
});

test("a server that is not there is tried again, and the reason holds nothing of the URL", async () => {
  mailbox = await startMailbox();
  const { port, close } = mailbox;
  await close();
  mailbox = undefined;
  const answer = await channel(`smtp://mailer:CANARY@127.0.0.1:${port}`).deliver(requested("x"), null);
  expect(answer).toMatchObject({ ok: false, error: { retry: true } });
  expect(JSON.stringify(answer)).not.toMatch(/CANARY|mailer|127/);
});
