/** `twokey notify test` from source, as people run it. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { BUNDLE } from "../support/bundle.ts";
import { startMailbox, startReceiver } from "./receivers.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function run(env: Readonly<Record<string, string>>, ...words: string[]) {
  const child = spawn(process.execPath, [BUNDLE, "notify", "test", ...words], {
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", NODE_NO_WARNINGS: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { out, err, code };
}

async function receivers(status: number) {
  const receiver = await startReceiver(() => ({ status }));
  const mailbox = await startMailbox();
  closing.push(receiver.close, mailbox.close);
  const env = {
    TWOKEY_WEBHOOK_URL: `${receiver.url}/CANARYpath`,
    TWOKEY_WEBHOOK_SECRET: "CANARY secret of thirty-two characters",
    TWOKEY_SMTP_URL: `smtp://127.0.0.1:${mailbox.port}`,
    TWOKEY_MAIL_FROM: "twokey@example.com",
    TWOKEY_MAIL_TO: "approvers@example.com",
  };
  return { receiver, mailbox, env };
}

test("every channel that is set up gets a test message, and the command says so", async () => {
  const { receiver, mailbox, env } = await receivers(200);
  expect(await run(env)).toEqual({ out: "✓ webhook\n✓ email\n", err: "", code: 0 });
  expect(JSON.parse(receiver.received[0]?.body ?? "")).toMatchObject({ kind: "test", escalation: null });
  expect(mailbox.mails).toHaveLength(1);
});

test("a channel that fails is told with its reason and none of its secrets, and the exit code is 1", async () => {
  const { env } = await receivers(403);
  expect(await run(env)).toEqual({ out: "✗ webhook: HTTP 403\n✓ email\n", err: "", code: 1 });
  const json = await run(env, "--json", "--channel", "webhook");
  expect(JSON.parse(json.out)).toEqual([{ channel: "webhook", ok: false, reason: "HTTP 403" }]);
});

test("a channel that is not set up is an error", async () => {
  expect(await run({}, "--channel", "slack")).toEqual({
    out: "",
    err: "twokey: slack is not set up\n",
    code: 1,
  });
  expect((await run({}, "--channel", "pager")).code).toBe(2);
});
