/**
 * The wire protocols AWS's clients speak, as far as an answer or an error must be shaped for them. Text in an answer
 * is hostile and is escaped for its format here.
 */
import type { AwsFault } from "./fault.ts";
import type { WireRequest } from "./sigv4.ts";
import { element, type XmlStructure } from "./xml.ts";

export type Protocol = "query" | "ec2" | "json" | "rest-json" | "s3" | "cbor";

export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** Services whose query-protocol XML has a namespace that clients look at. */
const NAMESPACES: ReadonlyMap<string, string> = new Map([
  ["sts", "https://sts.amazonaws.com/doc/2011-06-15/"],
  ["iam", "https://iam.amazonaws.com/doc/2010-05-08/"],
  ["cloudformation", "http://cloudformation.amazonaws.com/doc/2010-05-15/"],
]);

/** `service` is what the signature's scope says, or null where there is none to read. */
export function protocolOf(request: WireRequest, service: string | null): Protocol {
  if (request.headers.has("x-amz-target")) return "json";
  if (request.headers.get("smithy-protocol") === "rpc-v2-cbor") return "cbor";
  if (service === "ec2") return "ec2";
  if (request.headers.get("content-type")?.startsWith("application/x-www-form-urlencoded") === true)
    return "query";
  return service === "s3" ? "s3" : "rest-json";
}

export function queryAnswer(
  answer: { readonly operation: string; readonly result: XmlStructure | null },
  service: string,
  requestId: string,
): WireResponse {
  const { operation, result } = answer;
  const body = element(`${operation}Result`, result) + element("ResponseMetadata", { RequestId: requestId });
  const namespace = NAMESPACES.get(service) ?? "";
  return xml(200, requestId, `<${operation}Response xmlns="${namespace}">${body}</${operation}Response>`);
}

const xml = (status: number, requestId: string, body: string): WireResponse => ({
  status,
  headers: { "content-type": "text/xml", "x-amzn-requestid": requestId },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
});

export function faultAnswer(
  protocol: Protocol,
  fault: AwsFault,
  requestId: string,
  service: string | null,
): WireResponse {
  const { status } = fault;
  const error = { Code: fault.code, Message: fault.message };
  switch (protocol) {
    case "query": {
      const namespace = NAMESPACES.get(service ?? "");
      const type = status >= 500 ? "Receiver" : "Sender";
      const body = element("Error", { Type: type, ...error }) + element("RequestId", requestId);
      const attribute = namespace === undefined ? "" : ` xmlns="${namespace}"`;
      return xml(status, requestId, `<ErrorResponse${attribute}>${body}</ErrorResponse>`);
    }
    case "ec2":
      return xml(status, requestId, element("Response", { Errors: { Error: error }, RequestID: requestId }));
    case "s3":
      return xml(status, requestId, element("Error", { ...error, RequestId: requestId }));
    case "json":
    case "rest-json":
      return json(protocol, fault, requestId);
    case "cbor":
      return {
        status,
        headers: {
          "content-type": "application/cbor",
          "smithy-protocol": "rpc-v2-cbor",
          "x-amzn-requestid": requestId,
        },
        body: cborTexts({ __type: jsonCode(fault.code), message: fault.message }),
      };
  }
}

function json(protocol: "json" | "rest-json", fault: AwsFault, requestId: string): WireResponse {
  const code = jsonCode(fault.code);
  return {
    status: fault.status,
    headers: {
      "content-type": protocol === "json" ? "application/x-amz-json-1.0" : "application/json",
      "x-amzn-requestid": requestId,
      "x-amzn-errortype": code,
    },
    body: JSON.stringify({ __type: code, message: fault.message, Message: fault.message }),
  };
}

/** The JSON services call the same refusals by other names. */
const JSON_CODES: ReadonlyMap<string, string> = new Map([
  ["AccessDenied", "AccessDeniedException"],
  ["ExpiredToken", "ExpiredTokenException"],
  ["IncompleteSignature", "IncompleteSignatureException"],
  ["InvalidClientTokenId", "UnrecognizedClientException"],
  ["MissingAuthenticationToken", "MissingAuthenticationTokenException"],
  ["SignatureDoesNotMatch", "InvalidSignatureException"],
]);

const jsonCode = (code: string): string => JSON_CODES.get(code) ?? code;

/** A CBOR map of text to text (RFC 8949): all that an error needs. */
function cborTexts(texts: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(texts);
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, "utf8");
    const head = Buffer.alloc(5);
    head.writeUInt8(0x7a);
    head.writeUInt32BE(bytes.length, 1);
    return Buffer.concat([head, bytes]);
  };
  return Buffer.concat([Buffer.from([0xa0 + entries.length]), ...entries.flat().map(text)]);
}
