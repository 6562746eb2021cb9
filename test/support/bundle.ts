/** The `twokey` that people run: bundled, and built anew before any suite. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

const ROOT = join(import.meta.dirname, "../..");

export const BUNDLE = join(ROOT, "dist/cli/main.js");

/** Vitest's global setup: before the first run, and where it watches before each other. */
export default function setup(project: TestProject): void {
  build();
  project.onTestsRerun(build);
}

function build(): void {
  execFileSync(process.execPath, ["build.mjs"], { cwd: ROOT, stdio: "inherit" });
}
