/**
 * A small S3 over HTTP, path style: signatures are verified, objects are versions that are never lost, and a PUT without
 * retention or checksum is refused as a bucket's policy would.
 */
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { readClaim, stringToSign, type WireRequest } from "../../src/local-aws/sigv4.ts";

export const S3_KEYS = { accessKeyId: "AKIAEXPORT0000000001", secretAccessKey: "export-secret" };
export const BUCKET = "twokey-audit";

export interface S3Object {
  readonly bytes: Buffer;
  readonly mode: string;
  readonly until: string;
}

export interface S3Server {
  readonly url: string;
  /** Versions of each key, oldest first. */
  readonly objects: Map<string, S3Object[]>;
  /** `PUT`, `GET`, `LIST`, each time. */
  readonly calls: string[];
}

class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

/** `pageSize`: keys in one answer of a listing. */
export async function startS3({ pageSize = 1_000 } = {}): Promise<S3Server> {
  const objects = new Map<string, S3Object[]>();
  const calls: string[] = [];
  const server = createServer((request, response) => {
    void serve(request, response, { objects, calls, pageSize });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, objects, calls };
}

interface World {
  readonly objects: Map<string, S3Object[]>;
  readonly calls: string[];
  readonly pageSize: number;
}

async function serve(request: IncomingMessage, response: ServerResponse, world: World): Promise<void> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const wire = wireRequest(request, Buffer.concat(chunks));
    demandSignature(wire);
    const answer = act(wire, world);
    response.writeHead(200, { "content-type": "application/xml" }).end(answer);
  } catch (error) {
    const { status, code } = error instanceof Refusal ? error : { status: 500, code: "InternalError" };
    response.writeHead(status, { "content-type": "application/xml" });
    response.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
  }
}

function wireRequest(request: IncomingMessage, body: Buffer): WireRequest {
  const [path = "/", query = ""] = (request.url ?? "/").split("?");
  const headers = new Map(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  return { method: request.method ?? "", path, query, headers, body, sourceIp: "127.0.0.1" };
}

function demandSignature(wire: WireRequest): void {
  const claim = readClaim(wire);
  if (!claim.ok || claim.value.accessKeyId !== S3_KEYS.accessKeyId)
    throw new Refusal(403, "InvalidAccessKeyId");
  const { date, region, service } = claim.value.scope;
  const hmac = (key: string | Buffer, data: string) => createHmac("sha256", key).update(data).digest();
  const key = [date, region, service, "aws4_request"].reduce(
    hmac,
    Buffer.from(`AWS4${S3_KEYS.secretAccessKey}`),
  );
  const wanted = hmac(key, stringToSign(wire, claim.value)).toString("hex");
  if (wanted !== claim.value.signature) throw new Refusal(403, "SignatureDoesNotMatch");
}

function act(wire: WireRequest, { objects, calls, pageSize }: World): string | Buffer {
  const [, bucket, key = ""] = /^\/([^/]+)\/?(.*)$/.exec(decodeURIComponent(wire.path)) ?? [];
  if (bucket !== BUCKET) throw new Refusal(404, "NoSuchBucket");
  const query = new URLSearchParams(wire.query);
  calls.push(key === "" ? "LIST" : wire.method);
  if (wire.method === "PUT") return put(wire, key, objects);
  if (wire.method !== "GET") throw new Refusal(403, "AccessDenied");
  if (key === "") return list(query, [...objects.keys()].sort(), pageSize);
  const object = objects.get(key)?.at(-1);
  if (object === undefined) throw new Refusal(404, "NoSuchKey");
  return object.bytes;
}

function put({ headers, body }: WireRequest, key: string, objects: Map<string, S3Object[]>): string {
  const mode = headers.get("x-amz-object-lock-mode");
  const until = headers.get("x-amz-object-lock-retain-until-date");
  if (mode === undefined || until === undefined) throw new Refusal(403, "AccessDenied");
  const checksum = headers.get("x-amz-checksum-sha256");
  if (checksum === undefined || headers.get("x-amz-sdk-checksum-algorithm") !== "SHA256")
    throw new Refusal(400, "InvalidRequest");
  if (checksum !== createHash("sha256").update(body).digest("base64")) throw new Refusal(400, "BadDigest");
  const versions = objects.get(key) ?? [];
  if (versions.length > 0 && headers.get("if-none-match") === "*")
    throw new Refusal(412, "PreconditionFailed");
  objects.set(key, [...versions, { bytes: body, mode, until }]);
  return "";
}

function list(query: URLSearchParams, keys: readonly string[], pageSize: number): string {
  const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
  const found = keys.filter((key) => key.startsWith(query.get("prefix") ?? "") && key > after);
  const page = found.slice(0, pageSize);
  const more = found.length > page.length;
  const contents = page.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("");
  const next = more ? `<NextContinuationToken>${page.at(-1) ?? ""}</NextContinuationToken>` : "";
  return `<ListBucketResult><IsTruncated>${more}</IsTruncated>${contents}${next}</ListBucketResult>`;
}
