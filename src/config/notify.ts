/**
 * The settings of notifications. Addresses that are passwords and keys become Secrets here, at once; no fault quotes a
 * value.
 */
import { z } from "zod";
import { Secret } from "../session/credentials.ts";

/** Null: the channel is not set up. */
export interface NotifyConfig {
  readonly slack: { readonly url: Secret } | null;
  readonly webhook: { readonly url: Secret; readonly secret: Secret } | null;
  readonly email: { readonly url: Secret; readonly from: string; readonly to: readonly string[] } | null;
}

/** Rows of the table in config.ts. No flags: command lines are seen by everyone on a machine. */
export const NOTIFY_SETTINGS = {
  slackWebhookUrl: {
    key: "slack_webhook_url",
    env: "TWOKEY_SLACK_WEBHOOK_URL",
    flag: null,
    help: "https://hooks.slack.com/services/… of an incoming webhook; tells approvers in Slack",
    fallback: null,
  },
  webhookUrl: {
    key: "webhook_url",
    env: "TWOKEY_WEBHOOK_URL",
    flag: null,
    help: "URL that is sent a signed JSON event for every notice",
    fallback: null,
  },
  webhookSecret: {
    key: "webhook_secret",
    env: "TWOKEY_WEBHOOK_SECRET",
    flag: null,
    help: "key of the signature on webhook events, 32 characters or more",
    fallback: null,
  },
  smtpUrl: {
    key: "smtp_url",
    env: "TWOKEY_SMTP_URL",
    flag: null,
    help: "smtps://user:password@host:465, or smtp://… with STARTTLS; tells approvers by e-mail",
    fallback: null,
  },
  mailFrom: {
    key: "mail_from",
    env: "TWOKEY_MAIL_FROM",
    flag: null,
    help: "address that e-mail is from",
    fallback: null,
  },
  mailTo: {
    key: "mail_to",
    env: "TWOKEY_MAIL_TO",
    flag: null,
    help: "addresses that e-mail goes to, with commas between",
    fallback: null,
  },
} as const;

const secretUrl = (accepts: (url: URL) => boolean, error: string) =>
  z
    .string()
    .refine((text) => URL.canParse(text) && accepts(new URL(text)), { error })
    .transform((text) => new Secret(text));

const isHttps = ({ protocol, username }: URL): boolean => protocol === "https:" && username === "";

const isLoopbackHttp = ({ protocol, hostname, username }: URL): boolean =>
  protocol === "http:" &&
  username === "" &&
  /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$|^\[::1\]$|^localhost$/.test(hostname);

/** Nothing that could be read as a second address, a name or a header. */
const address = z.string().regex(/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$/, {
  error: "is an e-mail address such as twokey@example.com",
});

const addresses = z
  .string()
  .transform((text) => text.split(",").map((part) => part.trim()))
  .pipe(z.array(address));

export const NOTIFY_SCHEMA = {
  slackWebhookUrl: secretUrl(isHttps, "is a URL with https").nullable(),
  webhookUrl: secretUrl(
    (url) => isHttps(url) || isLoopbackHttp(url),
    "is a URL with https (http to this machine alone), without user and password",
  ).nullable(),
  webhookSecret: z
    .string()
    .min(32, { error: "is 32 characters or more, such as `openssl rand -hex 32` prints" })
    .transform((text) => new Secret(text))
    .nullable(),
  smtpUrl: secretUrl(
    ({ protocol, hostname }) => ["smtp:", "smtps:"].includes(protocol) && hostname !== "",
    "is a URL with smtps or smtp",
  ).nullable(),
  mailFrom: address.nullable(),
  mailTo: addresses.nullable(),
};

type Name = keyof typeof NOTIFY_SETTINGS;

/** Settings that stand without the ones they need. */
export function notifyFaults(values: Readonly<Partial<Record<Name, string | null>>>): readonly string[] {
  const groups: readonly (readonly Name[])[] = [
    ["webhookUrl", "webhookSecret"],
    ["smtpUrl", "mailFrom", "mailTo"],
  ];
  return groups.flatMap((group) => {
    const given = group.filter((name) => (values[name] ?? null) !== null);
    const missing = group.filter((name) => !given.includes(name));
    const [first] = given;
    return first === undefined
      ? []
      : missing.map((name) => `${NOTIFY_SETTINGS[name].env}: is needed with ${NOTIFY_SETTINGS[first].env}`);
  });
}

/** `data`: parsed by NOTIFY_SCHEMA, and without notifyFaults. */
export function notifyConfig(data: {
  readonly [K in Name]: z.output<(typeof NOTIFY_SCHEMA)[K]>;
}): NotifyConfig {
  const { slackWebhookUrl, webhookUrl, webhookSecret, smtpUrl, mailFrom, mailTo } = data;
  return Object.freeze({
    slack: slackWebhookUrl === null ? null : { url: slackWebhookUrl },
    webhook:
      webhookUrl === null || webhookSecret === null ? null : { url: webhookUrl, secret: webhookSecret },
    email:
      smtpUrl === null || mailFrom === null || mailTo === null
        ? null
        : { url: smtpUrl, from: mailFrom, to: mailTo },
  });
}
