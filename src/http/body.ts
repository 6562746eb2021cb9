/**
 * Reads a request's JSON body from the socket, counting as it goes: at the first byte over the limit it stops, so
 * no sender, chunked or not, makes the broker hold more.
 */
import type { IncomingMessage } from "node:http";
import type { Failure } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";

export const MAX_BODY_BYTES = 64 * 1024;

const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

export async function readJson(
  incoming: IncomingMessage,
  maxBytes = MAX_BODY_BYTES,
): Promise<Result<unknown, Failure>> {
  if (!JSON_TYPE.test(incoming.headers["content-type"] ?? "") || incoming.headers["content-encoding"]) {
    return err({ code: "unsupported_media_type" });
  }
  const bytes = await readBytes(incoming, maxBytes);
  if (bytes === null) return err({ code: "body_too_large", limit: maxBytes });
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return ok(JSON.parse(text) as unknown);
  } catch {
    return err({ code: "invalid_request", faults: [{ at: "", problem: "the body is not JSON in UTF-8" }] });
  }
}

const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;

/** Fields of a posted form. */
export async function readForm(incoming: IncomingMessage): Promise<Result<URLSearchParams, Failure>> {
  if (!FORM_TYPE.test(incoming.headers["content-type"] ?? "") || incoming.headers["content-encoding"]) {
    return err({ code: "unsupported_media_type" });
  }
  const bytes = await readBytes(incoming, MAX_BODY_BYTES);
  if (bytes === null) return err({ code: "body_too_large", limit: MAX_BODY_BYTES });
  return ok(new URLSearchParams(new TextDecoder().decode(bytes)));
}

/** null: over the limit. Rejects when the client went away. */
function readBytes(incoming: IncomingMessage, maxBytes: number): Promise<Uint8Array | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Who went away while the token was being checked sends no further event.
  if (incoming.destroyed) return Promise.reject(new ClientGoneError());
  return new Promise((resolve, reject) => {
    const stop = (answer: () => void): void => {
      incoming.off("data", onData).off("end", onEnd).off("error", onGone).off("close", onGone);
      answer();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBytes) {
        stop(() => {
          incoming.pause();
          resolve(null);
        });
      } else chunks.push(chunk);
    };
    const onEnd = (): void => {
      stop(() => {
        resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
      });
    };
    const onGone = (): void => {
      stop(() => {
        reject(new ClientGoneError());
      });
    };
    incoming.on("data", onData).on("end", onEnd).on("error", onGone).on("close", onGone);
  });
}

/** The client closed the connection before its request was whole. */
export class ClientGoneError extends Error {
  override readonly name = "ClientGoneError";
}
