/**
 * E-mail over SMTP: plain text, one thread for an escalation. Never sends in clear but to this machine itself, and never
 * lets a text become a header or a recipient.
 */
import { createTransport } from "nodemailer";
import type { Channel, Message, Undelivered } from "../../escalation/outbox.ts";
import { err, ok } from "../../result.ts";
import type { Secret } from "../../session/credentials.ts";

export interface EmailOptions {
  /** `smtps://user:password@host:465` or `smtp://host:587`. */
  readonly url: Secret;
  /** Addresses without a name. */
  readonly from: string;
  readonly to: readonly string[];
}

/** For one phase of the conversation, and for all of it. */
const PHASE_MS = 5_000;
const DEADLINE_MS = 15_000;

export function createEmail({ url, from, to }: EmailOptions): Channel {
  return {
    name: "email",
    deliver: async (message) => {
      const transport = createTransport(connection(new URL(url.reveal())));
      const signal = AbortSignal.timeout(DEADLINE_MS);
      try {
        await transport.sendMail({ ...mail(message, from), to: [...to], signal });
        return ok({ thread: null });
      } catch (error) {
        return err(undelivered(error));
      }
    },
  };
}

function connection({ protocol, hostname, port, username, password }: URL) {
  const secure = protocol === "smtps:";
  const host = hostname.replace(/^\[|\]$/g, "");
  const here = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$|^::1$|^localhost$/.test(host);
  const auth = { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  return {
    host,
    port: port === "" ? (secure ? 465 : 587) : Number(port),
    secure,
    // A relay on this machine rarely has a certificate, and nothing crosses the network.
    ...(here ? { ignoreTLS: !secure } : { requireTLS: true }),
    ...(username === "" ? {} : { auth }),
    connectionTimeout: PHASE_MS,
    greetingTimeout: PHASE_MS,
    socketTimeout: PHASE_MS,
    dnsTimeout: PHASE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function mail({ title, lines, url, notice }: Message, from: string) {
  const domain = from.slice(from.lastIndexOf("@") + 1);
  const id = (local: string): string => `<${local}@${domain}>`;
  const first = notice.escalation === null ? null : id(notice.escalation);
  const opens = notice.kind === "escalation.requested";
  return {
    from: { name: "Twokey", address: from },
    subject: oneLine(`[Twokey] ${title}`),
    text: [...lines.map(({ label, text }) => oneLine(`${label}: ${text}`)), "", url, "", FOOTER, ""].join(
      "\n",
    ),
    // The same for a repeated delivery, by which mail programs tell it.
    messageId: opens && first !== null ? first : id(notice.id),
    ...(first !== null && !opens && { inReplyTo: first, references: first }),
    headers: { "Auto-Submitted": "auto-generated" },
  };
}

const FOOTER =
  "Decisions are made on the page alone, with your passkey. An answer to this message reaches nobody.";

const oneLine = (text: string): string => text.replace(/[\r\n]+/g, " ");

/** A server's words may quote addresses and our log-in: only numbers and codes are kept. */
function undelivered(error: unknown): Undelivered {
  const { code, responseCode } = error as { readonly code?: unknown; readonly responseCode?: unknown };
  if (typeof responseCode === "number") return { reason: `SMTP ${responseCode}`, retry: responseCode < 500 };
  const known = typeof code === "string" && /^[A-Z0-9_]{1,60}$/.test(code);
  return { reason: known ? `SMTP: ${code}` : "SMTP: failed", retry: true };
}
