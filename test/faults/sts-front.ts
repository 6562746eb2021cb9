/**
 * Stands before local-aws's STS, in the harness's process: sees every AssumeRole before STS does, may answer in its
 * place as a failing STS would, and keeps the secrets of every answer, so that they can be looked for where they must
 * not be.
 */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Answer } from "../support/stub-sts.ts";

export interface StsCall {
  /** The source identity. */
  readonly session: string;
  /** Of the session's tag; null for a standing session. */
  readonly escalation: string | null;
}

export interface StsFront {
  readonly url: string;
  /** Every AssumeRole, in the order they came, whatever was answered. */
  readonly calls: readonly StsCall[];
  /** Secret keys and session tokens that STS answered with. */
  readonly secrets: string[];
  /** Looks at a call before STS gets it. */
  before: (call: StsCall) => Promise<void>;
  /** Answers in STS's place; null: STS answers. */
  instead: (call: StsCall) => Answer | null;
  readonly close: () => Promise<void>;
}

/** `aws`: URL of the local AWS. Signatures name the host the broker called, so headers go on as they came. */
export async function startStsFront(aws: string): Promise<StsFront> {
  const calls: StsCall[] = [];
  const secrets: string[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await read(request);
    const call = callOf(new URLSearchParams(body.toString()));
    if (call !== null) {
      calls.push(call);
      await front.before(call);
      const answer = front.instead(call);
      if (answer !== null) {
        answer(response, request);
        return;
      }
    }
    const answered = await forward(aws, request, body);
    secrets.push(...secretsIn(answered.body.toString()));
    response.writeHead(answered.status, answered.headers).end(answered.body);
  };
  const server = createServer((request, response) => {
    // The broker was killed while it asked.
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const front: StsFront = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    secrets,
    before: async () => undefined,
    instead: () => null,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return front;
}

function callOf(form: URLSearchParams): StsCall | null {
  if (form.get("Action") !== "AssumeRole") return null;
  const tags = [...form].filter(([, value]) => value === "twokey:escalation");
  const place = tags.map(([name]) => name).find((name) => name.startsWith("Tags.") && name.endsWith(".Key"));
  const escalation = place === undefined ? null : form.get(place.replace(/Key$/, "Value"));
  return { session: form.get("SourceIdentity") ?? "", escalation };
}

const secretsIn = (xml: string): readonly string[] =>
  [...xml.matchAll(/<(SecretAccessKey|SessionToken)>([^<]+)</g)].map(([, , secret = ""]) => secret);

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

interface Forwarded {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

function forward(aws: string, request: IncomingMessage, body: Buffer): Promise<Forwarded> {
  const { hostname, port } = new URL(aws);
  const { method, url: path, rawHeaders: headers } = request;
  return new Promise((resolve, reject) => {
    const onward = httpRequest({ hostname, port, method, path, headers }, (response) => {
      const type = response.headers["content-type"] ?? "text/xml";
      read(response).then((answer) => {
        resolve({ status: response.statusCode ?? 0, headers: { "content-type": type }, body: answer });
      }, reject);
    });
    onward.on("error", reject);
    onward.end(body);
  });
}
