/**
 * Fetches one JSON document of an issuer: one request, no redirect, bounded in time and size. Must never follow
 * where an answer points.
 */
import { err, ok, type Result } from "../../result.ts";

const MAX_BYTES = 256 * 1024;

export interface FetchOptions {
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
}

/** `err` is a short sentence, safe to log. Never throws. */
export async function fetchDocument(
  url: URL,
  { fetch, timeoutMs }: FetchOptions,
): Promise<Result<Readonly<Record<string, unknown>>, string>> {
  try {
    // A redirect is the issuer's word for another address, which nobody has judged.
    const response = await fetch(url, {
      redirect: "error",
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      return err(`${url.host} answered ${response.status}`);
    }
    const text = await readBounded(response);
    if (text === null) return err(`${url.host} answered more than ${MAX_BYTES} bytes`);
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? ok(value as Readonly<Record<string, unknown>>)
      : err(`${url.host} answered no JSON object`);
  } catch (error) {
    const name = error instanceof Error ? error.name : "error";
    return err(
      `${url.host} gave no usable answer (${name === "TypeError" ? "no connection, or a redirect" : name})`,
    );
  }
}

async function readBounded(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    // Leaving the loop cancels the body.
    if (size > MAX_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
