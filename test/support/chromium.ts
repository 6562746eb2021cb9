/** A real Chromium for tests of the pages. Absent only where nobody asked for every test. */
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const BINARY = process.env["TWOKEY_TEST_CHROMIUM"] ?? "/usr/bin/chromium";

/** Tests are skipped where it is missing, unless TWOKEY_TEST_ALL is set: then they fail. */
export const NO_CHROMIUM = !existsSync(BINARY) && process.env["TWOKEY_TEST_ALL"] === undefined;

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: BINARY,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
