/**
 * A stand-in for STS that answers what a test says, over real HTTP on loopback. It checks nothing; local-aws does.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface StubSts {
  readonly url: string;
  /** The form fields of every request received. */
  readonly received: readonly URLSearchParams[];
  /** Answers from now on. */
  answer: Answer;
  readonly close: () => Promise<void>;
}

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const XMLNS = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"';

export const CANARY = {
  secretKey: "CANARYsecretkey0123456789abcdefghijklmno",
  sessionToken: "CANARYsessiontoken//0123456789abcdefghijklmnopqrstuvwxyz==",
} as const;

export const assumed =
  (expiration = "2099-01-01T00:00:00Z", fields: Readonly<Record<string, string>> = {}): Answer =>
  (response) => {
    const credentials: Readonly<Record<string, string>> = {
      AccessKeyId: "ASIAEXAMPLEEXAMPLE00",
      SecretAccessKey: CANARY.secretKey,
      SessionToken: CANARY.sessionToken,
      Expiration: expiration,
      ...fields,
    };
    const xml = Object.entries(credentials)
      .filter(([, value]) => value !== "")
      .map(([name, value]) => `<${name}>${value}</${name}>`)
      .join("");
    respond(
      response,
      200,
      `<AssumeRoleResponse ${XMLNS}><AssumeRoleResult><Credentials>${xml}</Credentials><AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/ai-observer/x</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser><PackedPolicySize>42</PackedPolicySize></AssumeRoleResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>`,
    );
  };

export const stsError =
  (status: number, code: string, message = "words of STS"): Answer =>
  (response) => {
    const type = status < 500 ? "Sender" : "Receiver";
    respond(
      response,
      status,
      `<ErrorResponse ${XMLNS}><Error><Type>${type}</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
    );
  };

export function respond(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "text/xml" }).end(body);
}

export async function startStubSts(answer: Answer = assumed()): Promise<StubSts> {
  const received: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push(new URLSearchParams(Buffer.concat(chunks).toString()));
      stub.answer(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return stub;
}
