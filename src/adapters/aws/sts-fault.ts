/**
 * What a failed AssumeRole call proves. `definite` only where STS certainly issued nothing: the request never left,
 * the connection was refused, or STS parsed it and refused it (4xx). Everything else is `unknown`, because a
 * session may exist. Only STS's own parsed words become a message, and those are scrubbed first: a parse error of
 * the SDK can quote the answer's body, which may hold credentials.
 */
import { STSServiceException } from "@aws-sdk/client-sts";
import type { AssumeRoleFault } from "../../session/assume-role.ts";

/** Failures before a connection exists. */
const NEVER_CONNECTED: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection to STS was refused",
  ENOTFOUND: "the name of the STS endpoint does not resolve",
  EAI_AGAIN: "the name of the STS endpoint could not be looked up",
};

/** `sent`: the request was handed to the HTTP client. */
export function classifyFault(error: unknown, sent: boolean): AssumeRoleFault {
  const stsError = parsedRefusal(error);
  if (stsError !== null) return { certainty: "definite", ...stsError };
  const code = nodeCode(error);
  const never = code === null ? undefined : NEVER_CONNECTED[code];
  if (code !== null && never !== undefined) return { certainty: "definite", code, message: never };
  const name = errorName(error);
  if (!sent) {
    return { certainty: "definite", code: name, message: "the request to STS was never sent" };
  }
  const status = httpStatus(error);
  const what = status === null ? "no readable answer from STS" : `STS answered HTTP ${status}`;
  return { certainty: "unknown", code: code ?? name, message: what };
}

/** A 4xx whose body was an STS error document; the SDK gives anything else a name of its own making. */
function parsedRefusal(error: unknown): { readonly code: string; readonly message: string } | null {
  if (!(error instanceof STSServiceException)) return null;
  const status = error.$metadata.httpStatusCode;
  if (status === undefined || status < 400 || status > 499) return null;
  const { Code, Type } = error as unknown as { readonly Code?: unknown; readonly Type?: unknown };
  if (typeof Code !== "string" && typeof Type !== "string") return null;
  const code = typeof Code === "string" ? Code : error.name;
  return { code: scrub(code).slice(0, 64), message: scrub(error.message) };
}

/**
 * STS quotes the canonical request, security token included, in SignatureDoesNotMatch. Long runs of base64 go,
 * whatever they are; control characters go, as the text is stored and shown.
 */
export function scrub(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, " ")
    .replace(/(security-token["']?\s*[:=]\s*)\S+/gi, "$1[redacted]")
    .replace(/[A-Za-z0-9/+=]{40,}/g, "[redacted]")
    .slice(0, 512);
}

function errorName(error: unknown): string {
  return error instanceof Error ? scrub(error.name).slice(0, 64) : "UnknownError";
}

function nodeCode(error: unknown): string | null {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === "string" && /^[A-Z][A-Z_]{1,31}$/.test(code) ? code : null;
}

function httpStatus(error: unknown): number | null {
  const metadata = (error as { readonly $metadata?: { readonly httpStatusCode?: unknown } } | null)
    ?.$metadata;
  const status = metadata?.httpStatusCode;
  return typeof status === "number" ? status : null;
}
