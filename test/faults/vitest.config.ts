/** The fault harness: real processes are killed, real databases crash. `npm run test:faults`. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/faults/**/*.test.ts"],
    // The broker serves the pages that are built.
    globalSetup: "test/support/bundle.ts",
    testTimeout: 120_000,
    hookTimeout: 120_000,
    retry: 0,
    pool: "forks",
    // Each file has brokers and a database of its own, which two cores carry one at a time.
    fileParallelism: false,
    // Nor does loading everything again for each file tell anything.
    isolate: false,
    // The table of hits is the harness's answer.
    disableConsoleIntercept: true,
  },
});
