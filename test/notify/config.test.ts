import { inspect } from "node:util";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config.ts";

const load = (env: Readonly<Record<string, string>>) => loadConfig({ env, flags: {}, cwd: "/srv" });

const faults = (env: Readonly<Record<string, string>>): readonly string[] => {
  const loaded = load(env);
  return loaded.ok ? [] : loaded.error;
};

const ALL = {
  TWOKEY_SLACK_WEBHOOK_URL: "https://hooks.slack.example.com/services/CANARYslack",
  TWOKEY_WEBHOOK_URL: "https://example.com/CANARYhook",
  TWOKEY_WEBHOOK_SECRET: "CANARYsecret of thirty-two characters",
  TWOKEY_SMTP_URL: "smtps://mailer:CANARYpassword@mail.example.com",
  TWOKEY_MAIL_FROM: "twokey@example.com",
  TWOKEY_MAIL_TO: "approvers@example.com, security@example.com",
};

test("without settings nobody is told", () => {
  const loaded = load({});
  expect(loaded.ok && loaded.value.notify).toEqual({ slack: null, webhook: null, email: null });
});

test("every channel is set up, and prints as nothing", () => {
  const loaded = load(ALL);
  if (!loaded.ok) throw new Error(loaded.error.join("\n"));
  const { notify } = loaded.value;
  expect(notify.slack?.url.reveal()).toBe(ALL.TWOKEY_SLACK_WEBHOOK_URL);
  expect(notify.webhook?.url.reveal()).toBe(ALL.TWOKEY_WEBHOOK_URL);
  expect(notify.webhook?.secret.reveal()).toBe(ALL.TWOKEY_WEBHOOK_SECRET);
  expect(notify.email?.url.reveal()).toBe(ALL.TWOKEY_SMTP_URL);
  expect(notify.email?.to).toEqual(["approvers@example.com", "security@example.com"]);
  expect(JSON.stringify(loaded) + inspect(loaded, { depth: 9 })).not.toContain("CANARY");
});

test("half a channel is a fault", () => {
  expect(faults({ TWOKEY_WEBHOOK_URL: "https://example.com/" })).toEqual([
    "TWOKEY_WEBHOOK_SECRET: is needed with TWOKEY_WEBHOOK_URL",
  ]);
  expect(faults({ TWOKEY_SMTP_URL: "smtps://mail.example.com" })).toEqual([
    "TWOKEY_MAIL_FROM: is needed with TWOKEY_SMTP_URL",
    "TWOKEY_MAIL_TO: is needed with TWOKEY_SMTP_URL",
  ]);
  expect(faults({ TWOKEY_MAIL_TO: "approvers@example.com" })).toHaveLength(2);
});

test.each([
  ["TWOKEY_SLACK_WEBHOOK_URL", "http://127.0.0.1/CANARY"],
  ["TWOKEY_SLACK_WEBHOOK_URL", "https://CANARY@example.com/"],
  ["TWOKEY_WEBHOOK_URL", "http://example.com/CANARY"],
  ["TWOKEY_WEBHOOK_URL", "http://127.0.0.1.CANARY.example.com/"],
  ["TWOKEY_WEBHOOK_URL", "file:///CANARY"],
  ["TWOKEY_WEBHOOK_SECRET", "CANARY short"],
  ["TWOKEY_SMTP_URL", "https://CANARY.example.com"],
  ["TWOKEY_MAIL_FROM", "CANARY <twokey@example.com>"],
  ["TWOKEY_MAIL_TO", "a@example.com,CANARY"],
  ["TWOKEY_MAIL_TO", "a@example.com\r\nBcc: CANARY@example.com"],
])("%s=%j is a fault that names the setting and not the value", (name, value) => {
  const [fault, more] = faults({ ...ALL, [name]: value });
  expect(fault).toMatch(new RegExp(`^${name}: is `));
  expect(fault).not.toContain("CANARY");
  expect(more).toBeUndefined();
});

test.each(["http://127.0.0.1:9000/x", "http://[::1]:9000/x", "http://localhost/x", "https://10.0.0.5/x"])(
  "a webhook may be %s",
  (url) => {
    expect(faults({ ...ALL, TWOKEY_WEBHOOK_URL: url })).toEqual([]);
  },
);
