/** Secrets that only a broker or a browser has, for tests that look for them where they must not be. */
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { testAuditKey } from "./test-broker.ts";

/** The audit log's signing key as it stands in its file, and as a JWK or a hex dump would tell it. */
export function signingKeyTexts(): readonly string[] {
  const key = createPrivateKey(readFileSync(testAuditKey()));
  const { d = "" } = key.export({ format: "jwk" });
  const der = key.export({ format: "der", type: "pkcs8" });
  return [der.toString("base64"), d, Buffer.from(d, "base64url").toString("hex")];
}

/** A fetch that puts every cookie it is given into `cookies`. */
export const fetchNoting =
  (cookies: string[]): typeof fetch =>
  async (...request) => {
    const response = await fetch(...request);
    cookies.push(...response.headers.getSetCookie().map((cookie) => cookie.split(";")[0] ?? ""));
    return response;
  };
