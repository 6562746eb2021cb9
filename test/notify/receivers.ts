/** Real receivers on loopback: an HTTP server that keeps what it is sent, and an SMTP server with a mailbox. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** Resolves when that many came. */
  readonly count: (many: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `answer`: to the request with that index; null: never. */
export async function startReceiver(
  answer: (index: number) => Reply | null = () => ({ status: 200 }),
): Promise<Receiver> {
  const received: Received[] = [];
  const waiting = waiters(() => received.length);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      received.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
      const reply = answer(received.length - 1);
      waiting.check();
      if (reply !== null) response.writeHead(reply.status, reply.headers ?? {}).end("ignored");
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url, received, count: waiting.count, close };
}

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** Header lines, unfolded. */
  readonly headers: readonly string[];
  readonly body: string;
  readonly user: string | null;
  readonly secure: boolean;
}

export interface Mailbox {
  readonly port: number;
  readonly mails: readonly Mail[];
  readonly count: (many: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function startMailbox(options: SMTPServerOptions = {}): Promise<Mailbox> {
  const mails: Mail[] = [];
  const waiting = waiters(() => mails.length);
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    authOptional: true,
    allowInsecureAuth: true,
    onAuth: ({ username }, _session, done) => {
      done(null, { user: username });
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const [head = "", ...body] = Buffer.concat(chunks).toString().split("\r\n\r\n");
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          headers: head.replaceAll(/\r\n[ \t]+/g, " ").split("\r\n"),
          body: body.join("\r\n\r\n"),
          user: (session.user as string | undefined) ?? null,
          secure: session.secure,
        });
        done();
        waiting.check();
      });
    },
    ...options,
  });
  // A client that will not speak in clear hangs up.
  server.on("error", () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.server.address() as AddressInfo;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(resolve);
    });
  return { port, mails, count: waiting.count, close };
}

/** The body as a reader sees it: quoted-printable decoded. */
export function textOf({ headers, body }: Mail): string {
  const encoded = headers.some((line) => /^content-transfer-encoding: quoted-printable$/i.test(line));
  if (!encoded) return body;
  const bytes = body
    .replaceAll(/=\r\n/g, "")
    .replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

export const headerOf = ({ headers }: Mail, name: string): string | undefined =>
  headers.find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}: `))?.slice(name.length + 2);

function waiters(size: () => number) {
  let waiting: { readonly many: number; readonly resolve: () => void }[] = [];
  return {
    check: (): void => {
      for (const { many, resolve } of waiting) if (size() >= many) resolve();
      waiting = waiting.filter(({ many }) => size() < many);
    },
    count: (many: number): Promise<void> =>
      size() >= many
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push({ many, resolve });
          }),
  };
}
