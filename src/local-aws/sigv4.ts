/**
 * AWS Signature Version 4 as the server sees it: what an Authorization header claims, and the string that must
 * have been signed for the request that arrived. Never trusts a hash or a header list the client states without
 * comparing it with what was received. Query-string (presigned) signatures are not read.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash } from "node:crypto";
import { ok } from "../result.ts";
import { type Answered, fault } from "./fault.ts";

/** A request as it came off the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path as sent, still encoded, without the query. */
  readonly path: string;
  /** Query as sent, still encoded, without `?`. */
  readonly query: string;
  /** Lower-case names; a header sent several times is joined with commas. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly sourceIp: string;
}

/** Nothing in here is proved until the signature is. */
export interface SignatureClaim {
  readonly accessKeyId: string;
  readonly scope: { readonly date: string; readonly region: string; readonly service: string };
  readonly signedHeaders: readonly string[];
  /** 64 lower-case hex digits. */
  readonly signature: string;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly signedAt: string;
  readonly sessionToken: string | null;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=(\w{1,128})\/(\d{8})\/([a-z0-9-]{1,32})\/([a-z0-9-]{1,64})\/aws4_request, ?SignedHeaders=([a-z0-9!#$%&'*+.^_`|~;-]{1,2000}), ?Signature=([0-9a-f]{64})$/;

const incomplete = (message: string): ReturnType<typeof fault> => fault("IncompleteSignature", message, 403);

export function readClaim(request: WireRequest): Answered<SignatureClaim> {
  const header = request.headers.get("authorization");
  if (header === undefined || header === "")
    return fault("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
  const [, accessKeyId, date, region, service, names, signature] = AUTHORIZATION.exec(header) ?? [];
  if (!accessKeyId || !date || !region || !service || !names || !signature)
    return incomplete("The Authorization header is not a complete AWS4-HMAC-SHA256 header.");
  const signedAt = request.headers.get("x-amz-date");
  if (signedAt === undefined || !/^\d{8}T\d{6}Z$/.test(signedAt))
    return incomplete("Authorization header requires existence of a valid 'X-Amz-Date' header.");
  if (!signedAt.startsWith(date)) return incomplete("Date in Credential scope does not match X-Amz-Date.");
  const signedHeaders = names.split(";");
  const unsigned = [...request.headers.keys()].find(
    (name) => (name === "host" || name.startsWith("x-amz-")) && !signedHeaders.includes(name),
  );
  if (unsigned !== undefined)
    return fault("SignatureDoesNotMatch", `'${unsigned}' must be a signed header.`, 403);
  const sessionToken = request.headers.get("x-amz-security-token") ?? null;
  return ok({
    accessKeyId,
    scope: { date, region, service },
    signedHeaders,
    signature,
    signedAt,
    sessionToken,
  });
}

/** The text an honest client signed. The payload hash is of the body that arrived, whatever a header says. */
export function stringToSign(request: WireRequest, claim: SignatureClaim): string {
  const canonical = [
    request.method,
    canonicalPath(request.path, claim.scope.service),
    canonicalQuery(request.query),
    ...claim.signedHeaders.map((name) => `${name}:${canonicalValue(request.headers.get(name) ?? "")}`),
    "",
    claim.signedHeaders.join(";"),
    payloadHash(request, claim.scope.service),
  ].join("\n");
  const { date, region, service } = claim.scope;
  return [
    "AWS4-HMAC-SHA256",
    claim.signedAt,
    `${date}/${region}/${service}/aws4_request`,
    sha256(canonical),
  ].join("\n");
}

const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");

function payloadHash(request: WireRequest, service: string): string {
  const stated = request.headers.get("x-amz-content-sha256");
  // S3 clients stream objects without hashing them first. No object is stored here, so nothing rests on it.
  const streams = stated !== undefined && /^(?:UNSIGNED-PAYLOAD|STREAMING-[A-Z0-9-]+)$/.test(stated);
  return service === "s3" && streams ? stated : sha256(request.body);
}

const canonicalValue = (value: string): string => value.trim().replace(/\s+/g, " ");

const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** S3 signs the path as sent; every other service drops dot segments and encodes it once more. */
function canonicalPath(path: string, service: string): string {
  if (service === "s3") return path;
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(encode(segment));
  }
  const trailing = path.endsWith("/") && segments.length > 0 ? "/" : "";
  return `/${segments.join("/")}${trailing}`;
}

function canonicalQuery(query: string): string {
  if (query === "") return "";
  return query
    .split("&")
    .map((pair) => {
      const equals = pair.indexOf("=");
      const name = equals === -1 ? pair : pair.slice(0, equals);
      const value = equals === -1 ? "" : pair.slice(equals + 1);
      return [recode(name), recode(value)] as const;
    })
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** One spelling for what clients encode differently. Text that is no valid encoding stays, and fails to match. */
function recode(text: string): string {
  try {
    return encode(decodeURIComponent(text));
  } catch {
    return text;
  }
}
