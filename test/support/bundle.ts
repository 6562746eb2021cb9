/** The `twokey` that people run: bundled, and built anew before any suite. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

export const BUNDLE = join(ROOT, "dist/cli/main.js");

/** Vitest's global setup. */
export default function build(): void {
  execFileSync(process.execPath, ["build.mjs"], { cwd: ROOT, stdio: "inherit" });
}
